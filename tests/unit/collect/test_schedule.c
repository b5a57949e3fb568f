/* SPDX-License-Identifier: ISC */
#include "folder.h"

#include "collect/schedule.h"

#include <sys/stat.h>

static void
waits_the_interval_and_a_tenth(void **state)
{
	uint64_t seed = 1, least = UINT64_MAX, most = 0;

	for (int i = 0; i < 10000; i++) {
		uint64_t ms = schedule_wait_ms(300, 0, random_next(&seed));

		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	assert_in_range(least, 270000, 271000);
	assert_in_range(most, 329000, 330000);
	assert_int_equal(schedule_wait_ms(0, 0, 77), 0);
}

static void
failures_double_it(void **state)
{
	static const struct {
		uint64_t interval;
		unsigned failures;
		uint64_t seconds;
	} rows[] = {
		{300, 0, 300},
		{300, 1, 600},
		{300, 2, 1200},
		{300, 6, 19200},
		{300, 7, SCHEDULE_MAXIMUM_SECONDS},
		{300, UINT32_MAX, SCHEDULE_MAXIMUM_SECONDS},
		/* Not every second for ever. */
		{1, 1, 2 * SCHEDULE_MINIMUM_SECONDS},
		/* Never sooner than it was told. */
		{86400, 0, 86400},
		{86400, 9, 86400},
		{SCHEDULE_MAXIMUM_SECONDS, 3, SCHEDULE_MAXIMUM_SECONDS},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
			schedule_wait_ms(rows[i].interval, rows[i].failures, 0),
			rows[i].seconds * 900);
}

static void
its_file_tells_while_it_is_held(void **state)
{
	const struct schedule_entry entries[] = {
		{"a@example.org", 1800000000, false}, {"b", 0, true}};
	struct schedule_file *file = NULL, *second = NULL;
	char error[SCHEDULE_ERROR_SIZE];
	struct schedule_entry read = {0};

	assert_false(schedule_read(folder_path(), "b", &read));
	assert_int_equal(schedule_file_open(folder_path(), &file, error), OK);
	assert_false(schedule_read(folder_path(), "b", &read));
	assert_true(schedule_file_write(file, entries, COUNT(entries)));
	assert_true(schedule_read(folder_path(), "a@example.org", &read));
	assert_int_equal(read.next_seconds, 1800000000);
	assert_false(read.is_running);
	assert_true(schedule_read(folder_path(), "b", &read));
	assert_int_equal(read.next_seconds, 0);
	assert_true(read.is_running);
	assert_false(schedule_read(folder_path(), "a", &read));

	/* Fewer than before leave nothing of those. */
	assert_true(schedule_file_write(file, entries + 1, 1));
	assert_false(schedule_read(folder_path(), "a@example.org", &read));

	assert_int_equal(
		schedule_file_open(folder_path(), &second, error), ERR_BUSY);
	assert_non_null(strstr(error, "another restante fetch --daemon"));
	schedule_file_close(&file);
	assert_false(schedule_read(folder_path(), "b", &read));
	assert_int_equal(schedule_file_open("/nonexistent", &file, error),
		ERR_TRY_LATER);
	assert_null(file);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_the_interval_and_a_tenth),
		cmocka_unit_test(failures_double_it),
		TEST(its_file_tells_while_it_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
