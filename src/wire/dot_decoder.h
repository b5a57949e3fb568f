/* SPDX-License-Identifier: ISC */
/*
 * dot_decoder - turns a POP3 or LMTP multi-line body back into the message.
 *
 * In:    octets from the wire in any chunking.
 * Out:   the message: doubled leading dots undone, the end line taken away.
 * Ends:  at CRLF.CRLF (or .CRLF as the very first line) and at nothing else: a
 *        bare LF or bare CR is never a line end here (SMTP smuggling).
 * Owns:  nothing. No I/O, never blocks, cannot fail.
 * Source: RFC 1939 section 3, RFC 5321 sections 2.3.8 and 4.5.2.
 */
#ifndef WIRE_DOT_DECODER_H
#define WIRE_DOT_DECODER_H

#include "base/bytes.h"

enum bare_lf {
	BARE_LF_KEEP,	 /* the collector: as the server sent it */
	BARE_LF_TO_CRLF, /* LMTP: a stored LF without CR is always foreign */
};

struct dot_decoder {
	enum bare_lf bare_lf;
	int state;
	uint64_t bare_lf_count; /* LF without CR seen so far */
	uint64_t bare_cr_count; /* CR not followed by LF */
	uint64_t nul_count;
};

void dot_decoder_init(struct dot_decoder *decoder, enum bare_lf bare_lf);

/*
 * Takes octets from the front of *in (advancing it) and writes the decoded
 * ones to `out`, at most `room` (>= 4), their number to *out_octets.
 * Returns true when the end line has been taken; *in then starts behind it.
 * False: *in is used up or `out` is full.
 */
bool dot_decoder_take(struct dot_decoder *decoder, struct bytes *in,
	unsigned char *out, size_t room, size_t *out_octets);

#endif
