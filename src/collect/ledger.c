/* SPDX-License-Identifier: ISC */
#include "collect/ledger.h"
#include "base/buffer.h"
#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#define BUSY_MS			 10000
#define VERSION			 1
#define FORGOTTEN_MAXIMUM_OCTETS (256u << 20)

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

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	FIND,
	STORE,
	DELETED,
	BROKE,
	LIST_DELETED,
	FORGET,
	WAS_RUNNING,
	BEGIN_RUN,
	END_RUN,
	LAST_RUN,
	STATEMENTS,
};

static const char *const texts[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[FIND] = "SELECT state, octets, attempts, sha256 FROM message"
		 " WHERE account = ?1 AND uidl = ?2 AND ordinal = ?3",
	[STORE] = "INSERT INTO message(account, uidl, ordinal, state, at,"
		  " octets, sha256) VALUES(?1, ?2, ?3, 2, ?4, ?5, ?6)"
		  " ON CONFLICT(account, uidl, ordinal) DO UPDATE SET"
		  " state = 2, at = ?4, octets = ?5, sha256 = ?6",
	[DELETED] = "UPDATE message SET state = 3, at = ?4 WHERE account = ?1"
		    " AND uidl = ?2 AND ordinal = ?3 AND state = 2",
	[BROKE] = "INSERT INTO message(account, uidl, ordinal, state, at,"
		  " octets, attempts) VALUES(?1, ?2, ?3, 1, ?4, ?5, 1)"
		  " ON CONFLICT(account, uidl, ordinal)"
		  " DO UPDATE SET attempts = attempts + 1",
	[LIST_DELETED] = "SELECT DISTINCT uidl FROM message"
			 " WHERE account = ?1 AND state = 3",
	[FORGET] = "DELETE FROM message WHERE account = ?1 AND uidl = ?2"
		   " AND state = 3",
	[WAS_RUNNING] = "SELECT is_running FROM run WHERE account = ?1",
	[BEGIN_RUN] = "INSERT INTO run(account, is_running) VALUES(?1, 1)"
		      " ON CONFLICT(account) DO UPDATE SET is_running = 1",
	[END_RUN] = "UPDATE run SET is_running = 0, at = ?2, messages = ?3,"
		    " octets = ?4, stored = ?5, on_server = ?6, is_good = ?7,"
		    " detail = ?8 WHERE account = ?1",
	[LAST_RUN] = "SELECT at, messages, octets, stored, on_server, is_good,"
		     " detail FROM run WHERE account = ?1 AND at > 0",
};

struct ledger {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	uv_mutex_t mutex;
};

static enum outcome
outcome_of(int code)
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

/* ---- statements; the mutex is held ---- */

static sqlite3_stmt *
prepare(struct ledger *ledger, enum statement which, const char *account)
{
	sqlite3_stmt *statement = ledger->statements[which];

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	if (account)
		sqlite3_bind_text(statement, 1, account, -1, SQLITE_STATIC);
	return statement;
}

static sqlite3_stmt *
prepare_for(struct ledger *ledger, enum statement which, const char *account,
	const struct message_key *key)
{
	sqlite3_stmt *statement = prepare(ledger, which, account);

	sqlite3_bind_blob(statement, 2, key->uidl.at, (int)key->uidl.octets,
		SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, key->ordinal);
	return statement;
}

static enum outcome
finish(sqlite3_stmt *statement)
{
	enum outcome outcome = outcome_of(sqlite3_step(statement));

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return outcome;
}

static enum outcome
simple(struct ledger *ledger, enum statement which)
{
	return finish(prepare(ledger, which, NULL));
}

static enum outcome
begin(struct ledger *ledger)
{
	enum outcome outcome;

	uv_mutex_lock(&ledger->mutex);
	outcome = simple(ledger, BEGIN);
	if (outcome != OK)
		uv_mutex_unlock(&ledger->mutex);
	return outcome;
}

static enum outcome
end(struct ledger *ledger, enum outcome outcome)
{
	if (outcome == OK)
		outcome = simple(ledger, COMMIT);
	if (outcome != OK)
		simple(ledger, ROLLBACK);
	uv_mutex_unlock(&ledger->mutex);
	return outcome;
}

static int64_t
now(void)
{
	return (int64_t)clock_wall_seconds();
}

/* ---- messages ---- */

enum outcome
ledger_find(struct ledger *ledger, const char *account,
	const struct message_key *key, struct ledger_entry *out)
{
	struct ledger_entry entry = {.state = LEDGER_UNKNOWN};
	sqlite3_stmt *statement;
	int code;

	uv_mutex_lock(&ledger->mutex);
	statement = prepare_for(ledger, FIND, account, key);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		entry.state =
			(enum ledger_state)sqlite3_column_int(statement, 0);
		entry.octets = (uint64_t)sqlite3_column_int64(statement, 1);
		entry.attempts = (uint32_t)sqlite3_column_int(statement, 2);
		if (sqlite3_column_bytes(statement, 3) == LEDGER_DIGEST_OCTETS)
			memcpy(entry.digest, sqlite3_column_blob(statement, 3),
				LEDGER_DIGEST_OCTETS);
	}
	sqlite3_reset(statement);
	uv_mutex_unlock(&ledger->mutex);
	if (outcome_of(code) == OK)
		*out = entry;
	return outcome_of(code);
}

static enum outcome
store(struct ledger *ledger, const char *account,
	const struct ledger_message *message)
{
	sqlite3_stmt *statement =
		prepare_for(ledger, STORE, account, &message->key);

	sqlite3_bind_int64(statement, 4, now());
	sqlite3_bind_int64(statement, 5, (int64_t)message->octets);
	sqlite3_bind_blob(statement, 6, message->digest, LEDGER_DIGEST_OCTETS,
		SQLITE_STATIC);
	return finish(statement);
}

enum outcome
ledger_commit(struct ledger *ledger, const char *account,
	const struct ledger_message *messages, size_t count)
{
	enum outcome outcome = begin(ledger);

	if (outcome != OK)
		return outcome;
	for (size_t i = 0; i < count && outcome == OK; i++)
		outcome = store(ledger, account, &messages[i]);
	return end(ledger, outcome);
}

enum outcome
ledger_deleted(struct ledger *ledger, const char *account,
	const struct message_key *keys, size_t count)
{
	enum outcome outcome = begin(ledger);

	if (outcome != OK)
		return outcome;
	for (size_t i = 0; i < count && outcome == OK; i++) {
		sqlite3_stmt *statement =
			prepare_for(ledger, DELETED, account, &keys[i]);

		sqlite3_bind_int64(statement, 4, now());
		outcome = finish(statement);
	}
	return end(ledger, outcome);
}

enum outcome
ledger_broke(struct ledger *ledger, const char *account,
	const struct message_key *key, uint64_t octets)
{
	enum outcome outcome = begin(ledger);
	sqlite3_stmt *statement;

	if (outcome != OK)
		return outcome;
	statement = prepare_for(ledger, BROKE, account, key);
	sqlite3_bind_int64(statement, 4, now());
	sqlite3_bind_int64(statement, 5, (int64_t)octets);
	return end(ledger, finish(statement));
}

/* Length and octets of each UIDL that is not listed any more, appended. */
static enum outcome
find_forgettable(struct ledger *ledger, const char *account,
	bool (*is_listed)(struct bytes uidl, void *context), void *context,
	struct buffer *out)
{
	sqlite3_stmt *statement = prepare(ledger, LIST_DELETED, account);
	bool is_good = true;
	int code = SQLITE_DONE;

	while (is_good && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		size_t octets = (size_t)sqlite3_column_bytes(statement, 0);
		struct bytes uidl =
			bytes_of(sqlite3_column_blob(statement, 0), octets);

		if (!is_listed(uidl, context))
			is_good = buffer_append(out, &octets, sizeof(octets)) &&
				  buffer_append_bytes(out, uidl);
	}
	sqlite3_reset(statement);
	return is_good ? outcome_of(code) : ERR_TRY_LATER;
}

static enum outcome
forget(struct ledger *ledger, const char *account, struct bytes uidls)
{
	enum outcome outcome = OK;
	size_t octets;

	while (uidls.octets > 0 && outcome == OK) {
		sqlite3_stmt *statement = prepare(ledger, FORGET, account);

		memcpy(&octets, uidls.at, sizeof(octets));
		uidls = bytes_after(uidls, sizeof(octets));
		sqlite3_bind_blob(
			statement, 2, uidls.at, (int)octets, SQLITE_STATIC);
		outcome = finish(statement);
		uidls = bytes_after(uidls, octets);
	}
	return outcome;
}

enum outcome
ledger_forget(struct ledger *ledger, const char *account,
	bool (*is_listed)(struct bytes uidl, void *context), void *context)
{
	enum outcome outcome = begin(ledger);
	struct buffer uidls;

	if (outcome != OK)
		return outcome;
	buffer_init(&uidls, FORGOTTEN_MAXIMUM_OCTETS);
	outcome = find_forgettable(ledger, account, is_listed, context, &uidls);
	if (outcome == OK)
		outcome = forget(ledger, account, buffer_bytes(&uidls));
	buffer_release(&uidls);
	return end(ledger, outcome);
}

/* ---- runs ---- */

enum outcome
ledger_begin_run(
	struct ledger *ledger, const char *account, bool *out_was_interrupted)
{
	enum outcome outcome = begin(ledger);
	sqlite3_stmt *statement;
	bool was_running;

	if (outcome != OK)
		return outcome;
	statement = prepare(ledger, WAS_RUNNING, account);
	was_running = sqlite3_step(statement) == SQLITE_ROW &&
		      sqlite3_column_int(statement, 0) != 0;
	sqlite3_reset(statement);
	outcome = end(ledger, finish(prepare(ledger, BEGIN_RUN, account)));
	if (outcome == OK)
		*out_was_interrupted = was_running;
	return outcome;
}

enum outcome
ledger_end_run(struct ledger *ledger, const struct ledger_run *run)
{
	enum outcome outcome = begin(ledger);
	sqlite3_stmt *statement;

	if (outcome != OK)
		return outcome;
	statement = prepare(ledger, END_RUN, run->account);
	sqlite3_bind_int64(statement, 2, (int64_t)run->at_seconds);
	sqlite3_bind_int64(statement, 3, (int64_t)run->messages);
	sqlite3_bind_int64(statement, 4, (int64_t)run->octets);
	sqlite3_bind_int64(statement, 5, (int64_t)run->stored);
	sqlite3_bind_int64(statement, 6, (int64_t)run->on_server);
	sqlite3_bind_int(statement, 7, run->is_good);
	sqlite3_bind_text(statement, 8, run->detail, -1, SQLITE_STATIC);
	return end(ledger, finish(statement));
}

bool
ledger_last_run(
	struct ledger *ledger, const char *account, struct ledger_run *out)
{
	sqlite3_stmt *row;
	bool is_there;

	uv_mutex_lock(&ledger->mutex);
	row = prepare(ledger, LAST_RUN, account);
	is_there = sqlite3_step(row) == SQLITE_ROW;
	if (is_there) {
		*out = (struct ledger_run){
			.at_seconds = (uint64_t)sqlite3_column_int64(row, 0),
			.messages = (uint64_t)sqlite3_column_int64(row, 1),
			.octets = (uint64_t)sqlite3_column_int64(row, 2),
			.stored = (uint64_t)sqlite3_column_int64(row, 3),
			.on_server = (uint64_t)sqlite3_column_int64(row, 4),
			.is_good = sqlite3_column_int(row, 5) != 0,
		};
		snprintf(out->account, sizeof(out->account), "%s", account);
		snprintf(out->detail, sizeof(out->detail), "%s",
			(const char *)sqlite3_column_text(row, 6));
	}
	sqlite3_reset(row);
	uv_mutex_unlock(&ledger->mutex);
	return is_there;
}

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

/* Under the write lock, so that two programs do not both make the tables. */
static int
make_tables(sqlite3 *db)
{
	int code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	int version;

	if (code != SQLITE_OK)
		return code;
	version = read_version(db);
	if (version == 0)
		code = sqlite3_exec(db, schema, NULL, NULL, NULL);
	else if (version != VERSION)
		code = SQLITE_NOTADB;
	sqlite3_exec(db, code == SQLITE_OK ? "COMMIT" : "ROLLBACK", NULL, NULL,
		NULL);
	return code;
}

static int
set_up(struct ledger *ledger)
{
	int code;

	sqlite3_busy_timeout(ledger->db, BUSY_MS);
	code = sqlite3_exec(ledger->db,
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"PRAGMA trusted_schema = OFF;",
		NULL, NULL, NULL);
	if (code == SQLITE_OK && read_version(ledger->db) != VERSION)
		code = make_tables(ledger->db);
	for (int i = 0; i < STATEMENTS && code == SQLITE_OK; i++)
		code = sqlite3_prepare_v3(ledger->db, texts[i], -1,
			SQLITE_PREPARE_PERSISTENT, &ledger->statements[i],
			NULL);
	return code;
}

/* As mkdir -p, mode 0700 for what is made. */
static bool
make_directories(const char *directory)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s", directory) >= (int)sizeof(path))
		return false;
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return false;
		*slash = '/';
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST;
}

enum outcome
ledger_open(const char *directory, struct ledger **out,
	char error[LEDGER_ERROR_SIZE])
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));
	char file[PATH_MAX + 16];
	int code;

	if (!ledger)
		return ERR_TRY_LATER;
	uv_mutex_init(&ledger->mutex);
	snprintf(file, sizeof(file), "%s/ledger.db", directory);
	if (!make_directories(directory)) {
		snprintf(error, LEDGER_ERROR_SIZE, "cannot make %.150s: %s",
			directory, strerror(errno));
		ledger_close(&ledger);
		return ERR_BROKEN;
	}
	code = sqlite3_open_v2(file, &ledger->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			SQLITE_OPEN_FULLMUTEX,
		NULL);
	if (code == SQLITE_OK)
		code = set_up(ledger);
	if (code == SQLITE_OK) {
		*out = ledger;
		return OK;
	}
	snprintf(error, LEDGER_ERROR_SIZE, "the ledger %.150s: %s", file,
		sqlite3_errstr(code));
	ledger_close(&ledger);
	return outcome_of(code);
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
