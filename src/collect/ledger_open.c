/* SPDX-License-Identifier: ISC */
/* The ledger's file: its tables, its statements, its version. */
#include "collect/ledger_state.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BUSY_MS	     10000
#define BUSY_STEP_MS 10
#define VERSION	     3

static const char schema[] =
	"CREATE TABLE message("
	" account TEXT NOT NULL, uidl BLOB NOT NULL, ordinal INTEGER NOT NULL,"
	" state INTEGER NOT NULL, octets INTEGER NOT NULL, sha256 BLOB,"
	" attempts INTEGER NOT NULL DEFAULT 0, at INTEGER NOT NULL,"
	" PRIMARY KEY(account, uidl, ordinal)"
	") WITHOUT ROWID;"
	"CREATE TABLE run("
	" account TEXT PRIMARY KEY, is_running INTEGER NOT NULL,"
	" at INTEGER NOT NULL DEFAULT 0, messages INTEGER NOT NULL DEFAULT 0,"
	" octets INTEGER NOT NULL DEFAULT 0, stored INTEGER NOT NULL DEFAULT 0,"
	" on_server INTEGER NOT NULL DEFAULT 0,"
	" is_good INTEGER NOT NULL DEFAULT 1, detail TEXT NOT NULL DEFAULT ''"
	") WITHOUT ROWID;"
	"PRAGMA user_version = 1;";

/* From version 1 to 2. */
static const char additions[] =
	"ALTER TABLE message ADD COLUMN header BLOB;"
	"ALTER TABLE message ADD COLUMN born INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE message ADD COLUMN stored INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE memory("
	" account TEXT PRIMARY KEY, server TEXT NOT NULL,"
	" asked_at INTEGER NOT NULL, capabilities INTEGER NOT NULL,"
	" mechanisms TEXT NOT NULL, login_delay INTEGER NOT NULL,"
	" expire INTEGER NOT NULL, lockstep_until INTEGER NOT NULL,"
	" listed_at INTEGER NOT NULL, messages INTEGER NOT NULL,"
	" octets INTEGER NOT NULL, uidl BLOB NOT NULL, due INTEGER NOT NULL,"
	" login_at INTEGER NOT NULL, refusals INTEGER NOT NULL,"
	" refused_at INTEGER NOT NULL, refused_mark INTEGER NOT NULL,"
	" clock INTEGER NOT NULL, clock_wall INTEGER NOT NULL"
	") WITHOUT ROWID;"
	"PRAGMA user_version = 2;";

/* From version 2 to 3: messages are looked for by what they are. */
static const char indexes[] =
	"ALTER TABLE memory ADD COLUMN settings INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX message_header ON message(account, header)"
	" WHERE state = 2;"
	"CREATE INDEX message_sha256 ON message(account, sha256)"
	" WHERE state = 2;"
	"PRAGMA user_version = 3;";

static const char *const texts[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[FIND] = "SELECT state, octets, attempts, sha256, born, stored, "
		 "at FROM message WHERE account = ?1 AND uidl = ?2 AND ordinal "
		 "= ?3",
	[HOLDS] = "SELECT 1 FROM message WHERE account = ?1 AND uidl = ?2"
		  " AND sha256 = ?3",
	[STORE] = "INSERT INTO message(account, uidl, ordinal, state, at,"
		  " octets, sha256, header, born, stored)"
		  " VALUES(?1, ?2, ?3, ?9, ?4, ?5, ?6, ?7, ?8, ?10)"
		  " ON CONFLICT(account, uidl, ordinal) DO UPDATE SET"
		  " state = ?9, at = ?4, octets = ?5, sha256 = ?6,"
		  " header = ?7, born = ?8, stored = ?10",
	[DELETED] = "UPDATE message SET state = 3, at = ?4 WHERE account = ?1"
		    " AND uidl = ?2 AND ordinal = ?3 AND state = 2",
	[BROKE] = "INSERT INTO message(account, uidl, ordinal, state, at,"
		  " octets, attempts) VALUES(?1, ?2, ?3, 1, ?4, ?5, 1)"
		  " ON CONFLICT(account, uidl, ordinal)"
		  " DO UPDATE SET attempts = attempts + 1",
	[LIST_DELETED] = "SELECT DISTINCT uidl FROM message"
			 " WHERE account = ?1 AND state IN (3, 5) AND at < ?2",
	[FORGET] = "DELETE FROM message WHERE account = ?1 AND uidl = ?2"
		   " AND state IN (3, 5) AND at < ?3",
	[WAS_RUNNING] = "SELECT is_running FROM run WHERE account = ?1",
	[BEGIN_RUN] = "INSERT INTO run(account, is_running) VALUES(?1, 1)"
		      " ON CONFLICT(account) DO UPDATE SET is_running = 1",
	[END_RUN] = "UPDATE run SET is_running = ?9, at = ?2, messages = ?3,"
		    " octets = ?4, stored = ?5, on_server = ?6, is_good = ?7,"
		    " detail = ?8 WHERE account = ?1",
	[HOLDS_ANY] = "SELECT 1 FROM message WHERE account = ?1"
		      " AND sha256 = ?2 AND state = 2",
	[COUNT] = "SELECT count(*) FROM message WHERE account = ?1"
		  " AND state = ?2",
	[SIZES] = "SELECT octets FROM message WHERE account = ?1"
		  " AND state = 2 ORDER BY octets",
	[MATCH] = "SELECT uidl, ordinal FROM message WHERE account = ?1"
		  " AND header = ?2 AND state = 2 AND octets = ?3",
	[ADOPT] = "UPDATE OR REPLACE message SET uidl = ?4, ordinal = ?5"
		  " WHERE account = ?1 AND uidl = ?2 AND ordinal = ?3",
	[IMPORT] =
		"INSERT OR IGNORE INTO message(account, uidl, ordinal, state,"
		" at, octets) VALUES(?1, ?2, ?3, 6, ?4, 0)",
	[RECALL] = "SELECT server, asked_at, capabilities, mechanisms,"
		   " login_delay, expire, lockstep_until, listed_at,"
		   " messages, octets, uidl, due, login_at, refusals,"
		   " refused_at, refused_mark, clock, clock_wall, settings"
		   " FROM memory WHERE account = ?1",
	[REMEMBER] =
		"INSERT OR REPLACE INTO memory(account, server, asked_at,"
		" capabilities, mechanisms, login_delay, expire,"
		" lockstep_until, listed_at, messages, octets, uidl, due,"
		" login_at, refusals, refused_at, refused_mark, clock,"
		" clock_wall, settings) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
		" ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,"
		" ?20)",
	[LAST_RUN] = "SELECT at, messages, octets, stored, on_server, is_good,"
		     " detail FROM run WHERE account = ?1 AND at > 0",
};

enum outcome
ledger_outcome(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return OK;
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

static int
read_version(sqlite3 *db, int *out)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(
		db, "PRAGMA user_version", -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		*out = sqlite3_column_int(statement, 0);
		code = SQLITE_OK;
	}
	sqlite3_finalize(statement);
	return code;
}

/* Under the write lock, so that two programs do not both make the tables. */
static int
make_tables(sqlite3 *db)
{
	int code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	int version;

	if (code != SQLITE_OK)
		return code;
	code = read_version(db, &version);
	if (code == SQLITE_OK && version == 0)
		code = sqlite3_exec(db, schema, NULL, NULL, NULL);
	if (code == SQLITE_OK && version < 2)
		code = sqlite3_exec(db, additions, NULL, NULL, NULL);
	if (code == SQLITE_OK && version < VERSION)
		code = sqlite3_exec(db, indexes, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (code != SQLITE_OK)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return code;
}

/* The busy timeout does not hold for a change of the journal's mode. */
static int
set_journal_mode(sqlite3 *db)
{
	int code = SQLITE_BUSY;

	for (int waited_ms = 0; code == SQLITE_BUSY && waited_ms < BUSY_MS;
		waited_ms += BUSY_STEP_MS) {
		code = sqlite3_exec(
			db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
		if (code == SQLITE_BUSY)
			sqlite3_sleep(BUSY_STEP_MS);
	}
	return code;
}

static int
set_up(struct ledger *ledger, int version)
{
	int code = set_journal_mode(ledger->db);

	if (code == SQLITE_OK)
		code = sqlite3_exec(ledger->db,
			"PRAGMA synchronous = FULL; PRAGMA trusted_schema = "
			"OFF",
			NULL, NULL, NULL);
	if (code == SQLITE_OK && version < VERSION)
		code = make_tables(ledger->db);
	for (int i = 0; i < STATEMENTS && code == SQLITE_OK; i++)
		code = sqlite3_prepare_v3(ledger->db, texts[i], -1,
			SQLITE_PREPARE_PERSISTENT, &ledger->statements[i],
			NULL);
	return code;
}

/* A file of another version is not touched. */
static enum outcome
open_file(
	struct ledger *ledger, const char *file, char error[LEDGER_ERROR_SIZE])
{
	int version = 0;
	int code = sqlite3_open_v2(file, &ledger->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			SQLITE_OPEN_FULLMUTEX,
		NULL);

	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(ledger->db, BUSY_MS);
	if (code == SQLITE_OK)
		code = read_version(ledger->db, &version);
	if (version < 0 || version > VERSION) {
		snprintf(error, LEDGER_ERROR_SIZE,
			"the ledger %.120s was made by another version of "
			"restante (format %d, this one has %d)",
			file, version, VERSION);
		return ERR_BROKEN;
	}
	if (code == SQLITE_OK)
		code = set_up(ledger, version);
	if (code != SQLITE_OK) {
		int cause = sqlite3_system_errno(ledger->db);

		snprintf(error, LEDGER_ERROR_SIZE, "the ledger %.150s: %s%s%s",
			file, sqlite3_errstr(code), cause ? ": " : "",
			cause ? strerror(cause) : "");
	}
	return ledger_outcome(code);
}

/* As mkdir -p, mode 0700 for what is made. */
static bool
make_directories(const char *directory)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s", directory) >=
		(int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return false;
		*slash = '/';
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static enum outcome
open_in(struct ledger *ledger, const char *directory,
	char error[LEDGER_ERROR_SIZE])
{
	char file[PATH_MAX + 16];

	if (!make_directories(directory)) {
		snprintf(error, LEDGER_ERROR_SIZE, "cannot make %.150s: %s",
			directory, strerror(errno));
		return ERR_BROKEN;
	}
	snprintf(file, sizeof(file), "%s/ledger.db", directory);
	return open_file(ledger, file, error);
}

enum outcome
ledger_open(const char *directory, struct ledger **out,
	char error[LEDGER_ERROR_SIZE])
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));
	enum outcome outcome;

	if (!ledger) {
		snprintf(error, LEDGER_ERROR_SIZE, "no memory");
		return ERR_TRY_LATER;
	}
	uv_mutex_init(&ledger->mutex);
	outcome = open_in(ledger, directory, error);
	if (outcome == OK)
		*out = ledger;
	else
		ledger_close(&ledger);
	return outcome;
}

void
ledger_close(struct ledger **ledger)
{
	struct ledger *old = *ledger;

	if (!old)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(old->statements[i]);
	sqlite3_close(old->db);
	uv_mutex_destroy(&old->mutex);
	free(old);
	*ledger = NULL;
}

enum outcome
ledger_check(struct ledger *ledger, char error[LEDGER_ERROR_SIZE])
{
	sqlite3_stmt *statement = NULL;
	enum outcome outcome = ERR_BROKEN;
	const char *said = "it cannot be read";

	uv_mutex_lock(&ledger->mutex);
	if (sqlite3_prepare_v2(ledger->db, "PRAGMA quick_check(1)", -1,
		    &statement, NULL) == SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW)
		said = (const char *)sqlite3_column_text(statement, 0);
	if (said && strcmp(said, "ok") == 0)
		outcome = OK;
	else
		snprintf(error, LEDGER_ERROR_SIZE, "the ledger is damaged: %s",
			said ? said : sqlite3_errmsg(ledger->db));
	sqlite3_finalize(statement);
	uv_mutex_unlock(&ledger->mutex);
	return outcome;
}
