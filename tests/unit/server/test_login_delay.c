/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "server/login_delay.h"

#include <stdio.h>

static struct login_delays *delays;

static int
set_up(void **state)
{
	delays = login_delays_new();
	return delays ? 0 : -1;
}

static int
tear_down(void **state)
{
	login_delays_free(&delays);
	assert_null(delays);
	return 0;
}

static bool
take(const char *user, uint64_t now_ms)
{
	return login_delays_take(delays, user, 60000, 1, now_ms);
}

static void
one_login_a_delay(void **state)
{
	assert_true(take("alice", 1000));
	assert_false(take("alice", 1001));
	assert_false(take("alice", 60999));
	/* What was refused does not count. */
	assert_true(take("alice", 61000));
	assert_false(take("alice", 120999));
	assert_true(take("alice", 200000));
}

static void
users_do_not_share(void **state)
{
	assert_true(take("alice", 5));
	assert_true(take("bob", 5));
	assert_false(take("bob", 6));
	assert_int_equal(login_delays_count(delays), 2);
}

static void
a_burst_after_a_pause(void **state)
{
	for (int i = 0; i < 3; i++)
		assert_true(login_delays_take(delays, "alice", 10000, 3, 1000));
	assert_false(login_delays_take(delays, "alice", 10000, 3, 1000));
	assert_true(login_delays_take(delays, "alice", 10000, 3, 11000));
	assert_false(login_delays_take(delays, "alice", 10000, 3, 11000));
	assert_true(login_delays_take(delays, "alice", 10000, 3, 31000));
	assert_true(login_delays_take(delays, "alice", 10000, 3, 31000));
	assert_false(login_delays_take(delays, "alice", 10000, 3, 31000));
}

static void
without_a_delay_nothing_is_kept(void **state)
{
	for (int i = 0; i < 10; i++)
		assert_true(login_delays_take(delays, "alice", 0, 1, 7));
	assert_int_equal(login_delays_count(delays), 0);
}

static void
memory_is_for_those_who_wait(void **state)
{
	char user[32];

	for (uint64_t i = 0; i < 100000; i++) {
		snprintf(user, sizeof(user), "user%llu", (unsigned long long)i);
		assert_true(take(user, i * 1000));
	}
	/* 60 of them wait at a time. */
	assert_in_range(login_delays_count(delays), 60, 2000);
	assert_false(take("user99999", 100000 * 1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			one_login_a_delay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			users_do_not_share, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_burst_after_a_pause, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			without_a_delay_nothing_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			memory_is_for_those_who_wait, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
