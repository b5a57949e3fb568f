/* SPDX-License-Identifier: ISC */
/* load's check of a multi-line response: every row, cut at every octet. */
#include "../../tests/unit/check.h"
#include "load/body.h"

static const struct {
	const char *sent;
	uint64_t octets; /* of the message */
	size_t left;	 /* behind the end line */
	const char *wrong;
} rows[] = {
	{".\r\n", 0, 0, NULL},
	{"\r\n.\r\n", 2, 0, NULL},
	{"one\r\n.\r\n", 5, 0, NULL},
	{"one\r\n.\r\n+OK\r\n", 5, 5, NULL},
	{"..\r\n.\r\n", 3, 0, NULL},
	{"...\r\n..x\r\n.\r\n", 8, 0, NULL},
	{"a.\r\nb.c\r\n.\r\n", 9, 0, NULL},
	{"a\rb\r\n.\r\n", 5, 0, NULL},
	{"a\r\r\n.\r\n", 4, 0, NULL},
	{"one\n.\r\n", 0, 0, "a line feed without carriage return"},
	{"\n.\r\n", 0, 0, "a line feed without carriage return"},
	{"..\n.\r\n", 0, 0, "a line feed without carriage return"},
	{"one\r\n.x\r\n.\r\n", 0, 0, "a line begins with a single dot"},
	{".x\r\n.\r\n", 0, 0, "a line begins with a single dot"},
	{".\n", 0, 0, "a line begins with a single dot"},
	{".\rx\n", 0, 0, "a dot and CR without LF"},
};

/* The first `cut` octets, then the rest. */
static const char *
take_cut(struct body *body, struct bytes all, size_t cut, size_t *out_left)
{
	struct bytes first = bytes_of(all.at, cut);
	struct bytes rest = bytes_after(all, cut);
	const char *wrong;

	body_init(body);
	wrong = body_take(body, &first);
	if (!wrong)
		wrong = body_take(body, &rest);
	*out_left = first.octets + rest.octets;
	return wrong;
}

static void
test_rows(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bytes all = bytes_of_string(rows[i].sent);

		for (size_t cut = 0; cut <= all.octets; cut++) {
			struct body body;
			size_t left;
			const char *wrong = take_cut(&body, all, cut, &left);

			if (rows[i].wrong) {
				assert_non_null(wrong);
				assert_string_equal(wrong, rows[i].wrong);
				continue;
			}
			assert_null(wrong);
			assert_int_equal(body.state, BODY_ENDED);
			assert_int_equal(body.octets, rows[i].octets);
			assert_int_equal(left, rows[i].left);
		}
	}
}

/* Without its end line no response has ended, whatever came. */
static void
test_incomplete(void **state)
{
	static const char *const beginnings[] = {"", "one", "one\r", "one\r\n",
		"one\r\n.", "one\r\n.\r", "..\r\n"};

	for (size_t i = 0; i < COUNT(beginnings); i++) {
		struct bytes in = bytes_of_string(beginnings[i]);
		struct body body;

		body_init(&body);
		assert_null(body_take(&body, &in));
		assert_int_equal(in.octets, 0);
		assert_int_not_equal(body.state, BODY_ENDED);
	}
}

static uint64_t
digest_of(const char *sent, size_t cut)
{
	struct body body;
	size_t left;

	assert_null(take_cut(&body, bytes_of_string(sent), cut, &left));
	return body_digest(&body);
}

static void
test_digest(void **state)
{
	static const char sent[] = "one\r\n..two\r\nthree\r\n.\r\n";

	for (size_t cut = 0; cut < sizeof(sent); cut++)
		assert_int_equal(digest_of(sent, cut), digest_of(sent, 0));
	assert_int_not_equal(
		digest_of("one\r\n.\r\n", 0), digest_of("onf\r\n.\r\n", 0));
	assert_int_not_equal(
		digest_of("..\r\n.\r\n", 0), digest_of("...\r\n.\r\n", 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
