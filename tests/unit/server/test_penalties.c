/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "server/penalties.h"

static const unsigned char key[SIPHASH_KEY_OCTETS] = "sixteen octets!!";
static struct penalties *penalties;
static uint64_t now_ms;

#define HOME	 "192.0.2.1"
#define ATTACKER "198.51.100.7"

static int
set_up(void **state)
{
	penalties = penalties_new(key);
	now_ms = 1000000;
	return penalties ? 0 : -1;
}

static int
tear_down(void **state)
{
	penalties_free(&penalties);
	return 0;
}

static struct penalty_attempt
attempt(const char *network, const char *account)
{
	return (struct penalty_attempt){network, account, now_ms};
}

static uint64_t
wait_ms(const char *network, const char *account)
{
	struct penalty_attempt a = attempt(network, account);

	return penalties_wait_ms(penalties, &a, now_ms);
}

/* As soon as it may; returns how long it had to wait. */
static uint64_t
try(const char *network, const char *account, enum outcome outcome,
	uint64_t proof)
{
	struct penalty_attempt a = attempt(network, account);
	uint64_t from_ms = now_ms, wait;

	while ((wait = penalties_wait_ms(penalties, &a, now_ms)) > 0)
		now_ms += wait;
	penalties_begin(penalties, &a, now_ms);
	penalties_end(penalties, &a, outcome, proof, now_ms);
	return now_ms - from_ms;
}

static void
fail_times(const char *network, const char *account, unsigned times)
{
	static uint64_t proof = 1000;

	while (times-- > 0)
		try(network, account, ERR_DENIED, ++proof);
}

static void
test_the_ladder(void **state)
{
	static const uint64_t wanted_ms[] = {0, 2000, 4000, 8000, 15000, 15000};

	for (uint64_t i = 0; i < COUNT(wanted_ms); i++)
		assert_int_equal(try(ATTACKER, "alice", ERR_DENIED, i + 1),
			wanted_ms[i]);
}

static void
test_another_network_does_not_wait(void **state)
{
	fail_times(ATTACKER, "bob", 4);
	assert_true(wait_ms(ATTACKER, "alice") > 0);
	assert_int_equal(wait_ms(HOME, "alice"), 0);
}

static void
test_time_that_passed_counts(void **state)
{
	fail_times(ATTACKER, "alice", 1);
	now_ms += 1500;
	assert_int_equal(wait_ms(ATTACKER, "alice"), 500);
	now_ms += 500;
	assert_int_equal(wait_ms(ATTACKER, "alice"), 0);
}

static void
test_attempts_at_once_go_one_by_one(void **state)
{
	struct penalty_attempt a = attempt(ATTACKER, "alice");

	fail_times(ATTACKER, "alice", 1);
	now_ms += 2000;
	a.arrived_ms = now_ms;
	assert_int_equal(penalties_wait_ms(penalties, &a, now_ms), 0);
	penalties_begin(penalties, &a, now_ms);
	assert_true(penalties_wait_ms(penalties, &a, now_ms) > 0);
	penalties_end(penalties, &a, ERR_DENIED, 77, now_ms);
	/* Those that stand behind it wait for its failure too. */
	assert_int_equal(penalties_wait_ms(penalties, &a, now_ms), 4000);
}

/* However many stand before it. */
static void
test_no_wait_is_longer_than_the_maximum(void **state)
{
	struct penalty_attempt late = attempt(ATTACKER, "alice");

	while (now_ms < late.arrived_ms + PENALTY_WAIT_MAXIMUM_MS) {
		fail_times(ATTACKER, "bob", 1);
		assert_true(penalties_wait_ms(penalties, &late, now_ms) <=
			    late.arrived_ms + PENALTY_WAIT_MAXIMUM_MS - now_ms);
	}
	assert_int_equal(penalties_wait_ms(penalties, &late, now_ms), 0);
	assert_true(wait_ms(ATTACKER, "alice") > 0);
}

static void
test_the_same_wrong_password_does_not_escalate(void **state)
{
	try(HOME, "alice", ERR_DENIED, 42);
	for (int i = 0; i < 20; i++)
		assert_int_equal(try(HOME, "alice", ERR_DENIED, 42), 2000);
	try(HOME, "alice", ERR_DENIED, 43);
	assert_int_equal(wait_ms(HOME, "alice"), 4000);
}

static void
test_failures_fade(void **state)
{
	fail_times(ATTACKER, "alice", 2);
	now_ms += PENALTY_FORGET_MS;
	try(ATTACKER, "alice", ERR_DENIED, 1);
	assert_int_equal(wait_ms(ATTACKER, "alice"), 4000);
	now_ms += 2 * PENALTY_FORGET_MS;
	assert_int_equal(try(ATTACKER, "alice", ERR_DENIED, 2), 0);
	assert_int_equal(wait_ms(ATTACKER, "alice"), 2000);
}

static void
test_a_slip_is_forgiven_by_a_login(void **state)
{
	fail_times(HOME, "alice", 2);
	try(HOME, "alice", OK, 0);
	assert_int_equal(wait_ms(HOME, "alice"), 0);
	fail_times(HOME, "bob", 1);
	assert_int_equal(wait_ms(HOME, "bob"), 2000);
}

/* An attacker with an account of his own gains nothing by it. */
static void
test_a_login_forgives_its_own_account_alone(void **state)
{
	fail_times(ATTACKER, "alice", 4);
	try(ATTACKER, "mallory", OK, 0);
	try(ATTACKER, "alice", ERR_DENIED, 1);
	assert_int_equal(wait_ms(ATTACKER, "alice"), 15000);
}

static void
test_a_known_network_is_not_held_up_by_others(void **state)
{
	char network[32];

	try(HOME, "alice", OK, 0);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(network, sizeof(network), "203.0.113.%u", i);
		fail_times(network, "alice", 1);
	}
	fail_times(HOME, "bob", 4);
	assert_int_equal(wait_ms(HOME, "alice"), 0);
	assert_true(wait_ms(HOME, "bob") > 0);
}

/* Tried from everywhere, each network once: whoever is new waits, not more. */
static void
test_an_account_under_attack(void **state)
{
	char network[32];

	for (unsigned i = 0; i < PENALTY_ACCOUNT_SHARE; i++) {
		snprintf(network, sizeof(network), "203.0.113.%u", i);
		fail_times(network, "alice", 1);
	}
	assert_int_equal(wait_ms(HOME, "alice"), 2000);
	assert_int_equal(wait_ms(HOME, "bob"), 0);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(network, sizeof(network), "198.51.100.%u", i);
		fail_times(network, "alice", 1);
	}
	assert_int_equal(try(HOME, "alice", OK, 0), 15000);
	assert_int_equal(wait_ms(HOME, "alice"), 0);
}

static void
test_failures_at_a_known_pair_count_there(void **state)
{
	try(HOME, "alice", OK, 0);
	fail_times(HOME, "alice", 3);
	assert_int_equal(wait_ms(HOME, "alice"), 8000);
}

static bool
take(const struct penalty_report *report, void *context)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, 512 - used, "%s/%s %u;", report->network,
		report->account, (unsigned)report->failures);
	return true;
}

static void
test_the_report(void **state)
{
	char text[512] = "";

	fail_times(ATTACKER, "alice", 2);
	try(HOME, "bob", OK, 0);
	penalties_each(penalties, now_ms, take, text);
	assert_non_null(strstr(text, "198.51.100.7/ 2;"));
	assert_non_null(strstr(text, "198.51.100.7/alice 2;"));
	assert_non_null(strstr(text, "/alice 2;"));
	assert_null(strstr(text, "bob"));
}

static void
test_forgiving(void **state)
{
	fail_times(ATTACKER, "alice", 4);
	assert_int_equal(penalties_forgive(penalties, HOME), 0);
	assert_int_equal(penalties_forgive(penalties, ATTACKER), 2);
	assert_int_equal(wait_ms(ATTACKER, "alice"), 0);
	assert_int_equal(penalties_forgive(penalties, ATTACKER), 0);
}

static void
test_memory_has_an_end(void **state)
{
	struct penalty_attempt long_one = attempt(ATTACKER, "alice");
	char network[32] = "", text[512] = "";

	try(HOME, "alice", OK, 0);
	penalties_begin(penalties, &long_one, now_ms);
	for (unsigned i = 0; i < 3 * PENALTY_RECORDS_MAXIMUM; i++) {
		struct penalty_attempt a = attempt(network, "alice");

		snprintf(network, sizeof(network), "2001:db8:%x:%x::/64",
			i >> 16, i & 0xffff);
		penalties_begin(penalties, &a, now_ms);
		penalties_end(penalties, &a, ERR_DENIED, i + 1, now_ms);
	}
	penalties_end(penalties, &long_one, ERR_DENIED, 1, now_ms);
	assert_int_equal(wait_ms(ATTACKER, "bob"), 2000);
	/* The latest are kept, and whoever has logged in. */
	assert_true(wait_ms(network, "bob") > 0);
	assert_int_equal(wait_ms("2001:db8:0:1::/64", "bob"), 0);
	assert_int_equal(wait_ms(HOME, "alice"), 0);
	penalties_forgive(penalties, "alice");
	penalties_each(penalties, now_ms, take, text);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_the_ladder),
		TEST(test_another_network_does_not_wait),
		TEST(test_time_that_passed_counts),
		TEST(test_attempts_at_once_go_one_by_one),
		TEST(test_no_wait_is_longer_than_the_maximum),
		TEST(test_the_same_wrong_password_does_not_escalate),
		TEST(test_failures_fade),
		TEST(test_a_slip_is_forgiven_by_a_login),
		TEST(test_a_login_forgives_its_own_account_alone),
		TEST(test_a_known_network_is_not_held_up_by_others),
		TEST(test_an_account_under_attack),
		TEST(test_failures_at_a_known_pair_count_there),
		TEST(test_the_report),
		TEST(test_forgiving),
		TEST(test_memory_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
