/* SPDX-License-Identifier: ISC */
#include "wire/line_reader.h"

#include <string.h>

void
line_reader_init(struct line_reader *reader, size_t maximum_octets)
{
	*reader = (struct line_reader){0};
	buffer_init(&reader->partial, maximum_octets);
}

void
line_reader_release(struct line_reader *reader)
{
	buffer_wipe(&reader->partial);
	reader->is_skipping = false;
	reader->is_given = false;
}

void
line_reader_reset(struct line_reader *reader)
{
	line_reader_release(reader);
}

void
line_reader_set_maximum(struct line_reader *reader, size_t octets)
{
	/* What was given is over, what came of the next line counts. */
	if (!reader->is_given && reader->partial.octets > octets) {
		buffer_wipe(&reader->partial);
		reader->is_skipping = true;
	}
	reader->partial.maximum = octets;
}

bool
line_reader_is_partial(const struct line_reader *reader)
{
	return reader->is_skipping ||
	       (reader->partial.octets > 0 && !reader->is_given);
}

/* No line end in what is left: keep it, or skip when it grows too long. */
static enum line_event
keep(struct line_reader *reader, struct bytes *in)
{
	if (!reader->is_skipping &&
		!buffer_append_bytes(&reader->partial, *in)) {
		buffer_wipe(&reader->partial);
		reader->is_skipping = true;
	}
	*in = bytes_after(*in, in->octets);
	return LINE_NEEDS_MORE;
}

static enum line_event
judge(const struct line_reader *reader, struct bytes line, struct bytes *out)
{
	bool has_cr = line.octets > 1 && line.at[line.octets - 2] == '\r';

	if (line.octets > reader->partial.maximum)
		return LINE_TOO_LONG;
	line.octets -= has_cr ? 2 : 1;
	if (bytes_has(line, 0))
		return LINE_HAS_NUL;
	*out = line;
	return reader->is_strict && !has_cr ? LINE_BARE_LF : LINE_READY;
}

enum line_event
line_reader_take(
	struct line_reader *reader, struct bytes *in, struct bytes *out_line)
{
	const unsigned char *end = NULL;
	struct bytes piece;

	/* The line given last was in `partial`, with its line end. */
	if (reader->is_given) {
		buffer_wipe(&reader->partial);
		reader->is_given = false;
	}
	if (in->octets > 0)
		end = memchr(in->at, '\n', in->octets);
	if (!end)
		return keep(reader, in);
	piece = bytes_of(in->at, (size_t)(end - in->at) + 1);
	*in = bytes_after(*in, piece.octets);
	if (reader->is_skipping) {
		reader->is_skipping = false;
		return LINE_TOO_LONG;
	}
	if (reader->partial.octets == 0)
		return judge(reader, piece, out_line);
	if (!buffer_append_bytes(&reader->partial, piece)) {
		buffer_wipe(&reader->partial);
		return LINE_TOO_LONG;
	}
	reader->is_given = true;
	return judge(reader, buffer_bytes(&reader->partial), out_line);
}
