/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "sasl/saslprep.h"

static const struct {
	const char *given;
	enum saslprep_result result;
	const char *prepared;
} rows[] = {
	/* RFC 4013 section 3 */
	{"I\xC2\xADX", SASLPREP_DONE, "IX"},
	{"user", SASLPREP_DONE, "user"},
	{"USER", SASLPREP_DONE, "USER"},
	{"\xC2\xAA", SASLPREP_DONE, "a"},
	{"\xE2\x85\xA8", SASLPREP_DONE, "IX"},
	{"\x07", SASLPREP_PROHIBITED, NULL},
	{"\xD8\xA7\x31", SASLPREP_PROHIBITED, NULL},
	/* ASCII as it is, blanks at the ends too */
	{" two  words ", SASLPREP_DONE, " two  words "},
	{" ", SASLPREP_DONE, " "},
	{"!\"#$%&'()*+,-./0189:;<=>?@AZ[\\]^_`az{|}~", SASLPREP_DONE,
		"!\"#$%&'()*+,-./0189:;<=>?@AZ[\\]^_`az{|}~"},
	{"", SASLPREP_PROHIBITED, NULL},
	{"\x1F", SASLPREP_PROHIBITED, NULL},
	{"a\tb", SASLPREP_PROHIBITED, NULL},
	{"a\x7F", SASLPREP_PROHIBITED, NULL},
	/* section 2.1: odd blanks, and what is not seen */
	{"a\xC2\xA0\xE3\x80\x80z", SASLPREP_DONE, "a  z"},
	{"a\xE2\x80\x8D\xEF\xBB\xBFz", SASLPREP_DONE, "az"},
	{"\xC2\xAD", SASLPREP_PROHIBITED, NULL},
	/* section 2.2: NFKC */
	{"e\xCC\x81", SASLPREP_DONE, "\xC3\xA9"},
	{"\xEF\xAC\x81", SASLPREP_DONE, "fi"},
	/* section 2.3 */
	{"\xC2\x85", SASLPREP_PROHIBITED, NULL},
	{"\xEE\x80\x80", SASLPREP_PROHIBITED, NULL},
	{"\xEF\xBF\xBE", SASLPREP_PROHIBITED, NULL},
	{"\xF3\xA0\x80\x81", SASLPREP_PROHIBITED, NULL},
	{"\xE2\x80\xAE", SASLPREP_PROHIBITED, NULL},
	/* section 2.4 */
	{"\xD7\x90\xD7\x91", SASLPREP_DONE, "\xD7\x90\xD7\x91"},
	{"\xD7\x90\x31\xD7\x91", SASLPREP_DONE, "\xD7\x90\x31\xD7\x91"},
	{"\xD7\x90"
	 "a\xD7\x91",
		SASLPREP_PROHIBITED, NULL},
	/* RFC 3629 */
	{"\xC3", SASLPREP_NOT_UTF8, NULL},
	{"\xC0\x80", SASLPREP_NOT_UTF8, NULL},
	{"\xED\xA0\x80", SASLPREP_NOT_UTF8, NULL},
	{"\xF4\x90\x80\x80", SASLPREP_NOT_UTF8, NULL},
	{"\xE9", SASLPREP_NOT_UTF8, NULL},
};

static void
prepares_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct secret out = {0};

		assert_int_equal(saslprep(bytes_of_string(rows[i].given),
					 SASLPREP_QUERY, &out),
			rows[i].result);
		if (rows[i].prepared)
			assert_string_equal(
				(const char *)out.at, rows[i].prepared);
		else
			assert_null(out.at);
		secret_release(&out);
	}
}

/* RFC 3454 section 7: a stored string has no unassigned characters. */
static void
unassigned_only_in_queries(void **state)
{
	struct bytes text = bytes_of_string("a\xCD\xB8"); /* U+0378 */
	struct secret out = {0};

	assert_int_equal(
		saslprep(text, SASLPREP_STORED, &out), SASLPREP_PROHIBITED);
	assert_null(out.at);
	assert_int_equal(saslprep(text, SASLPREP_QUERY, &out), SASLPREP_DONE);
	secret_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prepares_rows),
		cmocka_unit_test(unassigned_only_in_queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
