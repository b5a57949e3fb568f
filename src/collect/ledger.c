/* SPDX-License-Identifier: ISC */
/* What the ledger is told and asked. */
#include "base/buffer.h"
#include "base/clock.h"
#include "collect/ledger_state.h"

#include <stdio.h>
#include <string.h>

#define FORGOTTEN_MAXIMUM_OCTETS (256u << 20)

/* ---- statements; the mutex is held ---- */

sqlite3_stmt *
ledger_prepare(
	struct ledger *ledger, enum ledger_statement which, const char *account)
{
	sqlite3_stmt *statement = ledger->statements[which];

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	if (account)
		sqlite3_bind_text(statement, 1, account, -1, SQLITE_STATIC);
	return statement;
}

static sqlite3_stmt *
prepare_for(struct ledger *ledger, enum ledger_statement which,
	const char *account, const struct message_key *key)
{
	sqlite3_stmt *statement = ledger_prepare(ledger, which, account);

	sqlite3_bind_blob(statement, 2, key->uidl.at, (int)key->uidl.octets,
		SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, key->ordinal);
	return statement;
}

enum outcome
ledger_finish(sqlite3_stmt *statement)
{
	enum outcome outcome = ledger_outcome(sqlite3_step(statement));

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return outcome;
}

static enum outcome
simple(struct ledger *ledger, enum ledger_statement which)
{
	return ledger_finish(ledger_prepare(ledger, which, NULL));
}

enum outcome
ledger_begin(struct ledger *ledger)
{
	enum outcome outcome;

	uv_mutex_lock(&ledger->mutex);
	outcome = simple(ledger, BEGIN);
	if (outcome != OK)
		uv_mutex_unlock(&ledger->mutex);
	return outcome;
}

enum outcome
ledger_end(struct ledger *ledger, enum outcome outcome)
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
		entry.born_seconds = sqlite3_column_int64(statement, 4);
		entry.stored_seconds = sqlite3_column_int64(statement, 5);
		entry.at_seconds = sqlite3_column_int64(statement, 6);
	}
	sqlite3_reset(statement);
	uv_mutex_unlock(&ledger->mutex);
	if (ledger_outcome(code) == OK)
		*out = entry;
	return ledger_outcome(code);
}

bool
ledger_holds(struct ledger *ledger, const char *account, struct bytes uidl,
	const unsigned char digest[LEDGER_DIGEST_OCTETS])
{
	sqlite3_stmt *statement;
	bool is_held;

	uv_mutex_lock(&ledger->mutex);
	statement = ledger_prepare(ledger, HOLDS, account);
	sqlite3_bind_blob(
		statement, 2, uidl.at, (int)uidl.octets, SQLITE_STATIC);
	sqlite3_bind_blob(
		statement, 3, digest, LEDGER_DIGEST_OCTETS, SQLITE_STATIC);
	is_held = sqlite3_step(statement) == SQLITE_ROW;
	sqlite3_reset(statement);
	uv_mutex_unlock(&ledger->mutex);
	return is_held;
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
	sqlite3_bind_blob(statement, 7, message->header, LEDGER_DIGEST_OCTETS,
		SQLITE_STATIC);
	sqlite3_bind_int64(statement, 8, message->born_seconds);
	sqlite3_bind_int64(statement, 10, message->stored_seconds);
	sqlite3_bind_int(statement, 9, message->state);
	return ledger_finish(statement);
}

enum outcome
ledger_commit(struct ledger *ledger, const char *account,
	const struct ledger_message *messages, size_t count)
{
	enum outcome outcome = ledger_begin(ledger);

	if (outcome != OK)
		return outcome;
	for (size_t i = 0; i < count && outcome == OK; i++)
		outcome = store(ledger, account, &messages[i]);
	return ledger_end(ledger, outcome);
}

enum outcome
ledger_deleted(struct ledger *ledger, const char *account,
	const struct message_key *keys, size_t count)
{
	enum outcome outcome = ledger_begin(ledger);

	if (outcome != OK)
		return outcome;
	for (size_t i = 0; i < count && outcome == OK; i++) {
		sqlite3_stmt *statement =
			prepare_for(ledger, DELETED, account, &keys[i]);

		sqlite3_bind_int64(statement, 4, now());
		outcome = ledger_finish(statement);
	}
	return ledger_end(ledger, outcome);
}

enum outcome
ledger_broke(struct ledger *ledger, const char *account,
	const struct message_key *key, uint64_t octets)
{
	enum outcome outcome = ledger_begin(ledger);
	sqlite3_stmt *statement;

	if (outcome != OK)
		return outcome;
	statement = prepare_for(ledger, BROKE, account, key);
	sqlite3_bind_int64(statement, 4, now());
	sqlite3_bind_int64(statement, 5, (int64_t)octets);
	return ledger_end(ledger, ledger_finish(statement));
}

/* Length and octets of each UIDL that is not listed any more, appended. */
static enum outcome
find_forgettable(struct ledger *ledger, const char *account,
	uint64_t before_seconds,
	bool (*is_listed)(struct bytes uidl, void *context), void *context,
	struct buffer *out)
{
	sqlite3_stmt *statement = ledger_prepare(ledger, LIST_DELETED, account);
	bool is_good = true;
	int code = SQLITE_DONE;

	sqlite3_bind_int64(statement, 2, (int64_t)before_seconds);
	while (is_good && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		size_t octets = (size_t)sqlite3_column_bytes(statement, 0);
		struct bytes uidl =
			bytes_of(sqlite3_column_blob(statement, 0), octets);

		if (!is_listed(uidl, context))
			is_good = buffer_append(out, &octets, sizeof(octets)) &&
				  buffer_append_bytes(out, uidl);
	}
	sqlite3_reset(statement);
	return is_good ? ledger_outcome(code) : ERR_TRY_LATER;
}

static enum outcome
forget(struct ledger *ledger, const char *account, uint64_t before_seconds,
	struct bytes uidls)
{
	enum outcome outcome = OK;
	size_t octets;

	while (uidls.octets > 0 && outcome == OK) {
		sqlite3_stmt *statement =
			ledger_prepare(ledger, FORGET, account);

		memcpy(&octets, uidls.at, sizeof(octets));
		uidls = bytes_after(uidls, sizeof(octets));
		sqlite3_bind_blob(
			statement, 2, uidls.at, (int)octets, SQLITE_STATIC);
		sqlite3_bind_int64(statement, 3, (int64_t)before_seconds);
		outcome = ledger_finish(statement);
		uidls = bytes_after(uidls, octets);
	}
	return outcome;
}

enum outcome
ledger_forget(struct ledger *ledger, const char *account,
	uint64_t before_seconds,
	bool (*is_listed)(struct bytes uidl, void *context), void *context)
{
	enum outcome outcome = ledger_begin(ledger);
	struct buffer uidls;

	if (outcome != OK)
		return outcome;
	buffer_init(&uidls, FORGOTTEN_MAXIMUM_OCTETS);
	outcome = find_forgettable(
		ledger, account, before_seconds, is_listed, context, &uidls);
	if (outcome == OK)
		outcome = forget(
			ledger, account, before_seconds, buffer_bytes(&uidls));
	buffer_release(&uidls);
	return ledger_end(ledger, outcome);
}

/* ---- runs ---- */

enum outcome
ledger_begin_run(
	struct ledger *ledger, const char *account, bool *out_was_interrupted)
{
	enum outcome outcome = ledger_begin(ledger);
	sqlite3_stmt *statement;
	bool was_running;

	if (outcome != OK)
		return outcome;
	statement = ledger_prepare(ledger, WAS_RUNNING, account);
	was_running = sqlite3_step(statement) == SQLITE_ROW &&
		      sqlite3_column_int(statement, 0) != 0;
	sqlite3_reset(statement);
	outcome = ledger_end(ledger,
		ledger_finish(ledger_prepare(ledger, BEGIN_RUN, account)));
	if (outcome == OK)
		*out_was_interrupted = was_running;
	return outcome;
}

enum outcome
ledger_end_run(struct ledger *ledger, const struct ledger_run *run)
{
	enum outcome outcome = ledger_begin(ledger);
	sqlite3_stmt *statement;

	if (outcome != OK)
		return outcome;
	statement = ledger_prepare(ledger, END_RUN, run->account);
	sqlite3_bind_int64(statement, 2, (int64_t)run->at_seconds);
	sqlite3_bind_int64(statement, 3, (int64_t)run->messages);
	sqlite3_bind_int64(statement, 4, (int64_t)run->octets);
	sqlite3_bind_int64(statement, 5, (int64_t)run->stored);
	sqlite3_bind_int64(statement, 6, (int64_t)run->on_server);
	sqlite3_bind_int(statement, 7, run->is_good);
	sqlite3_bind_text(statement, 8, run->detail, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 9, run->is_interrupted);
	return ledger_end(ledger, ledger_finish(statement));
}

bool
ledger_last_run(
	struct ledger *ledger, const char *account, struct ledger_run *out)
{
	sqlite3_stmt *row;
	bool is_there;

	uv_mutex_lock(&ledger->mutex);
	row = ledger_prepare(ledger, LAST_RUN, account);
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
