/* SPDX-License-Identifier: ISC */
#include "accounts/sqlite/sqlite.h"
#include "base/clock.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Step i brings a data base of version i to i + 1. A user has several
 * credentials, one of them the main password; app passwords name a device.
 */
static const char *const migrations[] = {
	"CREATE TABLE account ("
	"  id INTEGER PRIMARY KEY,"
	"  name TEXT NOT NULL UNIQUE,"
	"  is_disabled INTEGER NOT NULL DEFAULT 0,"
	"  created_seconds INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE credential ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,"
	"  device TEXT NOT NULL DEFAULT '',"
	"  hash TEXT NOT NULL,"
	"  created_seconds INTEGER NOT NULL,"
	"  UNIQUE (account, device)"
	") STRICT;",
};
#define BUSY_STEP_MS 10
#define VERSION	     ((int)(sizeof(migrations) / sizeof(migrations[0])))

/* The credential's id is its generation: AUTOINCREMENT never repeats one. */
#define SELECT_ACCOUNT                                                         \
	"SELECT a.name, a.is_disabled, a.created_seconds, c.hash, c.id "       \
	"FROM account a JOIN credential c ON c.account = a.id "                \
	"AND c.device = '' "

enum statement {
	FIND,
	LIST,
	ADD_ACCOUNT,
	DROP_CREDENTIAL,
	ADD_CREDENTIAL,
	REMOVE,
	BEGIN,
	COMMIT,
	ROLLBACK,
	STATEMENTS,
};

static const char *const texts[STATEMENTS] = {
	[FIND] = SELECT_ACCOUNT "WHERE a.name = ?1",
	[LIST] = SELECT_ACCOUNT "ORDER BY a.name",
	[ADD_ACCOUNT] = "INSERT INTO account (name, created_seconds) "
			"VALUES (?1, ?2)",
	[DROP_CREDENTIAL] =
		"DELETE FROM credential WHERE device = '' AND "
		"account = (SELECT id FROM account WHERE name = ?1)",
	[ADD_CREDENTIAL] =
		"INSERT INTO credential (account, hash, created_seconds) "
		"SELECT id, ?3, ?2 FROM account WHERE name = ?1",
	[REMOVE] = "DELETE FROM account WHERE name = ?1",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
};

struct accounts_sqlite {
	struct accounts base; /* first */
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
};

static struct accounts_sqlite *
self_of(struct accounts *accounts)
{
	return (struct accounts_sqlite *)accounts;
}

static enum outcome
outcome_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return OK;
	case SQLITE_CONSTRAINT:
		return ERR_BUSY;
	case SQLITE_FULL:
		return ERR_NO_SPACE;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		return ERR_BROKEN;
	default:
		return ERR_TRY_LATER;
	}
}

/* Runs a statement without rows; ?1 name, ?2 now, ?3 hash as it has them. */
static enum outcome
run(struct accounts_sqlite *self, enum statement which, const char *name,
	const char *hash)
{
	sqlite3_stmt *statement = self->statements[which];
	int parameters = sqlite3_bind_parameter_count(statement);
	enum outcome outcome;

	if (parameters >= 1)
		sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	if (parameters >= 2)
		sqlite3_bind_int64(
			statement, 2, (sqlite3_int64)clock_wall_seconds());
	if (parameters >= 3)
		sqlite3_bind_text(statement, 3, hash, -1, SQLITE_STATIC);
	outcome = outcome_of(sqlite3_step(statement));
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return outcome;
}

static bool
read_account(sqlite3_stmt *statement, struct account *out)
{
	const char *name = (const char *)sqlite3_column_text(statement, 0);
	const char *hash = (const char *)sqlite3_column_text(statement, 3);
	struct account account = {
		.is_disabled = sqlite3_column_int(statement, 1) != 0,
		.created_seconds = (uint64_t)sqlite3_column_int64(statement, 2),
		.generation = (uint64_t)sqlite3_column_int64(statement, 4),
	};

	if (!name || !hash ||
		!bytes_to_string(bytes_of_string(name), account.name,
			sizeof(account.name)) ||
		!bytes_to_string(bytes_of_string(hash), account.hash,
			sizeof(account.hash)))
		return false;
	*out = account;
	return true;
}

static enum outcome
find(struct accounts *accounts, const char *name, struct account *out)
{
	sqlite3_stmt *statement = self_of(accounts)->statements[FIND];
	enum outcome outcome = ERR_DENIED;
	int code;

	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		outcome = read_account(statement, out) ? OK : ERR_BROKEN;
	else if (code != SQLITE_DONE)
		outcome = outcome_of(code);
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return outcome;
}

static enum outcome
list(struct accounts *accounts,
	bool (*each)(const struct account *account, void *context),
	void *context)
{
	sqlite3_stmt *statement = self_of(accounts)->statements[LIST];
	struct account account;
	bool goes_on = true, is_whole = true;
	int code = SQLITE_DONE;

	while (goes_on && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		if (read_account(statement, &account))
			goes_on = each(&account, context);
		else
			is_whole = false;
	}
	sqlite3_reset(statement);
	explicit_bzero(&account, sizeof(account));
	return is_whole ? outcome_of(code) : ERR_BROKEN;
}

static enum outcome
end(struct accounts_sqlite *self, enum outcome outcome)
{
	if (outcome == OK)
		outcome = run(self, COMMIT, NULL, NULL);
	if (outcome != OK)
		run(self, ROLLBACK, NULL, NULL);
	return outcome;
}

static enum outcome
add(struct accounts *accounts, const char *name, const char *hash)
{
	struct accounts_sqlite *self = self_of(accounts);
	enum outcome outcome = run(self, BEGIN, NULL, NULL);

	if (outcome != OK)
		return outcome;
	outcome = run(self, ADD_ACCOUNT, name, NULL);
	if (outcome == OK)
		outcome = run(self, ADD_CREDENTIAL, name, hash);
	return end(self, outcome);
}

static enum outcome
set_hash(struct accounts *accounts, const char *name, const char *hash)
{
	struct accounts_sqlite *self = self_of(accounts);
	enum outcome outcome = run(self, BEGIN, NULL, NULL);

	if (outcome != OK)
		return outcome;
	outcome = run(self, DROP_CREDENTIAL, name, NULL);
	if (outcome == OK)
		outcome = run(self, ADD_CREDENTIAL, name, hash);
	if (outcome == OK && sqlite3_changes(self->db) == 0)
		outcome = ERR_DENIED;
	return end(self, outcome);
}

static enum outcome
remove_account(struct accounts *accounts, const char *name)
{
	struct accounts_sqlite *self = self_of(accounts);
	enum outcome outcome = run(self, REMOVE, name, NULL);

	if (outcome == OK && sqlite3_changes(self->db) == 0)
		return ERR_DENIED;
	return outcome;
}

static void
close_accounts(struct accounts **accounts)
{
	struct accounts_sqlite *self;

	if (!*accounts)
		return;
	self = self_of(*accounts);
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(self->statements[i]);
	sqlite3_close(self->db);
	free(self);
	*accounts = NULL;
}

static const struct accounts_ops ops = {
	.name = "sqlite",
	.find = find,
	.list = list,
	.add = add,
	.set_hash = set_hash,
	.remove = remove_account,
	.close = close_accounts,
};

/* ---- opening ---- */

static int
read_version(sqlite3 *db)
{
	sqlite3_stmt *statement = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement,
		    NULL) == SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return version;
}

/* All steps or none; a data base of a newer program is left alone. */
static enum outcome
migrate(sqlite3 *db)
{
	int version, code;
	char text[64];

	code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return outcome_of(code);
	version = read_version(db);
	if (version < 0 || version > VERSION)
		code = SQLITE_NOTADB;
	for (int i = version; i < VERSION && code == SQLITE_OK; i++)
		code = sqlite3_exec(db, migrations[i], NULL, NULL, NULL);
	snprintf(text, sizeof(text), "PRAGMA user_version = %d", VERSION);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, text, NULL, NULL, NULL);
	sqlite3_exec(db, code == SQLITE_OK ? "COMMIT" : "ROLLBACK", NULL, NULL,
		NULL);
	return outcome_of(code);
}

static enum outcome
prepare(struct accounts_sqlite *self)
{
	int code = SQLITE_OK;

	for (int i = 0; i < STATEMENTS && code == SQLITE_OK; i++)
		code = sqlite3_prepare_v3(self->db, texts[i], -1,
			SQLITE_PREPARE_PERSISTENT, &self->statements[i], NULL);
	return outcome_of(code);
}

/* The busy timeout does not hold for a change of the journal's mode. */
static int
set_journal_mode(sqlite3 *db)
{
	int code = SQLITE_BUSY;

	for (int waited_ms = 0;
		code == SQLITE_BUSY && waited_ms < ACCOUNTS_SQLITE_BUSY_MS;
		waited_ms += BUSY_STEP_MS) {
		code = sqlite3_exec(
			db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
		if (code == SQLITE_BUSY)
			sqlite3_sleep(BUSY_STEP_MS);
	}
	return code;
}

static enum outcome
set_up(struct accounts_sqlite *self)
{
	enum outcome outcome;
	int code;

	sqlite3_busy_timeout(self->db, ACCOUNTS_SQLITE_BUSY_MS);
	code = set_journal_mode(self->db);
	if (code != SQLITE_OK)
		return outcome_of(code);
	code = sqlite3_exec(self->db,
		"PRAGMA synchronous = FULL;"
		"PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
		"PRAGMA secure_delete = ON;",
		NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return outcome_of(code);
	outcome = read_version(self->db) == VERSION ? OK : migrate(self->db);
	return outcome == OK ? prepare(self) : outcome;
}

enum outcome
accounts_sqlite_open(const char *file, bool may_create, struct accounts **out)
{
	struct accounts_sqlite *self = calloc(1, sizeof(*self));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    (may_create ? SQLITE_OPEN_CREATE : 0);
	struct accounts *accounts;
	enum outcome outcome;
	mode_t mask;
	int code;

	if (!self)
		return ERR_TRY_LATER;
	self->base.ops = &ops;
	accounts = &self->base;
	/* Hashes are nobody else's to read. */
	mask = umask(077);
	code = sqlite3_open_v2(file, &self->db, flags, NULL);
	outcome = code == SQLITE_OK ? set_up(self) : outcome_of(code);
	umask(mask);
	if (outcome == OK)
		*out = accounts;
	else
		close_accounts(&accounts);
	return outcome;
}
