/* SPDX-License-Identifier: ISC */
/* Paths of MAIL and RCPT, RFC 5321 section 4.1.2. */
#include "../check.h"

#include "lmtp/state.h"

static const struct {
	struct bytes text;
	const char *path; /* without <> */
	const char *rest;
} good[] = {
	{TEXT("<alice@example.org>"), "alice@example.org", ""},
	{TEXT("<alice@example.org> SIZE=1"), "alice@example.org", " SIZE=1"},
	{TEXT("<alice@example.org>SIZE=1"), "alice@example.org", "SIZE=1"},
	{TEXT("<alice>"), "alice", ""},
	{TEXT("<postmaster>"), "postmaster", ""},
	{TEXT("<Alice@Example.Org>"), "Alice@Example.Org", ""},
	{TEXT("<a+b=c_d-e.f@[192.0.2.1]>"), "a+b=c_d-e.f@[192.0.2.1]", ""},
	{TEXT("<a@[IPv6:2001:db8::1]>"), "a@[IPv6:2001:db8::1]", ""},
	{TEXT("<\xc3\xa9@\xc3\xa9.org>"), "\xc3\xa9@\xc3\xa9.org", ""},
	{TEXT("<a>b>"), "a", "b>"},
	/* quoted local parts */
	{TEXT("<\"two words\"@example.org>"), "\"two words\"@example.org", ""},
	{TEXT("<\"a>b\"@example.org> x"), "\"a>b\"@example.org", " x"},
	{TEXT("<\"a<b\"@example.org>"), "\"a<b\"@example.org", ""},
	{TEXT("<\"a\\\"b>c\"@x>"), "\"a\\\"b>c\"@x", ""},
	{TEXT("<\"a\\\\\"@x>"), "\"a\\\\\"@x", ""},
	{TEXT("<\"\"@x>"), "\"\"@x", ""},
	/* A route is dropped (section 4.1.1.3 and appendix C). */
	{TEXT("<@a.org:alice@b.org>"), "alice@b.org", ""},
	{TEXT("<@a.org,@c.org:alice@b.org>"), "alice@b.org", ""},
};

static const struct bytes bad[] = {
	TEXT(""),
	TEXT("alice@example.org"),
	TEXT("<"),
	TEXT(">"),
	TEXT("<alice@example.org"),
	TEXT(" <alice@example.org>"),
	TEXT("<<alice@example.org>>"),
	TEXT("<alice<bob@example.org>"),
	TEXT("< alice@example.org>"),
	TEXT("<alice@example.org >"),
	TEXT("<alice example.org>"),
	TEXT("<\"alice@example.org>"),
	TEXT("<\"alice\\\"@example.org>"),
	TEXT("<\"alice\\"),
	TEXT("<@a.org:>"),
	TEXT("<@a.org>"),
	TEXT("<@>"),
	/* what would end a line of the header, or of the reply */
	TEXT("<alice\r@example.org>"),
	TEXT("<alice\n@example.org>"),
	TEXT("<alice\0@example.org>"),
	TEXT("<alice\t@example.org>"),
	TEXT("<alice\x7f@example.org>"),
	TEXT("<\"alice\r\"@example.org>"),
	TEXT("<\"alice\\\r\"@example.org>"),
	TEXT("<\"alice\\\n\"@example.org>"),
	TEXT("<\"alice\\\0\"@example.org>"),
	TEXT("<\"alice\\\x1b[0m\"@example.org>"),
	TEXT("<\"alice\\\x7f\"@example.org>"),
};

static void
takes_what_is_a_path(void **state)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		char path[LMTP_ADDRESS_MAXIMUM_OCTETS + 1] = "";
		struct bytes rest = good[i].text;

		if (!lmtp_take_path(&rest, i % 2, path))
			show_octets("refused", good[i].text);
		assert_string_equal(path, good[i].path);
		assert_bytes(rest, bytes_of_string(good[i].rest), good[i].text);
	}
}

static void
refuses_what_is_none(void **state)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		for (int may_be_null = 0; may_be_null < 2; may_be_null++) {
			char path[LMTP_ADDRESS_MAXIMUM_OCTETS + 1] =
				"untouched";
			struct bytes rest = bad[i];

			if (lmtp_take_path(&rest, may_be_null, path)) {
				show_octets("taken", bad[i]);
				fail();
			}
			assert_string_equal(path, "untouched");
			assert_int_equal(rest.octets, bad[i].octets);
		}
	}
}

static void
only_a_sender_may_be_nobody(void **state)
{
	char path[LMTP_ADDRESS_MAXIMUM_OCTETS + 1] = "untouched";
	struct bytes rest = BYTES("<> BODY=8BITMIME");

	assert_false(lmtp_take_path(&rest, false, path));
	assert_string_equal(path, "untouched");
	assert_true(lmtp_take_path(&rest, true, path));
	assert_string_equal(path, "");
	assert_bytes(rest, BYTES(" BODY=8BITMIME"), BYTES_NONE);
}

static void
a_path_has_its_maximum(void **state)
{
	char text[LMTP_ADDRESS_MAXIMUM_OCTETS + 3];
	char path[LMTP_ADDRESS_MAXIMUM_OCTETS + 1] = "untouched";
	struct bytes rest = bytes_of(text, sizeof(text));

	memset(text, 'x', sizeof(text));
	text[0] = '<';
	text[sizeof(text) - 1] = '>';
	assert_false(lmtp_take_path(&rest, false, path));
	assert_string_equal(path, "untouched");
	text[sizeof(text) - 2] = '>';
	rest.octets--;
	assert_true(lmtp_take_path(&rest, false, path));
	assert_int_equal(strlen(path), LMTP_ADDRESS_MAXIMUM_OCTETS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_is_a_path),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(only_a_sender_may_be_nobody),
		cmocka_unit_test(a_path_has_its_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
