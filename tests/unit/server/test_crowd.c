/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "server/crowd.h"

#include <unistd.h>

#define HERE  bytes_of_string("192.0.2.1")
#define THERE bytes_of_string("2001:db8::/64")

/* The view of one process. */
static struct crowd *
view(int fd, unsigned row)
{
	int copy = dup(fd);
	struct crowd *crowd = crowd_map(&copy, row);

	assert_non_null(crowd);
	assert_int_equal(copy, -1);
	return crowd;
}

static void
counts_over_all_processes(void **state)
{
	int fd = crowd_make(3);
	struct crowd *processes[] = {view(fd, 0), view(fd, 1), view(fd, 2)};
	uint32_t places[6], other;

	for (size_t i = 0; i < COUNT(places); i++)
		assert_true(crowd_enter(processes[i % 3], HERE, 6, &places[i]));
	for (size_t i = 0; i < COUNT(processes); i++) {
		assert_false(crowd_enter(processes[i], HERE, 6, &other));
		assert_true(crowd_enter(processes[i], THERE, 6, &other));
		crowd_leave(processes[i], other);
	}
	/* Where one leaves, another may come, to any of them. */
	crowd_leave(processes[0], places[3]);
	assert_true(crowd_enter(processes[2], HERE, 6, &other));
	assert_false(crowd_enter(processes[0], HERE, 6, &other));
	for (size_t i = 0; i < COUNT(processes); i++)
		crowd_free(&processes[i]);
	close(fd);
}

static void
a_process_that_starts_anew_has_none(void **state)
{
	int fd = crowd_make(2);
	struct crowd *first = view(fd, 0), *second = view(fd, 1), *again;
	uint32_t place;

	assert_true(crowd_enter(first, HERE, 2, &place));
	assert_true(crowd_enter(second, HERE, 2, &place));
	assert_false(crowd_enter(second, HERE, 2, &place));
	crowd_free(&first);
	assert_false(crowd_enter(second, HERE, 2, &place));
	again = view(fd, 0);
	/* What the other one counted is still there. */
	assert_true(crowd_enter(again, HERE, 2, &place));
	assert_false(crowd_enter(again, HERE, 2, &place));
	crowd_free(&again);
	crowd_free(&second);
	close(fd);
}

static void
a_counter_does_not_run_over(void **state)
{
	int fd = crowd_make(1);
	struct crowd *crowd = view(fd, 0);
	uint32_t place;

	for (unsigned i = 0; i < UINT16_MAX; i++)
		assert_true(crowd_enter(crowd, HERE, 1u << 20, &place));
	assert_false(crowd_enter(crowd, HERE, 1u << 20, &place));
	crowd_leave(crowd, place);
	assert_true(crowd_enter(crowd, HERE, 1u << 20, &place));
	crowd_free(&crowd);
	close(fd);
}

static void
rows_end(void **state)
{
	int fd = crowd_make(1);

	assert_null(crowd_map(&fd, 1));
	assert_int_equal(fd, -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_over_all_processes),
		cmocka_unit_test(a_process_that_starts_anew_has_none),
		cmocka_unit_test(a_counter_does_not_run_over),
		cmocka_unit_test(rows_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
