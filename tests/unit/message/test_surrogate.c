/* SPDX-License-Identifier: ISC */
/* RFC 6858 section 2: what clients without UTF-8 read of a header in UTF-8. */
#include "../base/scarce.h"
#include "../check.h"

#include "base/utf8.h"
#include "message/measure.h"

#include <stdlib.h>

#define NOBODY "<invalid@internationalized-address.invalid>"

static struct buffer got;
static int64_t difference;

/* In pieces of `step` octets. */
static void
convert(struct bytes message, size_t step)
{
	struct surrogate s;
	struct bytes rest = message;

	buffer_release(&got);
	buffer_init(&got, 1 << 22);
	surrogate_init(&s);
	while (rest.octets > 0) {
		struct bytes chunk = rest;

		if (chunk.octets > step)
			chunk.octets = step;
		rest = bytes_after(rest, chunk.octets);
		while (chunk.octets > 0) {
			if (s.is_over)
				buffer_append_bytes(&got, chunk);
			if (s.is_over)
				break;
			assert_true(surrogate_take(&s, &chunk));
			buffer_append_bytes(&got, buffer_bytes(&s.out));
			buffer_consume(&s.out, s.out.octets);
		}
	}
	assert_true(surrogate_end(&s));
	buffer_append_bytes(&got, buffer_bytes(&s.out));
	difference = s.difference;
	surrogate_release(&s);
}

static void
becomes(const char *message, const char *expected)
{
	struct bytes from = bytes_of_string(message);

	for (size_t step = 1; step <= from.octets; step++) {
		convert(from, step);
		assert_int_equal(got.octets, strlen(expected));
		assert_memory_equal(
			got.memory + got.start, expected, strlen(expected));
		assert_int_equal(difference,
			(int64_t)strlen(expected) - (int64_t)from.octets);
	}
	buffer_release(&got);
}

static void
ascii_goes_through(void **state)
{
	becomes("", "");
	becomes("\r\n", "\r\n");
	becomes("Subject: one\r\n two\r\n\r\nbody\r\n",
		"Subject: one\r\n two\r\n\r\nbody\r\n");
	becomes("no header at all", "no header at all");
	becomes("Subject: x\n\nbody\n\nmore", "Subject: x\n\nbody\n\nmore");
	becomes("\r", "\r");
	becomes("A: b\r\n\r\r\n\r\nbody", "A: b\r\n\r\r\n\r\nbody");
}

/* Bodies may be 8bit, whoever reads them. */
static void
the_body_stays(void **state)
{
	becomes("A: b\r\n\r\nSubject: Gr\xC3\xBC\xC3\x9F"
		"e\r\n",
		"A: b\r\n\r\nSubject: Gr\xC3\xBC\xC3\x9F"
		"e\r\n");
	becomes("\n\xC3\xBC\n", "\n\xC3\xBC\n");
}

static void
subjects_are_encoded(void **state)
{
	becomes("Subject: Gr\xC3\xBC\xC3\x9F"
		"e\r\n\r\n",
		"Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n\r\n");
	becomes("subject:Re: Gr\xC3\xBC\xC3\x9F"
		"e an alle\r\n\r\n",
		"subject: Re: =?UTF-8?B?R3LDvMOfZQ==?= an alle\r\n\r\n");
	becomes("Subject: \xC3\xBC a\r\n \xC3\xBC\r\nTo: x@y\r\n\r\n",
		"Subject: =?UTF-8?B?w7wgYSDDvA==?=\r\nTo: x@y\r\n\r\n");
	/* No character is cut, and no word is longer than 75 octets. */
	becomes("Subject: \xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"
		"\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"
		"\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"
		"\xE2\x82\xAC\r\n\r\n",
		"Subject: =?UTF-8?B?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs"
		"4oKs4oKs4oKs4oKs?=\r\n =?UTF-8?B?4oKs?=\r\n\r\n");
}

static void
addresses_become_nobodys(void **state)
{
	becomes("From: Fred Foo <fred@\xC3\xA9.example>\r\n\r\n",
		"From: =?UTF-8?B?RnJlZCBGb28gZnJlZEDDqS5leGFtcGxl?= " NOBODY
		"\r\n\r\n");
	becomes("To: \xC3\xA9@example.org, b@example.org\r\n\r\n",
		"To: =?UTF-8?B?w6lAZXhhbXBsZS5vcmc=?= " NOBODY
		",\r\n b@example.org\r\n\r\n");
	/* Only the name: the address can be said. */
	becomes("Cc: \"M\xC3\xBCller, A\" <m@example.org>\r\n\r\n",
		"Cc: =?UTF-8?B?TcO8bGxlciwgQQ==?= <m@example.org>\r\n\r\n");
	becomes("Reply-To: m@example.org (M\xC3\xBCller)\r\n\r\n",
		"Reply-To: m@example.org\r\n\r\n");
	becomes("Bcc: Fr\xC3\xA9unde: a@b, c@d;\r\n\r\n",
		"Bcc: =?UTF-8?B?RnLDqXVuZGU=?=:\r\n a@b,\r\n c@d;\r\n\r\n");
	becomes("Resent-To: a@b,\r\n \xC3\xA9@c\r\n\r\n",
		"Resent-To: a@b,\r\n =?UTF-8?B?w6lAYw==?= " NOBODY "\r\n\r\n");
}

static void
parameters_are_left_out(void **state)
{
	becomes("Content-Disposition: attachment; filename=\"\xC3\xA9;.pdf\"; "
		"size=3\r\n\r\n",
		"Content-Disposition: attachment;\r\n size=3\r\n\r\n");
	becomes("Content-Type: text/\xC3\xA9; a=b\r\nX: y\r\n\r\n",
		"X: y\r\n\r\n");
}

static void
other_fields_are_left_out(void **state)
{
	becomes("X-Note: \xC3\xA9\r\n \xC3\xA9\r\nTo: x@y\r\n\r\nb",
		"To: x@y\r\n\r\nb");
	becomes("\xC3\xA9: x\r\n\r\n", "\r\n");
	/* Without its line end, which it would be sent with. */
	convert(bytes_of_string("\xC3\xA9"), 1);
	assert_int_equal(got.octets, 0);
	assert_int_equal(difference, -4);
	buffer_release(&got);
}

/* Not UTF-8: nobody knows what it means, and nobody touches it. */
static void
other_charsets_go_through(void **state)
{
	becomes("Subject: Gr\xFC\xDF"
		"e\r\n\r\n",
		"Subject: Gr\xFC\xDF"
		"e\r\n\r\n");
	becomes("Subject: \xC0\x80\r\n\r\n", "Subject: \xC0\x80\r\n\r\n");
	becomes("Subject: \xED\xA0\x80\r\n\r\n",
		"Subject: \xED\xA0\x80\r\n\r\n");
}

/* Stored with LF: octets as sent, with CRLF, are what differs. */
static void
line_feeds_are_counted(void **state)
{
	convert(bytes_of_string("To: x@y,\n \xC3\xA9@z\nSubject: \xC3\xA9\n\n"),
		5);
	/* 8 + 1 + 6 + 1 + 11 + 1 + 1 octets and 4 CRs become: */
	assert_int_equal(difference,
		(int64_t)strlen("To: x@y,\r\n =?UTF-8?B?w6lAeg==?= " NOBODY
				"\r\nSubject: =?UTF-8?B?w6k=?=\r\n\r\n") -
			(int64_t)strlen("To: x@y,\r\n xx@z\r\nSubject: "
					"xx\r\n\r\n"));
	buffer_release(&got);
}

/* Whatever comes, it is ASCII, or it was not UTF-8; and memory is bounded. */
static void
fields_without_end(void **state)
{
	size_t octets = 300000;
	unsigned char *text = malloc(octets);

	memset(text, 'x', octets);
	memcpy(text, "Subject: ", 9);
	memcpy(text + 50, "\xC3\xA9", 2);
	memcpy(text + 250000, "\xC3\xA9", 2);
	memcpy(text + octets - 4, "\r\n\r\n", 4);
	convert(bytes_of(text, octets), 10000);
	assert_int_equal(got.octets, octets);
	assert_true(utf8_is_ascii(buffer_bytes(&got)));
	assert_int_equal(difference, 0);
	buffer_release(&got);
	free(text);
}

/* ---- what is measured is what is sent ---- */

static const char *const words[] = {
	"Subject:", "From:", "To:", "X:", "Content-Type:", "\xC3\xA9",
	"\xE2\x82\xAC", "<", ">", ",", ";", ":", "@", "a", "\"", "(", ")", "\\",
	".", " ", "\t", "\r", "\n", "\r\n", "\r\n", "\n\n", "\xFF", "=?"};

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void
measure(struct bytes message, size_t step, struct measure *out)
{
	measure_init(out);
	while (message.octets > 0) {
		struct bytes piece = message;

		if (piece.octets > step)
			piece.octets = step;
		measure_put(out, piece);
		message = bytes_after(message, piece.octets);
	}
	measure_end(out);
}

static void
check_measure(struct bytes message, uint32_t *seed)
{
	struct measure original, surrogate;
	struct bytes sent;

	measure(message, 1 + next_random(seed) % 30, &original);
	convert(message, 1 + next_random(seed) % 30);
	sent = buffer_bytes(&got);
	measure(sent, 7, &surrogate);
	assert_int_equal(
		(int64_t)original.octets + original.surrogate_difference,
		surrogate.octets);
	assert_int_equal(original.surrogate_difference, difference);
	assert_false(original.has_no_surrogate);
	assert_false(surrogate.has_utf8_header);
	if (!original.has_utf8_header) {
		assert_int_equal(sent.octets, message.octets);
		assert_int_equal(original.surrogate_difference, 0);
		if (sent.octets > 0)
			assert_memory_equal(sent.at, message.at, sent.octets);
	}
	buffer_release(&got);
}

static void
sizes_are_what_is_sent(void **state)
{
	uint32_t seed = 6858;

	for (int i = 0; i < 30000; i++) {
		char text[256] = "";
		unsigned count = next_random(&seed) % 16;

		for (unsigned j = 0; j < count; j++)
			strcat(text,
				words[next_random(&seed) %
					(sizeof(words) / sizeof(words[0]))]);
		check_measure(bytes_of_string(text), &seed);
	}
}

/* Around the length from which a field is only made ASCII. */
static void
sizes_of_long_fields(void **state)
{
	uint32_t seed = 2047;
	unsigned char text[SURROGATE_FIELD_MAXIMUM_OCTETS + 64];

	for (size_t octets = SURROGATE_FIELD_MAXIMUM_OCTETS - 4;
		octets < SURROGATE_FIELD_MAXIMUM_OCTETS + 4; octets++) {
		for (size_t at = 9; at < octets - 4; at += octets / 2 - 9) {
			memset(text, 'x', sizeof(text));
			memcpy(text, "Subject: ", 9);
			memcpy(text + at, "\xC3\xA9", 2);
			memcpy(text + octets - 2, "\r\n", 2);
			memcpy(text + octets, "X: y\r\n\r\n", 8);
			check_measure(bytes_of(text, octets + 8), &seed);
		}
	}
}

/* One of each way that a field is made ASCII. */
static const char *const fields[] = {
	"Subject: plain =?x?= \xC3\xA9 more \xC3\xA9"
	" words that are many enough to need a second encoded word\r\n",
	"Subject: long \xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
	"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3"
	"\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\r\n",
	"To: a@b.example, \"J\\\"\xC3\xA9\" (c \xC3\xA9) <j@b.example>,\r\n"
	" \xC3\xA9@b.example, <k@\xC3\xA9.example>, e <\xC3\xA9@c.example>\r\n",
	"Cc: gr\xC3\xBC"
	"n: x@b.example, \xC3\xA9 <y@b.example>;\r\n",
	"Content-Type: text/plain; name=\"\xC3\xA9\"; charset=utf-8\r\n",
};

static void
a_field_goes_out_whole_or_fails(void **state)
{
	for (size_t i = 0; i < COUNT(fields); i++) {
		struct bytes field = bytes_of_string(fields[i]);
		size_t whole;
		struct buffer out;

		buffer_init(&out, 4096);
		assert_true(surrogate_field(field, &out));
		whole = out.octets;
		assert_true(whole > 0);
		buffer_release(&out);
		for (size_t n = 0; n <= whole; n++) {
			buffer_init(&out, n);
			assert_int_equal(
				surrogate_field(field, &out), n == whole);
			buffer_release(&out);
		}
	}
}

static void
a_field_fails_without_memory(void **state)
{
	for (size_t i = 0; i < COUNT(fields); i++) {
		struct bytes field = bytes_of_string(fields[i]);
		bool has_failed = true;
		struct buffer out;

		for (unsigned n = 1; has_failed; n++) {
			bool is_good;

			buffer_init(&out, 4096);
			scarce_from(n);
			is_good = surrogate_field(field, &out);
			has_failed = scarce_has_failed();
			assert_int_equal(is_good, !has_failed);
			buffer_release(&out);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ascii_goes_through),
		cmocka_unit_test(the_body_stays),
		cmocka_unit_test(subjects_are_encoded),
		cmocka_unit_test(addresses_become_nobodys),
		cmocka_unit_test(parameters_are_left_out),
		cmocka_unit_test(other_fields_are_left_out),
		cmocka_unit_test(other_charsets_go_through),
		cmocka_unit_test(line_feeds_are_counted),
		cmocka_unit_test(fields_without_end),
		cmocka_unit_test(sizes_are_what_is_sent),
		cmocka_unit_test(sizes_of_long_fields),
		cmocka_unit_test(a_field_goes_out_whole_or_fails),
		cmocka_unit_test(a_field_fails_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
