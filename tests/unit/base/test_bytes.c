/* SPDX-License-Identifier: ISC */
#include "../check.h"

static const struct {
	struct bytes text;
	unsigned char separator;
	struct bytes word, rest;
} cuts[] = {
	{TEXT(""), ' ', TEXT(""), TEXT("")},
	{TEXT("RETR 1"), ' ', TEXT("RETR"), TEXT("1")},
	{TEXT("QUIT"), ' ', TEXT("QUIT"), TEXT("")},
	{TEXT("QUIT "), ' ', TEXT("QUIT"), TEXT("")},
	/* One separator, not a run of them. */
	{TEXT("TOP  1"), ' ', TEXT("TOP"), TEXT(" 1")},
	{TEXT(" a"), ' ', TEXT(""), TEXT("a")},
	{TEXT("a\0b\0c"), '\0', TEXT("a"), TEXT("b\0c")},
	{TEXT("\xff\xff"), 0xff, TEXT(""), TEXT("\xff")},
};

static void
cut(void **state)
{
	for (size_t i = 0; i < COUNT(cuts); i++) {
		struct bytes rest = cuts[i].text;
		struct bytes word = bytes_cut(&rest, cuts[i].separator);

		assert_bytes(word, cuts[i].word, cuts[i].text);
		assert_bytes(rest, cuts[i].rest, cuts[i].text);
	}
}

static void
cut_of_nothing(void **state)
{
	struct bytes rest = BYTES_NONE;

	assert_int_equal(bytes_cut(&rest, ' ').octets, 0);
	assert_int_equal(rest.octets, 0);
	assert_null(rest.at);
}

static const struct {
	struct bytes text, trimmed;
} trims[] = {
	{TEXT(""), TEXT("")},
	{TEXT(" \t "), TEXT("")},
	{TEXT("a"), TEXT("a")},
	{TEXT(" \ta b\t "), TEXT("a b")},
	{TEXT("\r\na\n"), TEXT("\r\na\n")},
	{TEXT("\0 "), TEXT("\0")},
};

static void
trim(void **state)
{
	for (size_t i = 0; i < COUNT(trims); i++)
		assert_bytes(bytes_trim(trims[i].text), trims[i].trimmed,
			trims[i].text);
	assert_null(bytes_trim(BYTES_NONE).at);
}

#define UNTOUCHED 77u

static const struct {
	struct bytes text;
	uint64_t maximum;
	bool is_number;
	uint64_t number;
} numbers[] = {
	{TEXT("0"), 0, true, 0},
	{TEXT("1"), 1, true, 1},
	{TEXT("1"), 0, false, 0},
	{TEXT("10"), 9, false, 0},
	{TEXT("4294967295"), UINT32_MAX, true, UINT32_MAX},
	/* LIST 4294967297 is not LIST 1. */
	{TEXT("4294967296"), UINT32_MAX, false, 0},
	{TEXT("4294967297"), UINT32_MAX, false, 0},
	{TEXT("9223372036854775808"), UINT64_MAX, true,
		(uint64_t)INT64_MAX + 1},
	{TEXT("18446744073709551615"), UINT64_MAX, true, UINT64_MAX},
	{TEXT("18446744073709551615"), UINT64_MAX - 1, false, 0},
	{TEXT("18446744073709551616"), UINT64_MAX, false, 0},
	{TEXT("18446744073709551620"), UINT64_MAX, false, 0},
	{TEXT("36893488147419103233"), UINT64_MAX, false, 0},
	{TEXT("100000000000000000000"), UINT64_MAX, false, 0},
	{TEXT("999999999999999999999999999999"), UINT64_MAX, false, 0},
	{TEXT(""), 9, false, 0},
	{TEXT("00"), 9, false, 0},
	{TEXT("01"), 9, false, 0},
	{TEXT("+1"), 9, false, 0},
	{TEXT("-1"), UINT64_MAX, false, 0},
	{TEXT("-0"), 9, false, 0},
	{TEXT(" 1"), 9, false, 0},
	{TEXT("1 "), 9, false, 0},
	{TEXT("1\0"), 9, false, 0},
	{TEXT("1a"), UINT64_MAX, false, 0},
	{TEXT("0x1"), 99, false, 0},
	{TEXT("1.0"), 99, false, 0},
	{TEXT("/"), 99, false, 0},
	{TEXT(":"), 99, false, 0},
	{TEXT("\xb1"), 999, false, 0},
};

static void
to_number(void **state)
{
	for (size_t i = 0; i < COUNT(numbers); i++) {
		uint64_t number = UNTOUCHED;
		bool is_number = bytes_to_number(
			numbers[i].text, numbers[i].maximum, &number);

		if (is_number != numbers[i].is_number)
			show_octets("number", numbers[i].text);
		assert_int_equal(is_number, numbers[i].is_number);
		assert_true(
			number == (is_number ? numbers[i].number : UNTOUCHED));
	}
}

/* What is read strictly is what is written. */
static void
put_number(void **state)
{
	for (size_t i = 0; i < COUNT(numbers); i++) {
		char digits[BYTES_NUMBER_OCTETS];
		size_t octets = bytes_put_number(digits, numbers[i].number);

		if (numbers[i].is_number)
			assert_bytes(bytes_of(digits, octets), numbers[i].text,
				BYTES_NONE);
	}
}

static const struct {
	struct bytes a, b;
	bool is_equal, is_equal_ignoring_case;
} pairs[] = {
	{TEXT(""), TEXT(""), true, true},
	{TEXT("a"), TEXT("a"), true, true},
	{TEXT("a"), TEXT("ab"), false, false},
	{TEXT("ab"), TEXT("a"), false, false},
	{TEXT("a\0b"), TEXT("a\0c"), false, false},
	{TEXT("Retr"), TEXT("rETR"), false, true},
	{TEXT("AZ"), TEXT("az"), false, true},
	/* Neighbours of the letters, and what another locale would fold. */
	{TEXT("@"), TEXT("`"), false, false},
	{TEXT("["), TEXT("{"), false, false},
	{TEXT("\xc4"), TEXT("\xe4"), false, false},
};

static void
equal(void **state)
{
	for (size_t i = 0; i < COUNT(pairs); i++) {
		assert_int_equal(
			bytes_equal(pairs[i].a, pairs[i].b), pairs[i].is_equal);
		assert_int_equal(
			bytes_equal_ignoring_case(pairs[i].a, pairs[i].b),
			pairs[i].is_equal_ignoring_case);
	}
	assert_true(bytes_equal(BYTES_NONE, BYTES("")));
	assert_true(bytes_equal_ignoring_case(BYTES(""), BYTES_NONE));
}

static void
has_and_after(void **state)
{
	struct bytes text = BYTES("a\0b");

	assert_true(bytes_has(text, '\0'));
	assert_true(bytes_has(text, 'b'));
	assert_false(bytes_has(text, 'c'));
	assert_false(bytes_has(BYTES_NONE, '\0'));
	assert_bytes(bytes_after(text, 0), text, text);
	assert_bytes(bytes_after(text, 2), BYTES("b"), text);
	assert_bytes(bytes_after(text, 3), BYTES(""), text);
	assert_bytes(bytes_after(text, SIZE_MAX), BYTES(""), text);
	assert_null(bytes_after(BYTES_NONE, 1).at);
	assert_bytes(bytes_of_string("ab"), BYTES("ab"), BYTES_NONE);
}

static const struct {
	struct bytes text;
	size_t size;
	bool fits;
} strings[] = {
	{TEXT(""), 0, false},
	{TEXT(""), 1, true},
	{TEXT("abc"), 4, true},
	{TEXT("abc"), 3, false},
	{TEXT("a\0b"), 8, false},
	{TEXT("ab\0"), 8, false},
};

static void
to_string(void **state)
{
	for (size_t i = 0; i < COUNT(strings); i++) {
		char out[9] = "????????";
		bool fits =
			bytes_to_string(strings[i].text, out, strings[i].size);
		size_t written = fits ? strings[i].text.octets + 1 : 0;

		assert_int_equal(fits, strings[i].fits);
		if (fits)
			assert_bytes(bytes_of_string(out), strings[i].text,
				strings[i].text);
		for (size_t j = written; j < 8; j++)
			assert_int_equal(out[j], '?');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut),
		cmocka_unit_test(cut_of_nothing),
		cmocka_unit_test(trim),
		cmocka_unit_test(to_number),
		cmocka_unit_test(put_number),
		cmocka_unit_test(equal),
		cmocka_unit_test(has_and_after),
		cmocka_unit_test(to_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
