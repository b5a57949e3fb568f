/* SPDX-License-Identifier: ISC */
#include "accounts/sqlite/sqlite.h"
#include "accounts/sqlite/database.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BUSY_STEP_MS 10

#define ACCOUNT_COLUMNS                                                        \
	"a.name, a.is_disabled, a.created_seconds, a.quota_octets, "           \
	"a.quota_messages"
#define CREDENTIAL_COLUMNS                                                     \
	"c.id, c.kind, c.device, c.hash, c.scram_sha_1, c.scram_sha_256, "     \
	"c.networks, c.created_seconds, c.expires_seconds, c.is_read_only"
#define CREDENTIAL_FIRST 5 /* column of LOAD */
#define INSERT_CREDENTIAL                                                      \
	"INSERT INTO credential (account, kind, device, hash, scram_sha_1, "   \
	"scram_sha_256, networks, created_seconds, expires_seconds, "          \
	"is_read_only) SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 "        \
	"FROM account WHERE name = ?1"
#define OF_ACCOUNT "account = (SELECT id FROM account WHERE name = ?1)"

static const char *const texts[STATEMENTS] = {
	[FIND] = "SELECT " ACCOUNT_COLUMNS " FROM account a WHERE a.name = ?1",
	[LOAD] = "SELECT " ACCOUNT_COLUMNS ", " CREDENTIAL_COLUMNS
		 " FROM account a LEFT JOIN credential c ON c.account = a.id "
		 "WHERE a.name = ?1 ORDER BY c.device",
	[LIST] = "SELECT " ACCOUNT_COLUMNS " FROM account a ORDER BY a.name",
	[FIND_ALIAS] = "SELECT account FROM alias WHERE name = ?1",
	[FIND_CERTIFICATE] =
		"SELECT a.name FROM credential c JOIN account a "
		"ON a.id = c.account WHERE c.hash = ?1 AND c.kind = 1",
	[LIST_ALIASES] = "SELECT name, account FROM alias ORDER BY name",
	[ADD_ACCOUNT] = "INSERT INTO account (name, created_seconds) "
			"VALUES (?1, ?2)",
	[SET_ACCOUNT] = "UPDATE account SET is_disabled = ?2, "
			"quota_octets = ?3, quota_messages = ?4 "
			"WHERE name = ?1",
	[REMOVE_ACCOUNT] = "DELETE FROM account WHERE name = ?1",
	[COUNT_CREDENTIALS] =
		"SELECT count(*) FROM credential WHERE " OF_ACCOUNT,
	[ADD_CREDENTIAL] = INSERT_CREDENTIAL,
	[SET_SCRAM] = "UPDATE credential SET scram_sha_1 = ?3, "
		      "scram_sha_256 = ?4 WHERE " OF_ACCOUNT
		      " AND id = ?2 AND scram_sha_256 IS NULL",
	[REMOVE_CREDENTIAL] =
		"DELETE FROM credential WHERE " OF_ACCOUNT " AND device = ?2",
	[ADD_ALIAS] = "INSERT INTO alias (name, account, created_seconds) "
		      "VALUES (?1, ?2, ?3)",
	[REMOVE_ALIAS] = "DELETE FROM alias WHERE name = ?1",
	[REMOVE_ALIASES_OF] = "DELETE FROM alias WHERE account = ?1",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
};

/* ---- statements ---- */

enum outcome
accounts_sqlite_outcome(int code)
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

void
accounts_sqlite_reset(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

enum outcome
accounts_sqlite_run(sqlite3_stmt *statement)
{
	enum outcome outcome = accounts_sqlite_outcome(sqlite3_step(statement));

	accounts_sqlite_reset(statement);
	return outcome;
}

enum outcome
accounts_sqlite_row(sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return OK;
	return code == SQLITE_DONE ? ERR_DENIED : accounts_sqlite_outcome(code);
}

/* As a blob: as text SQLite would copy it to put a NUL behind. An empty one is
   NULL then, as what is none. */
bool
accounts_sqlite_text(
	sqlite3_stmt *statement, int column, char *out, size_t size)
{
	const void *text = sqlite3_column_blob(statement, column);
	size_t octets = (size_t)sqlite3_column_bytes(statement, column);

	return (text ||
		       sqlite3_column_type(statement, column) != SQLITE_NULL) &&
	       bytes_to_string(bytes_of(text, octets), out, size);
}

static sqlite3_stmt *
statement_with(
	struct accounts *accounts, enum statement which, const char *text)
{
	sqlite3_stmt *statement =
		accounts_sqlite_of(accounts)->statements[which];

	sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
	return statement;
}

static uint64_t
number_of(sqlite3_stmt *statement, int column)
{
	return (uint64_t)sqlite3_column_int64(statement, column);
}

/* ---- reading ---- */

static bool
read_account(sqlite3_stmt *statement, struct account *out)
{
	struct account account = {
		.is_disabled = sqlite3_column_int(statement, 1) != 0,
		.created_seconds = number_of(statement, 2),
		.limits = {number_of(statement, 3), number_of(statement, 4)},
	};

	if (!accounts_sqlite_text(
		    statement, 0, account.name, sizeof(account.name)))
		return false;
	*out = account;
	return true;
}

static bool
read_scram(sqlite3_stmt *statement, int column, enum scram_digest digest,
	struct scram_keys *out)
{
	const void *at = sqlite3_column_blob(statement, column);

	return scram_blob_read(
		bytes_of(at, (size_t)sqlite3_column_bytes(statement, column)),
		digest, out);
}

/* Into zeros. */
static bool
read_credential(sqlite3_stmt *statement, int at, struct credential *out)
{
	int kind = sqlite3_column_int(statement, at + 1);

	out->generation = number_of(statement, at);
	out->kind = (enum credential_kind)kind;
	out->created_seconds = number_of(statement, at + 7);
	out->expires_seconds = number_of(statement, at + 8);
	out->is_read_only = sqlite3_column_int(statement, at + 9) != 0;
	return (kind == CREDENTIAL_PASSWORD ||
		       kind == CREDENTIAL_CERTIFICATE) &&
	       accounts_sqlite_text(
		       statement, at + 2, out->device, sizeof(out->device)) &&
	       accounts_sqlite_text(
		       statement, at + 3, out->hash, sizeof(out->hash)) &&
	       read_scram(statement, at + 4, SCRAM_SHA_1,
		       &out->scram[SCRAM_SHA_1]) &&
	       read_scram(statement, at + 5, SCRAM_SHA_256,
		       &out->scram[SCRAM_SHA_256]) &&
	       accounts_sqlite_text(
		       statement, at + 6, out->networks, sizeof(out->networks));
}

/* Most have one. */
static struct credential *
one_more(struct account *account)
{
	size_t count = account->credential_count;
	size_t size = sizeof(*account->credentials);
	struct credential *more = calloc(count + 1, size);

	if (!more)
		return NULL;
	if (count > 0)
		memcpy(more, account->credentials, count * size);
	account_release(account);
	account->credentials = more;
	account->credential_count = count + 1;
	return &more[count];
}

static enum outcome
find(struct accounts *accounts, const char *name, struct account *out)
{
	sqlite3_stmt *statement = statement_with(accounts, FIND, name);
	enum outcome outcome = accounts_sqlite_row(statement);

	if (outcome == OK && !read_account(statement, out))
		outcome = ERR_BROKEN;
	accounts_sqlite_reset(statement);
	return outcome;
}

/* The account stands in every row, a credential too unless there is none. */
static enum outcome
read_credentials(sqlite3_stmt *statement, struct account *account)
{
	enum outcome outcome = OK;

	while (outcome == OK &&
		account->credential_count < ACCOUNT_CREDENTIALS_MAXIMUM &&
		sqlite3_column_type(statement, CREDENTIAL_FIRST) !=
			SQLITE_NULL) {
		struct credential *credential = one_more(account);

		if (!credential)
			return ERR_TRY_LATER;
		if (!read_credential(statement, CREDENTIAL_FIRST, credential))
			return ERR_BROKEN;
		outcome = accounts_sqlite_row(statement);
	}
	return outcome == ERR_DENIED ? OK : outcome;
}

static enum outcome
load(struct accounts *accounts, const char *name, struct account *out)
{
	sqlite3_stmt *statement = statement_with(accounts, LOAD, name);
	enum outcome outcome = accounts_sqlite_row(statement);
	struct account account = {0};

	if (outcome == OK && !read_account(statement, &account))
		outcome = ERR_BROKEN;
	if (outcome == OK)
		outcome = read_credentials(statement, &account);
	accounts_sqlite_reset(statement);
	if (outcome == OK)
		*out = account;
	else
		account_release(&account);
	return outcome;
}

static enum outcome
list(struct accounts *accounts,
	bool (*each)(const struct account *account, void *context),
	void *context)
{
	sqlite3_stmt *statement =
		accounts_sqlite_of(accounts)->statements[LIST];
	bool goes_on = true, is_whole = true;
	struct account account;
	int code = SQLITE_DONE;

	while (goes_on && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		if (read_account(statement, &account))
			goes_on = each(&account, context);
		else
			is_whole = false;
	}
	sqlite3_reset(statement);
	return is_whole ? accounts_sqlite_outcome(code) : ERR_BROKEN;
}

static enum outcome
find_name(struct accounts *accounts, enum statement which, const char *key,
	char out[ACCOUNT_NAME_SIZE])
{
	sqlite3_stmt *statement = statement_with(accounts, which, key);
	enum outcome outcome = accounts_sqlite_row(statement);

	if (outcome == OK &&
		!accounts_sqlite_text(statement, 0, out, ACCOUNT_NAME_SIZE))
		outcome = ERR_BROKEN;
	accounts_sqlite_reset(statement);
	return outcome;
}

static enum outcome
find_alias(struct accounts *accounts, const char *name,
	char out[ACCOUNT_NAME_SIZE])
{
	return find_name(accounts, FIND_ALIAS, name, out);
}

static enum outcome
find_certificate(struct accounts *accounts, const char *hash,
	char out[ACCOUNT_NAME_SIZE])
{
	return find_name(accounts, FIND_CERTIFICATE, hash, out);
}

static void
close_accounts(struct accounts **accounts)
{
	struct accounts_sqlite *self;

	if (!*accounts)
		return;
	self = accounts_sqlite_of(*accounts);
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(self->statements[i]);
	sqlite3_close(self->db);
	free(self);
	*accounts = NULL;
}

static const struct accounts_ops ops = {
	.name = "sqlite",
	.find = find,
	.load = load,
	.list = list,
	.find_alias = find_alias,
	.find_certificate = find_certificate,
	.close = close_accounts,
	.changes = &accounts_sqlite_changes,
};

/* ---- opening ---- */

static enum outcome
prepare(struct accounts_sqlite *self)
{
	int code = SQLITE_OK;

	for (int i = 0; i < STATEMENTS && code == SQLITE_OK; i++)
		code = sqlite3_prepare_v3(self->db, texts[i], -1,
			SQLITE_PREPARE_PERSISTENT, &self->statements[i], NULL);
	return accounts_sqlite_outcome(code);
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
		return accounts_sqlite_outcome(code);
	code = sqlite3_exec(self->db,
		"PRAGMA synchronous = FULL;"
		"PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
		"PRAGMA secure_delete = ON;",
		NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return accounts_sqlite_outcome(code);
	outcome = accounts_sqlite_migrate(self->db);
	return outcome == OK ? prepare(self) : outcome;
}

enum outcome
accounts_sqlite_open(
	const struct accounts_options *options, struct accounts **out)
{
	struct accounts_sqlite *self = calloc(1, sizeof(*self));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    (options->may_create ? SQLITE_OPEN_CREATE : 0);
	struct accounts *accounts;
	enum outcome outcome;
	mode_t mask;
	int code;

	if (!self)
		return ERR_TRY_LATER;
	self->base.ops = &ops;
	accounts = &self->base;
	/* Nobody asks what SQLite holds; to count takes a mutex for each piece of
	   memory. Not before the first data base: no matter. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	/* Hashes are nobody else's to read. */
	mask = umask(077);
	code = sqlite3_open_v2(options->location, &self->db, flags, NULL);
	outcome = code == SQLITE_OK ? set_up(self)
				    : accounts_sqlite_outcome(code);
	umask(mask);
	if (outcome == OK)
		*out = accounts;
	else
		close_accounts(&accounts);
	return outcome;
}
