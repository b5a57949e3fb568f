/* SPDX-License-Identifier: ISC */
#include "run.h"

#include <sqlite3.h>
#include <stdlib.h>

#define ACCOUNT "alice"

static void
on_event(const struct engine_event *event, void *context)
{
	struct run *run = context;
	size_t used = strlen(run->warnings);

	if (event->kind == ENGINE_ENDED)
		run->ended++;
	if (event->kind == ENGINE_WARNING)
		snprintf(run->warnings + used, sizeof(run->warnings) - used,
			"%s\n", event->text);
}

static void
begin(struct run *run)
{
	char error[LEDGER_ERROR_SIZE];

	run->c = (struct collection){
		.options = &run->options,
		.account = &run->account,
		.password = &run->password,
		.loop = &run->loop,
		.stage = STAGE_MESSAGES,
	};
	assert_int_equal(
		ledger_open(in_folder("state"), &run->c.ledger, error), OK);
	assert_int_equal(
		ledger_begin_run(run->c.ledger, ACCOUNT, &run->c.is_behind),
		OK);
	run->c.is_run_open = true;
}

int
run_set_up(void **state)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run || folder_make(state) != 0 ||
		!account_init(&run->account, ACCOUNT) ||
		uv_loop_init(&run->loop) != 0)
		return -1;
	run->options =
		(struct engine_options){.on_event = on_event, .context = run};
	begin(run);
	*state = run;
	return 0;
}

static void
end(struct run *run)
{
	struct ledger *ledger = run->c.ledger;

	collection_release(&run->c);
	ledger_close(&ledger);
	run->warnings[0] = '\0';
	run->ended = 0;
}

void
run_anew(struct run *run)
{
	end(run);
	begin(run);
}

int
run_tear_down(void **state)
{
	struct run *run = *state;

	end(run);
	account_release(&run->account);
	if (uv_loop_close(&run->loop) != 0)
		return -1;
	free(run);
	return folder_remove(state);
}

void
run_list(struct run *run, const struct listed_row *rows, uint32_t count)
{
	assert_true(listing_begin(&run->c, count));
	for (uint32_t i = 0; i < count; i++) {
		if (rows[i].uidl)
			assert_true(listing_add_uidl(
				&run->c, i + 1, bytes_of_string(rows[i].uidl)));
		assert_true(listing_add_octets(&run->c, i + 1, rows[i].octets));
	}
	assert_true(listing_end(&run->c));
	listing_plan(&run->c);
}

enum ledger_state
run_state(struct run *run, const char *uidl)
{
	struct message_key key = {bytes_of_string(uidl), 0};
	struct ledger_entry entry;

	assert_int_equal(ledger_find(run->c.ledger, ACCOUNT, &key, &entry), OK);
	return entry.state;
}

void
run_commit(struct run *run, const char *uidl, uint32_t ordinal, uint64_t octets)
{
	struct ledger_message message = {
		.key = {bytes_of_string(uidl), ordinal},
		.octets = octets,
		.state = LEDGER_STORED};

	assert_int_equal(
		ledger_commit(run->c.ledger, ACCOUNT, &message, 1), OK);
}

void
run_mark_deleted(struct run *run, const char *uidl)
{
	struct message_key key = {bytes_of_string(uidl), 0};

	assert_int_equal(ledger_deleted(run->c.ledger, ACCOUNT, &key, 1), OK);
}

void
run_make_old(void)
{
	sqlite3 *db;

	assert_int_equal(
		sqlite3_open(in_folder("state/ledger.db"), &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "UPDATE message SET at = 1", NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}
