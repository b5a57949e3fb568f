/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "server/session_id.h"

static void
what_is_written_is_read(void **state)
{
	static const struct {
		uint64_t instance, connection;
		const char *text;
	} rows[] = {
		{0, 0, "0-0"},
		{35, 36, "z-10"},
		{179600000000, 17, "2ai97aww-h"},
		{UINT64_MAX, UINT64_MAX, "3w5e11264sgsf-3w5e11264sgsf"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t instance = 1, connection = 1;
		char text[SESSION_ID_SIZE];

		session_id_text(rows[i].instance, rows[i].connection, text);
		assert_string_equal(text, rows[i].text);
		assert_true(session_id_parse(
			bytes_of_string(text), &instance, &connection));
		assert_true(instance == rows[i].instance);
		assert_true(connection == rows[i].connection);
	}
}

static void
what_is_none_is_not_read(void **state)
{
	static const char *const texts[] = {"", "-", "1", "1-", "-1", "1-2-3",
		"A-1", "1-B", "alice", "a-b%c", "3w5e11264sgsg-1",
		"1-zzzzzzzzzzzzz", "00000000000001-1"};
	uint64_t instance, connection;

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_false(session_id_parse(
			bytes_of_string(texts[i]), &instance, &connection));
}

/* Whatever a server started in its life, the next one begins above it. */
static void
a_restart_goes_on(void **state)
{
	uint64_t first = session_id_first_instance(1700000000000000);
	uint64_t next = session_id_first_instance(1700000001000000);

	assert_true(first > 0);
	assert_true(first + 70 < next);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_is_none_is_not_read),
		cmocka_unit_test(a_restart_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
