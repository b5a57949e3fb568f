/* SPDX-License-Identifier: ISC */
/* What Dovecot and Courier write of their UIDLs, and what they do not. */
#include "store/uidlist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DOVECOT "3 V1795994389 N9 G0a1b\n"

static const struct {
	const char *text, *format;
	const char *uidls; /* in their order, with blanks between them */
	const char *error;
} rows[] = {
	{DOVECOT "1 :1.M1.host,S=18\n17 :2.M2.host\n", NULL,
		"000000016b0cb315 000000116b0cb315", NULL},
	{DOVECOT "1 W20 PUID7-99 S18 :1.M1.host\n2 :2.M2.host\n", NULL,
		"000000026b0cb315 UID7-99", NULL},
	{DOVECOT "5 :1.M1.host:2,S\n", "%v.%u", "1795994389.5", NULL},
	{DOVECOT "5 :1.M1.host,S=3:2,S\n", "%f", "1.M1.host,S=3", NULL},
	{DOVECOT "5 :1.M1.host\n", "%%%4u", NULL, "line 2: that cannot be"},
	{DOVECOT "5 :1.M1.host\n", "%%%04u", "%0005", NULL},
	{DOVECOT "5 :1.M1.host\n", "%g", NULL, "line 2: its UIDL is too long"},
	{DOVECOT "5 :1.M1.host\n", "%071u", NULL, "line 2: its UIDL is too"},
	{DOVECOT "5 :1.M1.host\n", "%", NULL, "line 2: its UIDL is too long"},
	{DOVECOT "5 :1.M1.host\n", "", NULL, "line 2: that cannot be a UIDL"},
	{DOVECOT, NULL, "", NULL},
	{"3 N9  V5\n1 :1.M1.host", NULL, "0000000100000005", NULL},
	{"1 5 9\n1 1.M1.host:2,S\n", NULL, "0000000100000005", NULL},
	{"/3 6 5\n1.M1.host:2, 18 1:5:0\n2.M2.host,S=3 18 3:5:1\n", NULL,
		"UID1-5 UID3-5", NULL},
	{"/2 6 5\n1.M1.host 18 1:5\n2.M2.host 18 3:0\n", NULL, "UID1-5 UID3",
		NULL},
	/* One that was renamed. */
	{"/3 6 5\n1.M1.host 18 1:5:0\n1.M1.host 18 1:5:0\n", NULL, "UID1-5",
		NULL},
	{"/3 6 5\n1.M1.host 18 1:5:0\n2.M2.host 18 1:5:0\n", NULL, NULL,
		"two messages have the UIDL UID1-5"},
	{"/3 6 5\n1.M1.host 18 1\n", NULL, NULL, "line 2: it is no file"},
	{"/3 6 5\n1.M1.host 18 -1:5\n", NULL, NULL, "line 2: it is no file"},
	{"/1 6\n", NULL, NULL, "line 1: it begins neither"},
	{"2 V5 N9\n", NULL, NULL, "line 1: it begins neither"},
	{"3 N9\n", NULL, NULL, "line 1: it begins neither"},
	{"", NULL, NULL, "line 1: it begins neither"},
	{DOVECOT "1 :1.M1.host\nx :2.M2.host\n", NULL, NULL,
		"line 3: no UID stands at its front"},
	{DOVECOT "1 W20\n", NULL, NULL, "line 2: it names no file"},
	{DOVECOT "1 :\n", NULL, NULL, "line 2: it names no file"},
	{DOVECOT "1\n", NULL, NULL, "line 2: it names no file"},
	{"1 5 9\n1\n", NULL, NULL, "line 2: it is no UID and a file"},
};

static void
assert_uidls(const struct uidlist *list, const char *expected)
{
	struct bytes rest = bytes_of_string(expected);

	for (uint32_t i = 0; i < list->count; i++) {
		struct bytes uidl = bytes_cut(&rest, ' ');

		assert_memory_equal(
			list->entries[i].uidl, uidl.at, uidl.octets);
		assert_int_equal(list->entries[i].uidl[uidl.octets], 0);
		assert_ptr_equal(uidlist_find(list, uidl), &list->entries[i]);
	}
	assert_int_equal(rest.octets, 0);
	assert_null(uidlist_find(list, bytes_of_string("UID2-5")));
}

static void
reads_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct uidlist list = UIDLIST_EMPTY;
		char error[UIDLIST_ERROR_SIZE] = "";
		const char *format = rows[i].format ? rows[i].format
						    : UIDLIST_DOVECOT_FORMAT;
		enum outcome outcome = uidlist_read(
			bytes_of_string(rows[i].text), format, &list, error);

		if (rows[i].error) {
			assert_int_equal(outcome, ERR_PEER);
			assert_null(list.entries);
			assert_memory_equal(error, rows[i].error,
				bytes_of_string(rows[i].error).octets);
		} else {
			assert_int_equal(outcome, OK);
			assert_uidls(&list, rows[i].uidls);
		}
		uidlist_release(&list);
	}
}

/* Names are where messages are found again. */
static void
names_files(void **state)
{
	struct uidlist list = UIDLIST_EMPTY;
	char error[UIDLIST_ERROR_SIZE];
	const char *text = DOVECOT "7 W20 :1.M1.host,S=18:2,S\n";

	(void)state;
	assert_int_equal(
		uidlist_read(bytes_of_string(text), "%u", &list, error), OK);
	assert_true(bytes_equal(
		list.entries[0].name, bytes_of_string("1.M1.host,S=18:2,S")));
	uidlist_release(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_lists),
		cmocka_unit_test(names_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
