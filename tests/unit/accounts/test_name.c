/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "accounts/accounts.h"

static void
good_names_become_canonical(void **state)
{
	static const struct {
		struct bytes given;
		const char *canonical;
	} rows[] = {
		{TEXT("a"), "a"},
		{TEXT("alice"), "alice"},
		{TEXT("Alice"), "alice"},
		{TEXT("ALICE@EXAMPLE.ORG"), "alice@example.org"},
		{TEXT("alice@Example.Org"), "alice@example.org"},
		{TEXT("first.last+tag_1-2@sub.example.org"),
			"first.last+tag_1-2@sub.example.org"},
		{TEXT("AZaz"), "azaz"},
		{TEXT("a.b"), "a.b"},
		{TEXT("a."), "a."},
		{TEXT("a-"), "a-"},
		{TEXT("a@b@c"), "a@b@c"},
		{TEXT("0"), "0"},
		{TEXT("%41"), "%41"},
		{TEXT("it's"), "it's"},
		{TEXT("[@`{"), "[@`{"},
		/* Only ASCII is folded, whatever the locale. */
		{TEXT("J\xc3\x96RG"), "j\xc3\x96rg"},
		{TEXT("\xff"), "\xff"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char name[ACCOUNT_NAME_SIZE];

		if (!accounts_canonical_name(rows[i].given, name)) {
			show_octets("refused", rows[i].given);
			fail();
		}
		assert_string_equal(name, rows[i].canonical);
		/* And stay so. */
		assert_true(accounts_canonical_name(
			bytes_of_string(rows[i].canonical), name));
		assert_string_equal(name, rows[i].canonical);
	}
}

static void
bad_names_are_refused(void **state)
{
	static const struct bytes rows[] = {
		TEXT(""),
		TEXT(" "),
		TEXT("al ice"),
		TEXT(" alice"),
		TEXT("alice "),
		TEXT("al\tice"),
		TEXT("alice\n"),
		TEXT("alice\r"),
		TEXT("al\0ice"),
		TEXT("alice\0"),
		TEXT("\0"),
		TEXT("\x01"),
		TEXT("al\x1bice"),
		TEXT("al\x7fice"),
		/* ways out of a directory */
		TEXT("."),
		TEXT(".."),
		TEXT("..."),
		TEXT("/"),
		TEXT("/etc/passwd"),
		TEXT("alice/bob"),
		TEXT("alice/"),
		TEXT("../bob"),
		TEXT("a..b"),
		TEXT("alice@.."),
		TEXT("alice@../bob"),
		TEXT("alice\\bob"),
		/* Maildir++ folders, and options of commands */
		TEXT(".alice"),
		TEXT("-alice"),
		TEXT("--help"),
		TEXT("alice@.org"),
		TEXT("a@b@.c"),
		/* "%d/%n" would be the domain's directory, or the root */
		TEXT("@example.org"),
		TEXT("@"),
		TEXT("alice@"),
		TEXT("alice@example.org@"),
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char name[ACCOUNT_NAME_SIZE] = "untouched";

		if (accounts_canonical_name(rows[i], name)) {
			show_octets("taken", rows[i]);
			fail();
		}
		assert_string_equal(name, "untouched");
	}
}

static void
a_name_has_its_maximum(void **state)
{
	char given[ACCOUNT_NAME_SIZE + 1], name[ACCOUNT_NAME_SIZE] = "";

	memset(given, 'X', sizeof(given));
	assert_false(accounts_canonical_name(
		bytes_of(given, ACCOUNT_NAME_SIZE), name));
	assert_string_equal(name, "");
	assert_true(accounts_canonical_name(
		bytes_of(given, ACCOUNT_NAME_SIZE - 1), name));
	assert_int_equal(strlen(name), ACCOUNT_NAME_SIZE - 1);
	assert_null(strchr(name, 'X'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_names_become_canonical),
		cmocka_unit_test(bad_names_are_refused),
		cmocka_unit_test(a_name_has_its_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
