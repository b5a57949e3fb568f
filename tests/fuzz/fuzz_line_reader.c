/* SPDX-License-Identifier: ISC */
/*
 * The lines are what a reader of the whole text sees, however it is cut; none is
 * longer than the maximum or holds a NUL.
 */
#include "fuzz.h"

#include "wire/line_reader.h"

#define LOG_MAXIMUM_OCTETS (8u << 20)
#define PIECE_OCTETS	   40

enum { FLAG_STRICT = 1, FLAG_LONG = 2 };

static void
note(struct buffer *log, enum line_event event, struct bytes line)
{
	unsigned char kind = (unsigned char)event;

	assert_true(buffer_append(log, &kind, 1));
	if (event == LINE_READY || event == LINE_BARE_LF)
		assert_true(buffer_append_bytes(log, line));
	assert_true(buffer_append(log, "\n", 1));
}

static enum line_event
judge(struct bytes line, size_t maximum, bool is_strict, struct bytes *out)
{
	bool has_cr = line.octets > 0 && line.at[line.octets - 1] == '\r';

	if (line.octets + 1 > maximum)
		return LINE_TOO_LONG;
	line.octets -= has_cr;
	if (bytes_has(line, 0))
		return LINE_HAS_NUL;
	*out = line;
	return is_strict && !has_cr ? LINE_BARE_LF : LINE_READY;
}

/* What RFC 1939 means by lines, on the whole text. */
static void
read_whole(
	struct bytes text, size_t maximum, bool is_strict, struct buffer *log)
{
	while (bytes_has(text, '\n')) {
		struct bytes line = bytes_cut(&text, '\n'), given = BYTES_NONE;

		note(log, judge(line, maximum, is_strict, &given), given);
	}
}

static void
read_pieces(struct line_reader *reader, struct bytes text, uint64_t pace,
	struct buffer *log)
{
	while (text.octets > 0) {
		struct bytes piece = fuzz_cut_piece(&text, &pace, PIECE_OCTETS);
		struct bytes rest = piece, line = BYTES_NONE;
		enum line_event event;

		while ((event = line_reader_take(reader, &rest, &line)) !=
			LINE_NEEDS_MORE)
			note(log, event, line);
		assert_int_equal(rest.octets, 0);
		fuzz_free_piece(&piece);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes text = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&text);
	size_t maximum = head.flags & FLAG_LONG ? 1024 : 20;
	struct line_reader reader;
	struct buffer wanted, got;

	buffer_init(&wanted, LOG_MAXIMUM_OCTETS);
	buffer_init(&got, LOG_MAXIMUM_OCTETS);
	line_reader_init(&reader, maximum);
	reader.is_strict = head.flags & FLAG_STRICT;
	read_whole(text, maximum, reader.is_strict, &wanted);
	read_pieces(&reader, text, head.pace, &got);
	assert_bytes(buffer_bytes(&got), buffer_bytes(&wanted), text);
	line_reader_release(&reader);
	buffer_release(&wanted);
	buffer_release(&got);
	return 0;
}
