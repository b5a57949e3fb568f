/* SPDX-License-Identifier: ISC */
#include "accounts/sqlite/database.h"
#include "base/clock.h"

#include <string.h>

static sqlite3_stmt *
statement_for(struct accounts *accounts, enum statement which, const char *name)
{
	sqlite3_stmt *statement =
		accounts_sqlite_of(accounts)->statements[which];

	if (name)
		sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	return statement;
}

static enum outcome
run(struct accounts *accounts, enum statement which, const char *name)
{
	return accounts_sqlite_run(statement_for(accounts, which, name));
}

/* Of a statement that must change something. */
static enum outcome
run_one(struct accounts *accounts, sqlite3_stmt *statement)
{
	enum outcome outcome = accounts_sqlite_run(statement);

	if (outcome == OK &&
		sqlite3_changes(accounts_sqlite_of(accounts)->db) == 0)
		return ERR_DENIED;
	return outcome;
}

static enum outcome
begin(struct accounts *accounts)
{
	return run(accounts, BEGIN, NULL);
}

static enum outcome
end(struct accounts *accounts, enum outcome outcome)
{
	if (outcome == OK)
		outcome = run(accounts, COMMIT, NULL);
	if (outcome != OK)
		run(accounts, ROLLBACK, NULL);
	return outcome;
}

static enum outcome
exists(struct accounts *accounts, enum statement which, const char *name)
{
	sqlite3_stmt *statement = statement_for(accounts, which, name);
	enum outcome outcome = accounts_sqlite_row(statement);

	accounts_sqlite_reset(statement);
	return outcome;
}

/* ---- credentials ---- */

static void
bind_scram(sqlite3_stmt *statement, int at, const struct scram_keys *keys,
	enum scram_digest digest)
{
	unsigned char blob[SCRAM_BLOB_MAXIMUM_OCTETS];
	size_t octets = scram_blob_write(&keys[digest], digest, blob);

	if (octets > 0)
		sqlite3_bind_blob(
			statement, at, blob, (int)octets, SQLITE_TRANSIENT);
	explicit_bzero(blob, sizeof(blob));
}

static enum outcome
insert(struct accounts *accounts, const char *name, const struct credential *c)
{
	uint64_t created =
		c->created_seconds ? c->created_seconds : clock_wall_seconds();
	sqlite3_stmt *statement = statement_for(accounts, ADD_CREDENTIAL, name);

	sqlite3_bind_int(statement, 2, (int)c->kind);
	sqlite3_bind_text(statement, 3, c->device, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 4, c->hash, -1, SQLITE_STATIC);
	bind_scram(statement, 5, c->scram, SCRAM_SHA_1);
	bind_scram(statement, 6, c->scram, SCRAM_SHA_256);
	sqlite3_bind_text(statement, 7, c->networks, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 8, (sqlite3_int64)created);
	sqlite3_bind_int64(statement, 9, (sqlite3_int64)c->expires_seconds);
	sqlite3_bind_int(statement, 10, c->is_read_only);
	return run_one(accounts, statement);
}

static enum outcome
check_room(struct accounts *accounts, const char *name)
{
	sqlite3_stmt *statement =
		statement_for(accounts, COUNT_CREDENTIALS, name);
	enum outcome outcome = accounts_sqlite_row(statement);

	if (outcome == OK &&
		sqlite3_column_int(statement, 0) >= ACCOUNT_CREDENTIALS_MAXIMUM)
		outcome = ERR_OVER_QUOTA;
	accounts_sqlite_reset(statement);
	return outcome;
}

static enum outcome
drop_credential(struct accounts *accounts, const char *name, const char *device)
{
	sqlite3_stmt *statement =
		statement_for(accounts, REMOVE_CREDENTIAL, name);

	sqlite3_bind_text(statement, 2, device, -1, SQLITE_STATIC);
	return run_one(accounts, statement);
}

static enum outcome
add_credential(struct accounts *accounts, const char *name,
	const struct credential *credential)
{
	enum outcome outcome = begin(accounts);

	if (outcome != OK)
		return outcome;
	outcome = check_room(accounts, name);
	if (outcome == OK)
		outcome = insert(accounts, name, credential);
	return end(accounts, outcome);
}

static enum outcome
replace_credential(struct accounts *accounts, const char *name,
	const struct credential *credential)
{
	enum outcome outcome = begin(accounts);

	if (outcome != OK)
		return outcome;
	outcome = drop_credential(accounts, name, credential->device);
	if (outcome == OK)
		outcome = insert(accounts, name, credential);
	return end(accounts, outcome);
}

static enum outcome
set_scram(struct accounts *accounts, const char *name, uint64_t generation,
	const struct scram_keys *keys)
{
	sqlite3_stmt *statement = statement_for(accounts, SET_SCRAM, name);

	sqlite3_bind_int64(statement, 2, (sqlite3_int64)generation);
	bind_scram(statement, 3, keys, SCRAM_SHA_1);
	bind_scram(statement, 4, keys, SCRAM_SHA_256);
	return run_one(accounts, statement);
}

/* ---- accounts ---- */

static enum outcome
insert_account(struct accounts *accounts, const char *name)
{
	sqlite3_stmt *statement = statement_for(accounts, ADD_ACCOUNT, name);

	sqlite3_bind_int64(statement, 2, (sqlite3_int64)clock_wall_seconds());
	return accounts_sqlite_run(statement);
}

static enum outcome
add(struct accounts *accounts, const char *name, const struct credential *main)
{
	enum outcome outcome = begin(accounts);

	if (outcome != OK)
		return outcome;
	outcome = exists(accounts, FIND_ALIAS, name);
	if (outcome == OK)
		outcome = ERR_BUSY;
	else if (outcome == ERR_DENIED)
		outcome = insert_account(accounts, name);
	if (outcome == OK)
		outcome = insert(accounts, name, main);
	return end(accounts, outcome);
}

static enum outcome
set(struct accounts *accounts, const struct account *account)
{
	sqlite3_stmt *statement =
		statement_for(accounts, SET_ACCOUNT, account->name);

	sqlite3_bind_int(statement, 2, account->is_disabled);
	sqlite3_bind_int64(
		statement, 3, (sqlite3_int64)account->limits.quota_octets);
	sqlite3_bind_int64(
		statement, 4, (sqlite3_int64)account->limits.quota_messages);
	return run_one(accounts, statement);
}

static enum outcome
remove_account(struct accounts *accounts, const char *name)
{
	enum outcome outcome = begin(accounts);

	if (outcome != OK)
		return outcome;
	outcome = run_one(
		accounts, statement_for(accounts, REMOVE_ACCOUNT, name));
	if (outcome == OK)
		outcome = run(accounts, REMOVE_ALIASES_OF, name);
	return end(accounts, outcome);
}

/* ---- aliases ---- */

/* An alias stands for an account, so there is no way round in a circle. */
static enum outcome
check_alias(struct accounts *accounts, const struct account_alias *alias)
{
	enum outcome outcome = exists(accounts, FIND_ALIAS, alias->account);

	if (outcome == OK)
		return ERR_PEER;
	if (outcome == ERR_DENIED)
		outcome = exists(accounts, FIND, alias->name);
	if (outcome == OK)
		return ERR_BUSY;
	return outcome == ERR_DENIED ? OK : outcome;
}

static enum outcome
add_alias(struct accounts *accounts, const struct account_alias *alias)
{
	enum outcome outcome = begin(accounts);
	sqlite3_stmt *statement;

	if (outcome != OK)
		return outcome;
	outcome = check_alias(accounts, alias);
	if (outcome == OK) {
		statement = statement_for(accounts, ADD_ALIAS, alias->name);
		sqlite3_bind_text(
			statement, 2, alias->account, -1, SQLITE_STATIC);
		sqlite3_bind_int64(
			statement, 3, (sqlite3_int64)clock_wall_seconds());
		outcome = accounts_sqlite_run(statement);
	}
	return end(accounts, outcome);
}

static enum outcome
remove_alias(struct accounts *accounts, const char *name)
{
	return run_one(accounts, statement_for(accounts, REMOVE_ALIAS, name));
}

static enum outcome
list_aliases(struct accounts *accounts,
	bool (*each)(const struct account_alias *alias, void *context),
	void *context)
{
	sqlite3_stmt *statement = statement_for(accounts, LIST_ALIASES, NULL);
	bool goes_on = true, is_whole = true;
	struct account_alias alias;
	int code = SQLITE_DONE;

	while (goes_on && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		if (accounts_sqlite_text(
			    statement, 0, alias.name, sizeof(alias.name)) &&
			accounts_sqlite_text(statement, 1, alias.account,
				sizeof(alias.account)))
			goes_on = each(&alias, context);
		else
			is_whole = false;
	}
	sqlite3_reset(statement);
	return is_whole ? accounts_sqlite_outcome(code) : ERR_BROKEN;
}

const struct accounts_changes accounts_sqlite_changes = {
	.add = add,
	.set = set,
	.remove = remove_account,
	.add_credential = add_credential,
	.replace_credential = replace_credential,
	.set_scram = set_scram,
	.remove_credential = drop_credential,
	.add_alias = add_alias,
	.remove_alias = remove_alias,
	.list_aliases = list_aliases,
};
