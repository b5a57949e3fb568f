/* SPDX-License-Identifier: ISC */
/* From arrival to ledger, with a ledger and a sink that fail when told. */
#include "run.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- a ledger that fails ---- */

static enum outcome ledger_answer;

enum outcome __real_ledger_commit(struct ledger *ledger, const char *account,
	const struct ledger_message *messages, size_t count);
enum outcome __wrap_ledger_commit(struct ledger *ledger, const char *account,
	const struct ledger_message *messages, size_t count);

enum outcome
__wrap_ledger_commit(struct ledger *ledger, const char *account,
	const struct ledger_message *messages, size_t count)
{
	if (ledger_answer != OK)
		return ledger_answer;
	return __real_ledger_commit(ledger, account, messages, count);
}

/* ---- plain calls ---- */

static const struct listed_row rows[] = {{"a", 10}, {"b", 20}, {"c", 30}};

static int
set_up(void **state)
{
	ledger_answer = OK;
	return run_set_up(state);
}

static void
open_sink(struct run *run)
{
	struct sink_options options = {
		.account = run->account.name,
		.target = in_folder("Mail"),
		.was_interrupted = run->c.is_behind,
	};
	char error[SINK_ERROR_SIZE];

	assert_int_equal(
		sink_find("maildir")->open(&options, &run->c.sink, error), OK);
}

/* As on_message, on_octets and on_message_end do. */
static void
arrive(struct run *run, uint32_t index)
{
	struct listed *one = &run->c.listed[index];
	const struct sink_ops *ops = run->c.sink->ops;

	one->arrival = calloc(1, sizeof(*one->arrival));
	assert_non_null(one->arrival);
	one->arrival->digest[0] = (unsigned char)(index + 1);
	one->arrival->sink = run->c.sink;
	assert_int_equal(
		ops->begin(run->c.sink, &one->key, &one->arrival->delivery),
		OK);
	assert_int_equal(ops->put(run->c.sink, one->arrival->delivery,
				 bytes_of_string(rows[index].uidl)),
		OK);
	assert_int_equal(ops->end(run->c.sink, one->arrival->delivery), OK);
	one->state = MESSAGE_RECEIVED;
	storing_add(&run->c, index);
}

static void
arrive_all(struct run *run)
{
	open_sink(run);
	run_list(run, rows, COUNT(rows));
	/* Nothing is asked for: that is another file's. */
	run->c.plan_next = run->c.plan_count;
	run->c.stage = STAGE_QUITTING;
	for (uint32_t i = 0; i < COUNT(rows); i++)
		arrive(run, i);
}

static void
flush(struct run *run)
{
	storing_flush(&run->c, true);
	assert_int_equal(uv_run(&run->loop, UV_RUN_DEFAULT), 0);
	assert_null(run->c.flush);
}

static unsigned
filed(void)
{
	return count_entries(in_folder("Mail/new"));
}

/* ---- what is stored ---- */

static void
enters_what_is_filed(void **state)
{
	struct run *run = *state;
	struct ledger_entry entry;

	arrive_all(run);
	flush(run);
	assert_int_equal(run->c.outcome, OK);
	assert_int_equal(run->c.counts.stored_messages, 3);
	assert_int_equal(filed(), 3);
	assert_int_equal(count_entries(in_folder("Mail/tmp")), 0);
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		struct message_key key = {bytes_of_string(rows[i].uidl), 0};

		assert_int_equal(run->c.listed[i].state, MESSAGE_STORED);
		assert_int_equal(
			ledger_find(run->c.ledger, "alice", &key, &entry), OK);
		assert_int_equal(entry.state, LEDGER_STORED);
		assert_int_equal(entry.octets, rows[i].octets);
		assert_int_equal(entry.digest[0], i + 1);
	}
	/* It is kept. */
	assert_int_equal(run->c.deletable_count, 0);
}

static void
waits_for_a_batch(void **state)
{
	struct run *run = *state;

	arrive_all(run);
	storing_flush(&run->c, false);
	assert_null(run->c.flush);
	assert_int_equal(filed(), 0);
	run->c.waiting_octets = BATCH_OCTETS;
	storing_flush(&run->c, false);
	assert_non_null(run->c.flush);
	assert_int_equal(uv_run(&run->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(filed(), 3);
}

/* What comes while one is under way waits for the next. */
static void
flushes_one_at_a_time(void **state)
{
	struct run *run = *state;
	const struct flush *first;

	arrive_all(run);
	run->c.waiting_count--; /* not here yet */
	storing_flush(&run->c, true);
	first = run->c.flush;
	assert_non_null(first);
	storing_add(&run->c, 2);
	storing_flush(&run->c, true);
	assert_ptr_equal(run->c.flush, first);
	assert_int_equal(run->c.waiting_count, 1);
	assert_int_equal(uv_run(&run->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(filed(), 2);
	flush(run);
	assert_int_equal(filed(), 3);
}

static void
deletes_what_is_stored_but_no_twins(void **state)
{
	struct run *run = *state;

	run->account.keep = false;
	arrive_all(run);
	run->c.listed[1].is_twin = true;
	flush(run);
	assert_int_equal(run->c.deletable_count, 2);
	assert_int_equal(run->c.deletable[0], 0);
	assert_int_equal(run->c.deletable[1], 2);
}

/* It is in the sink already: the ledger alone is told. */
static void
enters_what_the_sink_need_not_have(void **state)
{
	struct run *run = *state;

	arrive_all(run);
	run->c.sink->ops->drop(
		run->c.sink, &run->c.listed[0].arrival->delivery);
	flush(run);
	assert_int_equal(filed(), 2);
	assert_int_equal(run_state(run, "a"), LEDGER_STORED);
	assert_int_equal(run->c.counts.stored_messages, 3);
}

/* ---- what is not ---- */

static void
assert_failed(struct run *run, enum outcome outcome, const char *reason)
{
	assert_int_equal(run->c.outcome, outcome);
	assert_string_equal(run->c.reason, reason);
	assert_int_equal(run->ended, 1);
}

/* The next run is told that the ledger may not know all that is filed. */
static void
a_ledger_that_fails_leaves_a_mark(void **state)
{
	struct run *run = *state;

	run->account.keep = false;
	arrive_all(run);
	ledger_answer = ERR_NO_SPACE;
	flush(run);
	assert_failed(run, ERR_NO_SPACE,
		"the ledger cannot be written: the disk is full");
	assert_int_equal(run->c.counts.stored_messages, 0);
	assert_int_equal(run->c.deletable_count, 0);
	assert_int_equal(filed(), 3);
	run_anew(run);
	assert_true(run->c.is_behind);
	assert_int_equal(run_state(run, "a"), LEDGER_UNKNOWN);

	/* It comes again, and is there once. */
	ledger_answer = OK;
	arrive_all(run);
	flush(run);
	assert_int_equal(filed(), 3);
	assert_int_equal(run->c.counts.stored_messages, 3);
}

static void
one_that_cannot_be_filed_is_not_entered(void **state)
{
	struct run *run = *state;

	arrive_all(run);
	assert_int_equal(unlink(entry_of(in_folder("Mail/tmp"), 0)), 0);
	flush(run);
	assert_int_not_equal(run->c.outcome, OK);
	assert_int_equal(run->c.counts.stored_messages, 2);
	assert_int_equal((run_state(run, "a") == LEDGER_STORED) +
				 (run_state(run, "b") == LEDGER_STORED) +
				 (run_state(run, "c") == LEDGER_STORED),
		2);
	assert_non_null(strstr(run->c.reason, "cannot be written"));
	run_anew(run);
	assert_true(run->c.is_behind);
}

/* The connection is gone: what is whole is kept all the same. */
static void
a_run_that_ends_stores_what_is_whole(void **state)
{
	struct run *run = *state;

	arrive_all(run);
	collection_fail(&run->c, ERR_GONE, "the server closed the connection");
	assert_int_equal(run->ended, 0);
	assert_int_equal(uv_run(&run->loop, UV_RUN_DEFAULT), 0);
	assert_failed(run, ERR_GONE, "the server closed the connection");
	assert_int_equal(filed(), 3);
	assert_int_equal(run_state(run, "a"), LEDGER_STORED);
	/* Nothing is filed that the ledger does not know. */
	run_anew(run);
	assert_false(run->c.is_behind);
}

/* ---- the mark of an interrupted run ---- */

static void
a_mark_stays_until_a_good_end(void **state)
{
	struct run *run = *state;

	run_anew(run); /* killed */
	assert_true(run->c.is_behind);
	run->c.stage = STAGE_QUITTING;
	collection_fail(&run->c, ERR_GONE, "gone");
	run_anew(run);
	assert_true(run->c.is_behind);
	run->c.stage = STAGE_QUITTING;
	collection_end(&run->c);
	assert_int_equal(run->c.outcome, OK);
	run_anew(run);
	assert_false(run->c.is_behind);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, run_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(enters_what_is_filed),
		TEST(waits_for_a_batch),
		TEST(flushes_one_at_a_time),
		TEST(deletes_what_is_stored_but_no_twins),
		TEST(enters_what_the_sink_need_not_have),
		TEST(a_ledger_that_fails_leaves_a_mark),
		TEST(one_that_cannot_be_filed_is_not_entered),
		TEST(a_run_that_ends_stores_what_is_whole),
		TEST(a_mark_stays_until_a_good_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
