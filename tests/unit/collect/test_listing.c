/* SPDX-License-Identifier: ISC */
/* What a server lists becomes keys and a plan. */
#include "run.h"

#include <stdlib.h>

#define MANY	    20000
#define UIDL_OCTETS 8
#define LONGEST	    12

#define LIST(run, ...)                                                         \
	do {                                                                   \
		const struct listed_row rows[] = {__VA_ARGS__};                \
		run_list((run), rows, COUNT(rows));                            \
	} while (0)

static void
assert_plan(const struct run *run, const char *wanted)
{
	char plan[256] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < run->c.plan_count; i++)
		used += (size_t)snprintf(plan + used, sizeof(plan) - used,
			"%u ", run->c.plan[i] + 1);
	assert_string_equal(plan, wanted);
}

/* ---- the plan ---- */

static void
wants_what_is_not_known(void **state)
{
	struct run *run = *state;

	LIST(run, {"a", 1}, {"b", 2}, {"c", 3});
	assert_plan(run, "1 2 3 ");
	assert_int_equal(run->c.counts.listed_messages, 3);
	assert_int_equal(run->c.counts.listed_octets, 6);
	assert_int_equal(run->c.counts.planned_messages, 3);
	assert_int_equal(run->c.counts.planned_octets, 6);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(run->c.listed[i].key.ordinal, 0);
		assert_false(run->c.listed[i].is_twin);
		assert_false(run->c.listed[i].is_doubtful);
	}
	assert_string_equal(run->warnings, "");
}

static void
an_empty_list_is_no_work(void **state)
{
	struct run *run = *state;

	run_list(run, NULL, 0);
	assert_plan(run, "");
}

static void
leaves_what_is_known(void **state)
{
	struct run *run = *state;

	run_commit(run, "b", 0, 2);
	run_commit(run, "other", 0, 3);
	LIST(run, {"a", 1}, {"b", 2}, {"c", 3});
	assert_plan(run, "1 3 ");
	assert_int_equal(run->c.listed[1].state, MESSAGE_STORED);
	assert_int_equal(run->c.counts.to_delete_messages, 0);
}

static void
counts_what_is_to_be_deleted(void **state)
{
	struct run *run = *state;

	run->account.keep = false;
	run_commit(run, "b", 0, 2);
	LIST(run, {"a", 1}, {"b", 2});
	policy_begin(&run->c);
	policy_plan(&run->c);
	assert_int_equal(run->c.counts.to_delete_messages, 2);
}

/* Another size, or one that was deleted: it comes, and is compared. */
static void
doubts_what_has_changed(void **state)
{
	struct run *run = *state;

	run_commit(run, "resized", 0, 2);
	run_commit(run, "deleted", 0, 3);
	run_mark_deleted(run, "deleted");
	LIST(run, {"new", 1}, {"resized", 20}, {"deleted", 3});
	assert_plan(run, "1 2 3 ");
	assert_false(run->c.listed[0].is_doubtful);
	assert_true(run->c.listed[1].is_doubtful);
	assert_true(run->c.listed[2].is_doubtful);
}

static void
asks_last_for_what_broke(void **state)
{
	struct message_key key = {BYTES("a"), 0};
	struct run *run = *state;

	assert_int_equal(ledger_broke(run->c.ledger, "alice", &key, 1), OK);
	LIST(run, {"a", 1}, {"b", 2}, {"c", 3});
	assert_plan(run, "2 3 1 ");
}

/* ---- what stays on the server ---- */

static void
leaves_what_has_no_name(void **state)
{
	char longest[MESSAGE_KEY_UIDL_MAXIMUM_OCTETS + 2];
	struct run *run = *state;

	memset(longest, 'u', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	LIST(run, {longest, 1}, {NULL, 2}, {longest + 1, 3});
	assert_plan(run, "3 ");
	assert_true(run->c.has_failed_messages);
	assert_string_equal(run->warnings,
		"2 messages without a usable UIDL: they stay on the server\n");
}

static void
leaves_what_is_too_large(void **state)
{
	struct run *run = *state;

	run->account.maximum_message_octets = 1024;
	run_commit(run, "here", 0, 5000);
	LIST(run, {"a", 1024}, {"b", 1025}, {"here", 5000});
	assert_plan(run, "1 ");
	assert_int_equal(run->c.listed[1].state, MESSAGE_LEFT);
	assert_int_equal(run->c.listed[2].state, MESSAGE_STORED);
	assert_string_equal(run->warnings,
		"1 message larger than maximum-message: it stays on the "
		"server\n");
}

/* ---- keys ---- */

static void
numbers_those_of_one_uidl(void **state)
{
	static const uint32_t ordinals[] = {0, 0, 1, 0, 2, 0};
	static const bool twins[] = {true, false, true, false, true, false};
	struct run *run = *state;

	run_commit(run, "a", 1, 30);
	LIST(run, {"a", 10}, {"aa", 20}, {"a", 30}, {"A", 40}, {"a", 50},
		{"", 60});
	for (uint32_t i = 0; i < COUNT(ordinals); i++) {
		assert_int_equal(run->c.listed[i].key.ordinal, ordinals[i]);
		assert_int_equal(run->c.listed[i].is_twin, twins[i]);
	}
	/* The second of them is here. */
	assert_plan(run, "1 2 4 5 ");
}

/* Those without a UIDL share none. */
static void
the_nameless_are_no_twins(void **state)
{
	struct run *run = *state;

	LIST(run, {NULL, 1}, {NULL, 2}, {"a", 3});
	assert_false(run->c.listed[0].is_twin);
	assert_false(run->c.listed[1].is_twin);
}

static void
the_first_of_two_uidls_counts(void **state)
{
	struct run *run = *state;

	assert_true(listing_begin(&run->c, 1));
	assert_true(listing_add_uidl(&run->c, 1, BYTES("first")));
	assert_true(listing_add_uidl(&run->c, 1, BYTES("second")));
	assert_true(listing_add_octets(&run->c, 1, 5));
	assert_true(listing_end(&run->c));
	assert_bytes(run->c.listed[0].key.uidl, BYTES("first"), BYTES_NONE);
}

static void
fill_uidl(char uidl[UIDL_OCTETS + 1], uint64_t *seed, uint32_t kinds)
{
	snprintf(uidl, UIDL_OCTETS + 1, "%x",
		(unsigned)random_below(seed, kinds) * 2654435761u);
}

/* The memory they lie in has moved many times; many are twins. */
static void
keeps_many_apart(void **state)
{
	struct run *run = *state;
	char uidl[UIDL_OCTETS + 1];
	unsigned *seen = calloc(MANY, sizeof(*seen));
	uint64_t seed = 1;

	assert_non_null(seen);
	assert_true(listing_begin(&run->c, MANY));
	for (uint32_t i = 0; i < MANY; i++) {
		fill_uidl(uidl, &seed, MANY);
		assert_true(listing_add_uidl(
			&run->c, i + 1, bytes_of_string(uidl)));
	}
	assert_true(listing_end(&run->c));
	listing_plan(&run->c);
	assert_int_equal(run->c.plan_count, MANY);
	seed = 1;
	for (uint32_t i = 0; i < MANY; i++) {
		uint64_t before = seed;
		uint32_t kind = (uint32_t)random_below(&before, MANY);

		fill_uidl(uidl, &seed, MANY);
		assert_bytes(run->c.listed[i].key.uidl, bytes_of_string(uidl),
			BYTES_NONE);
		assert_int_equal(run->c.listed[i].key.ordinal, seen[kind]++);
	}
	free(seen);
}

/* ---- a server that breaks the protocol ---- */

static void
refuses_numbers_that_are_none(void **state)
{
	static const uint32_t numbers[] = {0, 4, 5, UINT32_MAX};
	struct run *run = *state;

	for (size_t i = 0; i < 2 * COUNT(numbers); i++) {
		uint32_t msgno = numbers[i / 2];
		char wanted[ENGINE_TEXT_SIZE];

		snprintf(wanted, sizeof(wanted),
			"the server lists message %u, but has 3 by its STAT",
			msgno);
		run_anew(run);
		assert_true(listing_begin(&run->c, 3));
		if (i % 2)
			assert_false(listing_add_octets(&run->c, msgno, 1));
		else
			assert_false(
				listing_add_uidl(&run->c, msgno, BYTES("a")));
		assert_int_equal(run->c.outcome, ERR_PEER);
		assert_string_equal(run->c.reason, wanted);
		assert_int_equal(run->ended, 1);
	}
}

/* ---- forgetting ---- */

static void
have_one_deleted_long_ago(struct run *run)
{
	run_anew(run);
	run_commit(run, "old", 0, 1);
	run_mark_deleted(run, "old");
	run_make_old();
}

static void
forgets_by_whole_lists_alone(void **state)
{
	struct run *run = *state;

	have_one_deleted_long_ago(run);
	run_list(run, NULL, 0);
	assert_int_equal(run_state(run, "old"), LEDGER_DELETED);

	have_one_deleted_long_ago(run);
	LIST(run, {"a", 1}, {NULL, 2});
	assert_int_equal(run_state(run, "old"), LEDGER_DELETED);

	have_one_deleted_long_ago(run);
	LIST(run, {"a", 1}, {"old", 1});
	assert_int_equal(run_state(run, "old"), LEDGER_DELETED);

	have_one_deleted_long_ago(run);
	LIST(run, {"a", 1}, {"b", 2});
	assert_int_equal(run_state(run, "old"), LEDGER_UNKNOWN);

	run_commit(run, "young", 0, 1);
	run_mark_deleted(run, "young");
	run_anew(run);
	LIST(run, {"a", 1}, {"b", 2});
	assert_int_equal(run_state(run, "young"), LEDGER_DELETED);
}

/* Every one that is listed is found, in lists of every length. */
static void
forgets_none_that_is_listed(void **state)
{
	struct run *run = *state;
	struct listed_row listed[LONGEST];
	char uidls[LONGEST][4];

	for (uint32_t count = 1; count <= LONGEST; count++) {
		run_anew(run);
		for (uint32_t i = 0; i < count; i++) {
			/* Not in the order of the list. */
			snprintf(uidls[i], sizeof(uidls[i]), "%u",
				i * 7 % count);
			listed[i] = (struct listed_row){uidls[i], 1};
			run_commit(run, uidls[i], 0, 1);
			run_mark_deleted(run, uidls[i]);
		}
		run_make_old();
		run_list(run, listed, count);
		for (uint32_t i = 0; i < count; i++)
			assert_int_equal(
				run_state(run, uidls[i]), LEDGER_DELETED);
	}
}

/* A dry run changes nothing. */
static void
a_run_that_is_not_open_forgets_nothing(void **state)
{
	struct run *run = *state;

	have_one_deleted_long_ago(run);
	run->c.is_run_open = false;
	LIST(run, {"a", 1});
	assert_int_equal(run_state(run, "old"), LEDGER_DELETED);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, run_set_up, run_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(wants_what_is_not_known),
		TEST(an_empty_list_is_no_work),
		TEST(leaves_what_is_known),
		TEST(counts_what_is_to_be_deleted),
		TEST(doubts_what_has_changed),
		TEST(asks_last_for_what_broke),
		TEST(leaves_what_has_no_name),
		TEST(leaves_what_is_too_large),
		TEST(numbers_those_of_one_uidl),
		TEST(the_nameless_are_no_twins),
		TEST(the_first_of_two_uidls_counts),
		TEST(keeps_many_apart),
		TEST(refuses_numbers_that_are_none),
		TEST(forgets_by_whole_lists_alone),
		TEST(forgets_none_that_is_listed),
		TEST(a_run_that_is_not_open_forgets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
