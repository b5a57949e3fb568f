/* SPDX-License-Identifier: ISC */
/* What the ledger remembers of a server between two runs, and of messages by
 * what they are instead of by their UIDL. */
#include "base/clock.h"
#include "collect/ledger_state.h"

#include <stdio.h>
#include <string.h>

static uint64_t
number(sqlite3_stmt *row, int column)
{
	return (uint64_t)sqlite3_column_int64(row, column);
}

static void
copy_text(sqlite3_stmt *row, int column, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(row, column);

	snprintf(out, size, "%s", text ? (const char *)text : "");
}

static void
read_memory(sqlite3_stmt *row, struct ledger_memory *out)
{
	size_t octets = (size_t)sqlite3_column_bytes(row, 10);

	copy_text(row, 0, out->server, sizeof(out->server));
	out->asked_at_seconds = number(row, 1);
	out->capabilities = number(row, 2);
	copy_text(row, 3, out->mechanisms, sizeof(out->mechanisms));
	out->login_delay_seconds = number(row, 4);
	out->expire_days = number(row, 5);
	out->lockstep_until_seconds = number(row, 6);
	out->listed_at_seconds = number(row, 7);
	out->messages = number(row, 8);
	out->octets = number(row, 9);
	if (octets > 0 && octets <= sizeof(out->uidl)) {
		memcpy(out->uidl, sqlite3_column_blob(row, 10), octets);
		out->uidl_octets = octets;
	}
	out->due_seconds = sqlite3_column_int64(row, 11);
	out->login_at_seconds = number(row, 12);
	out->refusals = number(row, 13);
	out->refused_at_seconds = number(row, 14);
	out->refused_mark = number(row, 15);
	out->clock_seconds = sqlite3_column_int64(row, 16);
	out->clock_wall_seconds = number(row, 17);
	out->settings_mark = number(row, 18);
}

enum outcome
ledger_recall(struct ledger *ledger, const char *account,
	struct ledger_memory *out, bool *out_is_running)
{
	struct ledger_memory memory = {.messages = 0};
	sqlite3_stmt *statement;
	int code, running;
	bool is_running;

	uv_mutex_lock(&ledger->mutex);
	statement = ledger_prepare(ledger, RECALL, account);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		read_memory(statement, &memory);
	sqlite3_reset(statement);
	statement = ledger_prepare(ledger, WAS_RUNNING, account);
	running = sqlite3_step(statement);
	is_running =
		running == SQLITE_ROW && sqlite3_column_int(statement, 0) != 0;
	sqlite3_reset(statement);
	uv_mutex_unlock(&ledger->mutex);
	if (ledger_outcome(code) != OK || ledger_outcome(running) != OK)
		return ledger_outcome(code) != OK ? ledger_outcome(code)
						  : ledger_outcome(running);
	*out = memory;
	*out_is_running = is_running;
	return OK;
}

static void
bind_memory(sqlite3_stmt *statement, const struct ledger_memory *memory)
{
	const uint64_t numbers[][2] = {
		{3, memory->asked_at_seconds},
		{4, memory->capabilities},
		{6, memory->login_delay_seconds},
		{7, memory->expire_days},
		{8, memory->lockstep_until_seconds},
		{9, memory->listed_at_seconds},
		{10, memory->messages},
		{11, memory->octets},
		{13, (uint64_t)memory->due_seconds},
		{14, memory->login_at_seconds},
		{15, memory->refusals},
		{16, memory->refused_at_seconds},
		{17, memory->refused_mark},
		{18, (uint64_t)memory->clock_seconds},
		{19, memory->clock_wall_seconds},
		{20, memory->settings_mark},
	};

	sqlite3_bind_text(statement, 2, memory->server, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 5, memory->mechanisms, -1, SQLITE_STATIC);
	sqlite3_bind_blob(statement, 12, memory->uidl, (int)memory->uidl_octets,
		SQLITE_STATIC);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sqlite3_bind_int64(statement, (int)numbers[i][0],
			(sqlite3_int64)numbers[i][1]);
}

enum outcome
ledger_remember(struct ledger *ledger, const char *account,
	const struct ledger_memory *memory)
{
	enum outcome outcome;
	sqlite3_stmt *statement;

	uv_mutex_lock(&ledger->mutex);
	statement = ledger_prepare(ledger, REMEMBER, account);
	bind_memory(statement, memory);
	outcome = ledger_finish(statement);
	uv_mutex_unlock(&ledger->mutex);
	return outcome;
}

/* ---- messages by their content ---- */

bool
ledger_holds_anywhere(struct ledger *ledger, const char *account,
	const unsigned char digest[LEDGER_DIGEST_OCTETS])
{
	sqlite3_stmt *statement;
	bool is_held;

	uv_mutex_lock(&ledger->mutex);
	statement = ledger_prepare(ledger, HOLDS_ANY, account);
	sqlite3_bind_blob(
		statement, 2, digest, LEDGER_DIGEST_OCTETS, SQLITE_STATIC);
	is_held = sqlite3_step(statement) == SQLITE_ROW;
	sqlite3_reset(statement);
	uv_mutex_unlock(&ledger->mutex);
	return is_held;
}

/* Where it stands in the ledger, in `key` and `uidl`; false: it does not. */
static bool
find_match(struct ledger *ledger, const char *account,
	const struct ledger_message *message,
	bool (*is_listed)(struct bytes uidl, void *context), void *context,
	struct message_key *key, unsigned char *uidl)
{
	sqlite3_stmt *row = ledger_prepare(ledger, MATCH, account);
	bool is_found = false;

	sqlite3_bind_blob(
		row, 2, message->header, LEDGER_DIGEST_OCTETS, SQLITE_STATIC);
	sqlite3_bind_int64(row, 3, (int64_t)message->octets);
	while (!is_found && sqlite3_step(row) == SQLITE_ROW) {
		size_t octets = (size_t)sqlite3_column_bytes(row, 0);
		struct bytes old =
			bytes_of(sqlite3_column_blob(row, 0), octets);

		if (octets > MESSAGE_KEY_UIDL_MAXIMUM_OCTETS || octets == 0 ||
			is_listed(old, context))
			continue;
		memcpy(uidl, old.at, octets);
		*key = (struct message_key){bytes_of(uidl, octets),
			(uint32_t)sqlite3_column_int(row, 1)};
		is_found = true;
	}
	sqlite3_reset(row);
	return is_found;
}

static enum outcome
move(struct ledger *ledger, const char *account, const struct message_key *from,
	const struct message_key *to)
{
	sqlite3_stmt *statement = ledger_prepare(ledger, ADOPT, account);

	sqlite3_bind_blob(statement, 2, from->uidl.at, (int)from->uidl.octets,
		SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, from->ordinal);
	sqlite3_bind_blob(
		statement, 4, to->uidl.at, (int)to->uidl.octets, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 5, to->ordinal);
	return ledger_finish(statement);
}

bool
ledger_match(struct ledger *ledger, const char *account,
	const struct ledger_message *message,
	bool (*is_listed)(struct bytes uidl, void *context), void *context)
{
	unsigned char uidl[MESSAGE_KEY_UIDL_MAXIMUM_OCTETS];
	struct message_key key;
	bool is_found;

	uv_mutex_lock(&ledger->mutex);
	is_found = find_match(
		ledger, account, message, is_listed, context, &key, uidl);
	uv_mutex_unlock(&ledger->mutex);
	return is_found;
}

enum outcome
ledger_adopt(struct ledger *ledger, const char *account,
	const struct ledger_message *messages, size_t count,
	bool (*is_listed)(struct bytes uidl, void *context), void *context,
	bool *out_is_found)
{
	unsigned char uidl[MESSAGE_KEY_UIDL_MAXIMUM_OCTETS];
	enum outcome outcome = ledger_begin(ledger);
	struct message_key key;

	if (outcome != OK)
		return outcome;
	for (size_t i = 0; i < count && outcome == OK; i++) {
		out_is_found[i] = find_match(ledger, account, &messages[i],
			is_listed, context, &key, uidl);
		if (out_is_found[i])
			outcome = move(ledger, account, &key, &messages[i].key);
	}
	return ledger_end(ledger, outcome);
}

enum outcome
ledger_import(struct ledger *ledger, const char *account,
	const struct message_key *keys, size_t count, size_t *out_news)
{
	enum outcome outcome = ledger_begin(ledger);
	size_t news = 0;

	if (outcome != OK)
		return outcome;
	for (size_t i = 0; i < count && outcome == OK; i++) {
		sqlite3_stmt *statement =
			ledger_prepare(ledger, IMPORT, account);

		sqlite3_bind_blob(statement, 2, keys[i].uidl.at,
			(int)keys[i].uidl.octets, SQLITE_STATIC);
		sqlite3_bind_int64(statement, 3, keys[i].ordinal);
		sqlite3_bind_int64(statement, 4, (int64_t)clock_wall_seconds());
		outcome = ledger_finish(statement);
		news += (size_t)sqlite3_changes(ledger->db);
	}
	outcome = ledger_end(ledger, outcome);
	if (outcome == OK)
		*out_news = news;
	return outcome;
}

uint64_t
ledger_count(
	struct ledger *ledger, const char *account, enum ledger_state state)
{
	sqlite3_stmt *statement;
	uint64_t count = 0;

	uv_mutex_lock(&ledger->mutex);
	statement = ledger_prepare(ledger, COUNT, account);
	sqlite3_bind_int(statement, 2, state);
	if (sqlite3_step(statement) == SQLITE_ROW)
		count = number(statement, 0);
	sqlite3_reset(statement);
	uv_mutex_unlock(&ledger->mutex);
	return count;
}

enum outcome
ledger_sizes(struct ledger *ledger, const char *account, struct buffer *out)
{
	sqlite3_stmt *row;
	bool is_good = true;

	uv_mutex_lock(&ledger->mutex);
	row = ledger_prepare(ledger, SIZES, account);
	while (is_good && sqlite3_step(row) == SQLITE_ROW) {
		uint64_t octets = number(row, 0);

		is_good = buffer_append(out, &octets, sizeof(octets));
	}
	sqlite3_reset(row);
	uv_mutex_unlock(&ledger->mutex);
	return is_good ? OK : ERR_TRY_LATER;
}
