/* SPDX-License-Identifier: ISC */
/* Each row whole, one octet at a time, cut once at each place. */
#include "reference.h"

#include "wire/line_reader.h"

#define MAXIMUM 8 /* octets of a line, with its end */

struct line {
	enum line_event event; /* LINE_NEEDS_MORE ends a list of lines */
	struct bytes text;
};

static const struct row {
	struct bytes in;
	bool is_strict;
	struct line lines[5];
	bool is_partial; /* at the end */
} rows[] = {
	{.in = TEXT("")},
	{.in = TEXT("\r\n"), .lines = {{LINE_READY, TEXT("")}}},
	{.in = TEXT("a\r\nb\r\n"),
		.lines = {{LINE_READY, TEXT("a")}, {LINE_READY, TEXT("b")}}},
	{.in = TEXT("a\nb\n"),
		.lines = {{LINE_READY, TEXT("a")}, {LINE_READY, TEXT("b")}}},
	{.in = TEXT("a\r\nb"),
		.lines = {{LINE_READY, TEXT("a")}},
		.is_partial = true},
	{.in = TEXT("a\r"), .is_partial = true},
	/* Only the CR right before the LF belongs to the line end. */
	{.in = TEXT("a\r\r\n\rb\r\n"),
		.lines = {{LINE_READY, TEXT("a\r")},
			{LINE_READY, TEXT("\rb")}}},
	{.in = TEXT("\n"), .lines = {{LINE_READY, TEXT("")}}},
	/* The last that fits, and one more. */
	{.in = TEXT("123456\r\n"), .lines = {{LINE_READY, TEXT("123456")}}},
	{.in = TEXT("1234567\n"), .lines = {{LINE_READY, TEXT("1234567")}}},
	{.in = TEXT("1234567\r\nb\r\n"),
		.lines = {{LINE_TOO_LONG, {0}}, {LINE_READY, TEXT("b")}}},
	{.in = TEXT("12345678\nb\r\n"),
		.lines = {{LINE_TOO_LONG, {0}}, {LINE_READY, TEXT("b")}}},
	/* Once, however long, and never its tail as a line. */
	{.in = TEXT("12345678901234567890DELE 1\r\nb\r\n"),
		.lines = {{LINE_TOO_LONG, {0}}, {LINE_READY, TEXT("b")}}},
	{.in = TEXT("123456789\r\n123456789\r\nb\n"),
		.lines = {{LINE_TOO_LONG, {0}}, {LINE_TOO_LONG, {0}},
			{LINE_READY, TEXT("b")}}},
	{.in = TEXT("123456789"), .is_partial = true},
	{.in = TEXT("1\0002\r\nb\r\n"),
		.lines = {{LINE_HAS_NUL, {0}}, {LINE_READY, TEXT("b")}}},
	{.in = TEXT("\0\n\0\r\n"),
		.lines = {{LINE_HAS_NUL, {0}}, {LINE_HAS_NUL, {0}}}},
	{.in = TEXT("\000012345678\r\n"), .lines = {{LINE_TOO_LONG, {0}}}},
	{.in = TEXT("a\nb\r\n\n\r\n"),
		.is_strict = true,
		.lines = {{LINE_BARE_LF, TEXT("a")}, {LINE_READY, TEXT("b")},
			{LINE_BARE_LF, TEXT("")}, {LINE_READY, TEXT("")}}},
};

/* Takes lines until *in is used up, comparing; the number of lines. */
static size_t
take_all(struct line_reader *reader, struct bytes *in, const struct line *line)
{
	static const struct bytes unset = {(const unsigned char *)"?", 1};
	size_t count = 0;

	for (;;) {
		struct bytes got = unset;
		enum line_event event = line_reader_take(reader, in, &got);

		if (event == LINE_NEEDS_MORE) {
			assert_int_equal(in->octets, 0);
			assert_true(bytes_equal(got, unset));
			return count;
		}
		assert_int_equal(event, line->event);
		if (event == LINE_READY || event == LINE_BARE_LF)
			assert_bytes(got, line->text, *in);
		else
			assert_true(bytes_equal(got, unset));
		assert_false(line_reader_is_partial(reader));
		line++;
		count++;
	}
}

static void
check_row(const struct row *row, uint64_t cuts)
{
	struct line_reader reader;
	size_t octets, at = 0, count = 0;

	line_reader_init(&reader, MAXIMUM);
	reader.is_strict = row->is_strict;
	while ((octets = piece_octets(row->in, at, cuts)) > 0) {
		struct bytes in = bytes_of(row->in.at + at, octets);

		count += take_all(&reader, &in, row->lines + count);
		assert_true(reader.partial.octets <= MAXIMUM);
		at += octets;
	}
	assert_int_equal(row->lines[count].event, LINE_NEEDS_MORE);
	assert_int_equal(line_reader_is_partial(&reader), row->is_partial);
	line_reader_release(&reader);
	assert_null(reader.partial.memory);
}

static void
cuts_lines(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		check_row(&rows[i], 0);
		check_row(&rows[i], EACH_OCTET);
		for (uint64_t cuts = 0; cuts < 1 << 12; cuts++)
			check_row(&rows[i], cuts);
		for (size_t at = 0; at < rows[i].in.octets; at++)
			check_row(&rows[i], (uint64_t)1 << at);
	}
}

static enum line_event
take(struct line_reader *reader, const char *in, struct bytes *out_line)
{
	struct bytes bytes = bytes_of_string(in);

	return line_reader_take(reader, &bytes, out_line);
}

/* A SASL exchange: longer lines, then commands as short as before. */
static void
changes_the_maximum(void **state)
{
	struct line_reader reader;
	struct bytes line;

	line_reader_init(&reader, MAXIMUM);
	line_reader_set_maximum(&reader, 20);
	assert_int_equal(take(&reader, "0123456789", &line), LINE_NEEDS_MORE);
	assert_int_equal(take(&reader, "0123456\r\n", &line), LINE_READY);
	assert_bytes(line, BYTES("01234567890123456"), BYTES_NONE);
	/* The line given last lay in the reader, and is over. */
	line_reader_set_maximum(&reader, MAXIMUM);
	assert_false(line_reader_is_partial(&reader));
	assert_int_equal(take(&reader, "123456\r\n", &line), LINE_READY);
	assert_int_equal(take(&reader, "1234567", &line), LINE_NEEDS_MORE);
	assert_int_equal(take(&reader, "8\r\n", &line), LINE_TOO_LONG);
	assert_int_equal(take(&reader, "123456\r\n", &line), LINE_READY);
	line_reader_release(&reader);
}

/* In the middle of a line that is already over the new maximum. */
static void
lowers_the_maximum_within_a_line(void **state)
{
	struct line_reader reader;
	struct bytes line;

	line_reader_init(&reader, 20);
	assert_int_equal(take(&reader, "0123456789", &line), LINE_NEEDS_MORE);
	line_reader_set_maximum(&reader, MAXIMUM);
	assert_true(line_reader_is_partial(&reader));
	assert_int_equal(take(&reader, "a\r\n", &line), LINE_TOO_LONG);
	assert_int_equal(take(&reader, "123456\r\n", &line), LINE_READY);
	line_reader_release(&reader);
}

static void
reset_forgets(void **state)
{
	struct line_reader reader;
	struct bytes line;

	line_reader_init(&reader, MAXIMUM);
	assert_int_equal(take(&reader, "PASS", &line), LINE_NEEDS_MORE);
	line_reader_reset(&reader);
	assert_null(reader.partial.memory);
	assert_false(line_reader_is_partial(&reader));
	assert_int_equal(take(&reader, "a\r\n", &line), LINE_READY);
	assert_bytes(line, BYTES("a"), BYTES_NONE);
	assert_int_equal(take(&reader, "123456789", &line), LINE_NEEDS_MORE);
	line_reader_reset(&reader);
	assert_int_equal(take(&reader, "b\r\n", &line), LINE_READY);
	assert_bytes(line, BYTES("b"), BYTES_NONE);
	line_reader_release(&reader);
	line_reader_release(&reader);
}

/* A line in one piece is lent, not copied; one in pieces is kept no longer
   than until the next call. */
static void
keeps_little(void **state)
{
	struct line_reader reader;
	struct bytes in = BYTES("a\r\n"), line;
	const unsigned char *at = in.at;

	line_reader_init(&reader, MAXIMUM);
	assert_int_equal(line_reader_take(&reader, &in, &line), LINE_READY);
	assert_ptr_equal(line.at, at);
	assert_null(reader.partial.memory);
	assert_int_equal(take(&reader, "a", &line), LINE_NEEDS_MORE);
	assert_int_equal(take(&reader, "b\r\n", &line), LINE_READY);
	assert_bytes(line, BYTES("ab"), BYTES_NONE);
	assert_int_equal(take(&reader, "c\r\n", &line), LINE_READY);
	assert_null(reader.partial.memory);
	line_reader_release(&reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_lines),
		cmocka_unit_test(changes_the_maximum),
		cmocka_unit_test(lowers_the_maximum_within_a_line),
		cmocka_unit_test(reset_forgets),
		cmocka_unit_test(keeps_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
