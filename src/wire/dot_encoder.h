/* SPDX-License-Identifier: ISC */
/*
 * dot_encoder - turns message octets into a POP3 or LMTP multi-line body.
 *
 * In:    message octets in any chunking; line ends LF or CRLF; CR alone kept.
 * Out:   CRLF lines, leading "." doubled (also the very first octet of the
 *        message), ended by ".\r\n"; a last line without line end gets one; an
 *        empty message is ".\r\n" alone.
 * Owns:  nothing. No I/O, never blocks, cannot fail.
 * Source: RFC 1939 section 3, RFC 5321 section 4.5.2.
 */
#ifndef WIRE_DOT_ENCODER_H
#define WIRE_DOT_ENCODER_H

#include "base/bytes.h"

struct dot_encoder {
	bool is_line_start;
	bool is_after_cr;
};

void dot_encoder_init(struct dot_encoder *encoder);

/*
 * Encodes octets from the front of *in (advancing it) while the output fits.
 * Returns the octets written to `out`, at most `room`. Whatever is left in *in
 * goes in again with more room; room >= 2 always makes progress.
 */
size_t dot_encoder_put(struct dot_encoder *encoder, struct bytes *in,
	unsigned char *out, size_t room);

#define DOT_ENCODER_END_OCTETS 5
/* Writes what ends the body; `out` has room for DOT_ENCODER_END_OCTETS. */
size_t dot_encoder_end(struct dot_encoder *encoder, unsigned char *out);

#endif
