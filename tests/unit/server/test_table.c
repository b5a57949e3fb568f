/* SPDX-License-Identifier: ISC */
#include "server/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define OBJECTS 1000

struct object {
	int value;
	struct table_entry entry;
};

static void
finds_what_was_added(void **state)
{
	static struct object objects[OBJECTS];
	struct table table = {0};

	for (int i = 0; i < OBJECTS; i++) {
		objects[i].value = i;
		assert_true(
			table_add(&table, &objects[i].entry, (uint64_t)i * 64));
	}
	assert_int_equal(table.count, OBJECTS);
	for (int i = 0; i < OBJECTS; i++) {
		struct table_entry *entry =
			table_find(&table, (uint64_t)i * 64);

		assert_non_null(entry);
		assert_int_equal(
			table_object(entry, struct object, entry)->value, i);
		assert_null(table_find(&table, (uint64_t)i * 64 + 1));
	}
	table_release(&table);
}

static void
forgets_what_was_removed(void **state)
{
	static struct object objects[OBJECTS];
	struct table table = {0};

	for (int i = 0; i < OBJECTS; i++)
		assert_true(table_add(&table, &objects[i].entry, (uint64_t)i));
	for (int i = 0; i < OBJECTS; i += 2)
		table_remove(&table, &objects[i].entry);
	/* Not in it any more: nothing happens. */
	table_remove(&table, &objects[0].entry);
	assert_int_equal(table.count, OBJECTS / 2);
	for (int i = 0; i < OBJECTS; i++)
		assert_int_equal(
			table_find(&table, (uint64_t)i) != NULL, i % 2);
	table_release(&table);
}

static void
gives_any_until_empty(void **state)
{
	struct object objects[3] = {0};
	struct table table = {0};
	struct table_entry *entry;
	int taken = 0;

	assert_null(table_any(&table));
	assert_null(table_find(&table, 7));
	for (int i = 0; i < 3; i++)
		assert_true(table_add(&table, &objects[i].entry, (uint64_t)i));
	while ((entry = table_any(&table))) {
		table_remove(&table, entry);
		taken++;
	}
	assert_int_equal(taken, 3);
	table_release(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(forgets_what_was_removed),
		cmocka_unit_test(gives_any_until_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
