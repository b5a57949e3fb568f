/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static const struct {
	struct bytes text;
	const char *quoted;
} quotes[] = {
	{TEXT(""), "\"\""},
	{TEXT("alice"), "\"alice\""},
	{TEXT(" ~"), "\" ~\""},
	{TEXT("a\"b\\c"), "\"a\\x22b\\x5cc\""},
	/* What would forge a line, or move a terminal. */
	{TEXT("a\r\nlogin user=root"), "\"a\\x0d\\x0alogin user=root\""},
	{TEXT("\x1b[2J"), "\"\\x1b[2J\""},
	{TEXT("a\0b\x7f\t"), "\"a\\x00b\\x7f\\x09\""},
	{TEXT("%s%n"), "\"%s%n\""},
	/* UTF-8 of two, three and four octets. */
	{TEXT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
		"\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
	{TEXT("\xc2\xa0\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80"),
		"\"\xc2\xa0\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\""},
	/* Cut off, alone, overlong, surrogate, beyond U+10FFFF, C1. */
	{TEXT("\xc3"), "\"\\xc3\""},
	{TEXT("\xe2\x82"), "\"\\xe2\\x82\""},
	{TEXT("\xf0\x9f\x98"), "\"\\xf0\\x9f\\x98\""},
	{TEXT("\xa4"), "\"\\xa4\""},
	{TEXT("\xc3\x28"), "\"\\xc3(\""},
	{TEXT("\xc0\xaf"), "\"\\xc0\\xaf\""},
	{TEXT("\xe0\x80\xaf"), "\"\\xe0\\x80\\xaf\""},
	{TEXT("\xf0\x80\x80\xaf"), "\"\\xf0\\x80\\x80\\xaf\""},
	{TEXT("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\""},
	{TEXT("\xf4\x90\x80\x80"), "\"\\xf4\\x90\\x80\\x80\""},
	{TEXT("\xf5\x80\x80\x80"), "\"\\xf5\\x80\\x80\\x80\""},
	{TEXT("\xc2\x9b"), "\"\\xc2\\x9b\""},
	{TEXT("\xff\xfe"), "\"\\xff\\xfe\""},
};

static void
quotes_rows(void **state)
{
	for (size_t i = 0; i < COUNT(quotes); i++) {
		char out[LOG_QUOTED_OCTETS];

		assert_ptr_equal(log_quote(out, quotes[i].text), out);
		assert_string_equal(out, quotes[i].quoted);
	}
}

/* Pieces of one, two, three and four octets, at every length around the cut:
   never over, never a piece in half. */
static void
quotes_long_text(void **state)
{
	static const char *const pieces[] = {
		"a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x01"};

	for (size_t i = 0; i < COUNT(pieces); i++) {
		char text[1200] = "", out[LOG_QUOTED_OCTETS + 1];
		size_t octets = 0, length;

		while (octets < 1100) {
			memset(out, 'X', sizeof(out));
			log_quote(out, bytes_of(text, octets));
			length = strlen(out);
			assert_true(length < LOG_QUOTED_OCTETS);
			assert_int_equal(out[LOG_QUOTED_OCTETS], 'X');
			assert_int_equal(out[length - 1], '"');
			if (octets > LOG_QUOTED_OCTETS) {
				assert_true(length > LOG_QUOTED_OCTETS - 10);
				assert_memory_equal(
					out + length - 4, "...\"", 4);
				assert_memory_equal(out + 1,
					*pieces[i] == 1 ? "\\x01" : pieces[i],
					strlen(pieces[i]));
			}
			strcpy(text + octets, pieces[i]);
			octets += strlen(pieces[i]);
		}
	}
}

/* Whatever the text: one line of no control characters. */
static void
quotes_every_two_octets(void **state)
{
	for (unsigned pair = 0; pair < 65536; pair++) {
		const unsigned char text[2] = {
			(unsigned char)(pair >> 8), (unsigned char)pair};
		char out[LOG_QUOTED_OCTETS];
		const char *last = log_quote(out, bytes_of(text, 2));

		last += strlen(out) - 1;
		assert_true(last >= out + 2 && out[0] == '"' && *last == '"');
		for (const char *at = out + 1; at < last; at++)
			assert_true((unsigned char)*at >= ' ' && *at != 0x7f &&
				    *at != '"');
	}
}

/* ---- lines ---- */

/* What `say` writes to standard error; the number of octets. */
static size_t
written_by(void (*say)(void), char *out, size_t size)
{
	int ends[2], before = dup(STDERR_FILENO);
	ssize_t got;

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	say();
	dup2(before, STDERR_FILENO);
	close(before);
	close(ends[1]);
	got = read(ends[0], out, size - 1);
	close(ends[0]);
	assert_true(got >= 0);
	out[got] = '\0';
	return (size_t)got;
}

static void
say_levels(void)
{
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_WARNING, "session-0");
	log_event(LOG_LEVEL_ERROR, "first", "a=%d", 1);
	log_event(LOG_LEVEL_WARNING, "second", "%s", "");
	log_event(LOG_LEVEL_INFO, "third", "b=%d", 2);
	log_event(LOG_LEVEL_DEBUG, "fourth", "b=%d", 3);
}

static void
levels(void **state)
{
	char out[4096], wanted[64];
	const char *head;

	written_by(say_levels, out, sizeof(out));
	snprintf(wanted, sizeof(wanted), "Z session-0[%d] error first a=1\n",
		(int)getpid());
	/* 2026-11-24T01:50:00.123 */
	assert_memory_equal(out + 23, wanted, strlen(wanted));
	assert_int_equal(out[10], 'T');
	head = out + 23 + strlen(wanted);
	snprintf(wanted, sizeof(wanted), "Z session-0[%d] warning second \n",
		(int)getpid());
	assert_string_equal(head + 23, wanted);
}

static void
say_to_the_journal(void)
{
	struct stat status;
	char stream[64];

	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
		(unsigned long long)status.st_dev,
		(unsigned long long)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	say_levels();
	/* One that it gave to somebody else. */
	setenv("JOURNAL_STREAM", "1:1", 1);
	say_levels();
	unsetenv("JOURNAL_STREAM");
}

static void
the_journal_gets_priorities(void **state)
{
	char out[4096], wanted[160];

	written_by(say_to_the_journal, out, sizeof(out));
	snprintf(wanted, sizeof(wanted),
		"<3>session-0[%d] error first a=1\n"
		"<4>session-0[%d] warning second \n2",
		(int)getpid(), (int)getpid());
	assert_memory_equal(out, wanted, strlen(wanted));
}

static void
say_as_dovecot(void)
{
	log_set_format(LOG_FORMAT_DOVECOT);
	say_levels();
	log_as(LOG_LEVEL_WARNING, "pop3-login", "Login: user=<%s>", "alice");
	log_as(LOG_LEVEL_INFO, "pop3-login", "%s", "less than is wanted");
	log_set_format(LOG_FORMAT_RESTANTE);
}

static void
lines_of_dovecot(void **state)
{
	static const char *const wanted[] = {
		"session-0: Error: first a=1\n",
		"session-0: Warning: second \n",
		"pop3-login: Warning: Login: user=<alice>\n",
	};
	char out[4096];
	const char *at = out;

	written_by(say_as_dovecot, out, sizeof(out));
	for (size_t i = 0; i < COUNT(wanted); i++) {
		assert_true(strlen(at) > strlen("Nov 24 01:50:00 "));
		at += strlen("Nov 24 01:50:00 ");
		assert_memory_equal(at, wanted[i], strlen(wanted[i]));
		at += strlen(wanted[i]);
	}
	assert_string_equal(at, "");
}

static void
plain_text_ends_nothing(void **state)
{
	static const struct {
		const char *text, *plain;
	} rows[] = {
		{"", ""},
		{"alice@example.org", "alice@example.org"},
		{"j\xc3\xb6rg a", "j\xc3\xb6rg a"},
		{"x>, rip=1, session=<y", "x?, rip=1, session=?y"},
		{"a(b)\r\n\t\x7f\xff", "a?b?\?\?\?\?\?"},
	};
	char out[LOG_QUOTED_OCTETS], text_long[2 * LOG_QUOTED_OCTETS];

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(
			log_plain(out, bytes_of_string(rows[i].text)),
			rows[i].plain);
	memset(text_long, 'x', sizeof(text_long));
	log_plain(out, bytes_of(text_long, sizeof(text_long)));
	assert_int_equal(strlen(out), LOG_QUOTED_OCTETS - 1);
}

static char text[LOG_LINE_MAXIMUM_OCTETS * 2];

static void
say_long(void)
{
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO, "session-0");
	log_event(LOG_LEVEL_INFO, "event", "text=%s", text);
}

static void
say_long_event(void)
{
	log_event(LOG_LEVEL_INFO, text, "%d", 1);
}

static void
long_lines_are_cut(void **state)
{
	char out[sizeof(text) * 2];
	void (*const says[])(void) = {say_long, say_long_event};

	for (size_t i = 0; i < COUNT(says); i++) {
		for (size_t length = LOG_LINE_MAXIMUM_OCTETS - 100;
			length < LOG_LINE_MAXIMUM_OCTETS + 10; length++) {
			size_t got;

			memset(text, 'x', length);
			text[length] = '\0';
			got = written_by(says[i], out, sizeof(out));
			assert_true(got <= LOG_LINE_MAXIMUM_OCTETS + 1);
			assert_ptr_equal(strchr(out, '\n'), out + got - 1);
			assert_int_equal(strlen(out), got);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_rows),
		cmocka_unit_test(quotes_long_text),
		cmocka_unit_test(quotes_every_two_octets),
		cmocka_unit_test(levels),
		cmocka_unit_test(the_journal_gets_priorities),
		cmocka_unit_test(lines_of_dovecot),
		cmocka_unit_test(plain_text_ends_nothing),
		cmocka_unit_test(long_lines_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
