/* SPDX-License-Identifier: ISC */
/* TOP, RFC 1939 section 7: the header, the empty line, lines of the body. */
#include "../wire/reference.h"

#include "message/top.h"

static const struct row {
	struct bytes message;
	uint64_t lines;
	struct bytes sent;
} rows[] = {
	{TEXT(""), 0, TEXT("")},
	{TEXT(""), 5, TEXT("")},
	{TEXT("a: b\r\n\r\n1\r\n2\r\n"), 0, TEXT("a: b\r\n\r\n")},
	{TEXT("a: b\r\n\r\n1\r\n2\r\n"), 1, TEXT("a: b\r\n\r\n1\r\n")},
	{TEXT("a: b\r\n\r\n1\r\n2\r\n"), 2, TEXT("a: b\r\n\r\n1\r\n2\r\n")},
	{TEXT("a: b\r\n\r\n1\r\n2\r\n"), UINT64_MAX,
		TEXT("a: b\r\n\r\n1\r\n2\r\n")},
	{TEXT("a: b\n\n1\n2\n"), 1, TEXT("a: b\n\n1\n")},
	/* An empty line is one of the body's lines. */
	{TEXT("a\n\n\n\n2\n"), 2, TEXT("a\n\n\n\n")},
	{TEXT("a\n\n1\n2"), 2, TEXT("a\n\n1\n2")},
	{TEXT("a\n\n1\n2"), 1, TEXT("a\n\n1\n")},
	/* No header, no body, no empty line. */
	{TEXT("\r\n1\r\n2\r\n"), 0, TEXT("\r\n")},
	{TEXT("\r\n1\r\n2\r\n"), 1, TEXT("\r\n1\r\n")},
	{TEXT("a: b\r\nc: d\r\n"), 0, TEXT("a: b\r\nc: d\r\n")},
	{TEXT("a: b"), 0, TEXT("a: b")},
	{TEXT("a\r\n\r\n"), 3, TEXT("a\r\n\r\n")},
	/* CR alone neither ends a line nor makes one empty. */
	{TEXT("a\r\r\r\n\r\r\nb\r\n\r\n1\r2\r\n3\r\n"), 1,
		TEXT("a\r\r\r\n\r\r\nb\r\n\r\n1\r2\r\n")},
	{TEXT("a\0\n\0\n\n1\0\n2\n"), 1, TEXT("a\0\n\0\n\n1\0\n")},
};

static void
check(struct bytes message, uint64_t lines, struct bytes wanted, uint64_t cuts)
{
	struct octets got = {.count = 0};
	size_t octets, at = 0;
	bool is_done = false;
	struct top top;

	top_init(&top, lines);
	for (; (octets = piece_octets(message, at, cuts)) > 0; at += octets) {
		struct bytes chunk = bytes_of(message.at + at, octets);
		struct bytes sent = top_take(&top, chunk);

		assert_true(sent.octets <= chunk.octets);
		assert_true(sent.octets == 0 || sent.at == chunk.at);
		assert_false(is_done && sent.octets > 0);
		assert_true(sent.octets == chunk.octets || top.is_done);
		is_done = top.is_done;
		for (size_t i = 0; i < sent.octets; i++)
			octets_put(&got, sent.at[i]);
	}
	assert_bytes(octets_bytes(&got), wanted, message);
}

static void
takes_rows(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];

		check(row->message, row->lines, row->sent, EACH_OCTET);
		for (uint64_t cuts = 0; cuts < 1 << 12; cuts++)
			check(row->message, row->lines, row->sent, cuts);
	}
}

/* ---- against what a reader of the RFC would count ---- */

/* The line that starts at `from`, with its line end. */
static size_t
line_octets(struct bytes message, size_t from)
{
	size_t end = from;

	while (end < message.octets && message.at[end] != '\n')
		end++;
	return end < message.octets ? end + 1 - from : end - from;
}

static struct bytes
top_of(struct bytes message, uint64_t lines)
{
	size_t at = 0, octets;
	bool is_in_body = false;

	while ((octets = line_octets(message, at)) > 0) {
		struct bytes line = bytes_of(message.at + at, octets);

		if (is_in_body && lines-- == 0)
			break;
		if (bytes_equal(line, BYTES("\n")) ||
			bytes_equal(line, BYTES("\r\n")))
			is_in_body = true;
		at += octets;
	}
	return bytes_of(message.at, at);
}

static void
every_short_string(void **state)
{
	for (uint64_t i = 0; i < EVERY_STRING_TO_6; i++) {
		struct octets string;
		struct bytes message;

		string_by_index(i, &string);
		message = octets_bytes(&string);
		for (uint64_t lines = 0; lines < 4; lines++) {
			struct bytes wanted = top_of(message, lines);

			check(message, lines, wanted, 0);
			check(message, lines, wanted, EACH_OCTET);
			for (size_t at = 0; at + 1 < string.count; at++)
				check(message, lines, wanted,
					(uint64_t)1 << at);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_rows),
		cmocka_unit_test(every_short_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
