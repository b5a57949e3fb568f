/* SPDX-License-Identifier: ISC */
/*
 * line_reader - cuts a stream of octets into lines.
 *
 * In:    octets in any chunking.
 * Out:   lines without their line end (CRLF, or LF alone: clients send it).
 * Size:  keeps at most `maximum_octets`, only of a line that came in pieces; a
 *        line that is longer is reported once, when its end has passed.
 * Source: RFC 1939 section 3, RFC 2449 section 4.
 */
#ifndef WIRE_LINE_READER_H
#define WIRE_LINE_READER_H

#include "base/buffer.h"

enum line_event {
	LINE_NEEDS_MORE, /* all of *in taken, no line end yet */
	LINE_READY,	 /* *out_line is a line */
	LINE_TOO_LONG,	 /* a line over the maximum was skipped whole */
	LINE_HAS_NUL,	 /* a line with a NUL octet was skipped whole */
	LINE_BARE_LF,	 /* only when strict: a line that ended in LF alone */
};

struct line_reader {
	struct buffer partial;
	bool is_strict; /* LF alone is no line end but LINE_BARE_LF */
	bool is_skipping;
	bool is_given; /* `partial` holds the line given last */
};

/* maximum_octets counts the line end (RFC 2449 counts CRLF too). */
void line_reader_init(struct line_reader *reader, size_t maximum_octets);
void line_reader_release(struct line_reader *reader);
/* Wipes what is kept: it may hold a password. */
void line_reader_reset(struct line_reader *reader);
/* For SASL exchanges: another maximum from the next octet on. */
void line_reader_set_maximum(struct line_reader *reader, size_t octets);
/* True in the middle of a line. */
bool line_reader_is_partial(const struct line_reader *reader);

/*
 * Takes octets from the front of *in (advancing it) up to the end of one line.
 *
 * out_line  borrowed from *in or from the reader, until the next call; only
 *           set with LINE_READY and LINE_BARE_LF
 */
enum line_event line_reader_take(
	struct line_reader *reader, struct bytes *in, struct bytes *out_line);

#endif
