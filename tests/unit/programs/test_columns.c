/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "programs/columns.h"

#define JOERG "j\303\266rg"
#define NIHON "\346\227\245\346\234\254"

static void
test_columns(void **state)
{
	static const struct {
		const char *text;
		size_t columns;
	} rows[] = {{"", 0}, {"alice", 5}, {JOERG, 4}, {NIHON, 4},
		{"e\314\201", 1}, {"\377\376", 2}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(columns_of(rows[i].text), rows[i].columns);
}

static void
test_in_columns(void **state)
{
	static const struct {
		const char *text;
		size_t columns;
		const char *expected;
	} rows[] = {{"", 4, "    "}, {JOERG, 6, JOERG "  "},
		{JOERG JOERG, 7, JOERG "..."}, {NIHON, 4, NIHON},
		/* Half of a wide one is none. */
		{NIHON NIHON, 6, "\346\227\245... "}, {"alice", 5, "alice"},
		{"alicia", 5, "al..."}};
	char out[COLUMNS_SIZE];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(
			in_columns(rows[i].text, rows[i].columns, out),
			rows[i].expected);
}

/* What makes no columns makes no octets without end either. */
static void
test_room(void **state)
{
	char text[4 * COLUMNS_SIZE], out[COLUMNS_SIZE];

	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\314\201", 3);
	assert_true(strlen(in_columns(text, 40, out)) < COLUMNS_SIZE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_in_columns),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
