/* SPDX-License-Identifier: ISC */
#include "store/path.h"
#include "store/survey.h"

#include "store/index_format.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
names_come_back(void **state)
{
	static const char *const names[] = {"alice", "bob@example.org",
		".hidden", "a b", "100%", "%41", "j\xC3\xBCrgen@example.org"};
	char folder[STATE_NAME_OCTETS], name[STORE_MAILBOX_MAXIMUM_OCTETS];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(path_of_state(names[i], folder), OK);
		assert_true(survey_name(folder, name));
		assert_string_equal(name, names[i]);
	}
}

static void
names_that_are_none(void **state)
{
	static const char *const folders[] = {"", "%", "%4", "%G0", "%00"};
	char name[STORE_MAILBOX_MAXIMUM_OCTETS], longest[400];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		assert_false(survey_name(folders[i], name));
	memset(longest, 'a', sizeof(longest));
	longest[255] = '\0';
	assert_false(survey_name(longest, name));
	longest[254] = '\0';
	assert_true(survey_name(longest, name));
	/* One that was cut is shown as it is. */
	assert_true(survey_name("ab%41%%digest", name));
	assert_string_equal(name, "ab%41%%digest");
}

/* An index of `records` records, the last but `torn` of which is a trailer. */
static void
make_index(int root, const char *name, uint32_t records, uint32_t torn,
	uint32_t messages, time_t changed)
{
	const struct index_trailer trailer = {
		.count = messages, .octets = messages * 1000ull};
	struct timespec times[2] = {{changed, 0}, {changed, 0}};
	unsigned char record[INDEX_RECORD_OCTETS];
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "index/%s", name);
	assert_int_equal(mkdirat(root, path, 0700), 0);
	snprintf(path, sizeof(path), "index/%s/index", name);
	fd = openat(root, path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	for (uint32_t n = 0; n < records; n++) {
		memset(record, 0, sizeof(record));
		if (n + torn + 1 == records)
			index_write_trailer(record, n, &trailer);
		assert_int_equal(
			write(fd, record, sizeof(record)), sizeof(record));
	}
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static void
the_largest_and_the_stillest(void **state)
{
	char folder[] = "/tmp/restante-survey-XXXXXX", name[32], command[64];
	struct survey *survey = calloc(1, sizeof(*survey));
	int root;

	assert_non_null(survey);
	assert_non_null(mkdtemp(folder));
	root = open(folder, O_RDONLY | O_DIRECTORY);
	survey_take(&files_posix, root, survey);
	assert_int_equal(survey->mailboxes, 0);
	assert_int_equal(mkdirat(root, "index", 0700), 0);
	for (unsigned i = 0; i < 25; i++) {
		snprintf(name, sizeof(name), "user%02u", i);
		make_index(root, name, 2 + i * 10, i % 3, (i * 7) % 25,
			1600000000 + (time_t)((i * 11) % 25));
	}
	/* What a crash left is longer than is looked at. */
	make_index(root, "torn", 200, 100, 99, 1);
	survey_take(&files_posix, root, survey);
	assert_int_equal(survey->mailboxes, 25);
	assert_int_equal(survey->messages, 24 * 25 / 2);
	assert_int_equal(survey->octets, 24 * 25 / 2 * 1000);
	assert_int_equal(survey->largest.count, SURVEY_ROWS);
	for (unsigned i = 0; i < SURVEY_ROWS; i++) {
		assert_int_equal(survey->largest.rows[i].messages, 24 - i);
		assert_true(
			i == 0 ||
			survey->stillest.rows[i].changed_seconds >
				survey->stillest.rows[i - 1].changed_seconds);
	}
	assert_int_equal(survey->stillest.rows[0].changed_seconds, 1600000000);
	free(survey);
	close(root);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_back),
		cmocka_unit_test(names_that_are_none),
		cmocka_unit_test(the_largest_and_the_stillest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
