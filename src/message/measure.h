/* SPDX-License-Identifier: ISC */
/*
 * measure - what must be known of a message before it can be announced: exact
 * octets as sent, where the header ends, whether it can go out as it is.
 *
 * In:    the message as stored, in any chunking; line ends LF or CRLF.
 * Out:   struct measure after measure_end.
 * Owns:  nothing. No I/O, never blocks, cannot fail.
 * Source: RFC 1939 section 11 (octets with CRLF counted, stuffing not).
 */
#ifndef MESSAGE_MEASURE_H
#define MESSAGE_MEASURE_H

#include "base/bytes.h"

struct measure {
	uint64_t stored_octets; /* as fed */
	uint64_t octets;	/* as sent: LF counted as CRLF, a last line
				   without line end counted with one */
	uint64_t header_octets; /* as stored, with the empty line; the whole
				   message when there is none */
	bool needs_crlf;	/* octets != stored_octets */
	bool needs_stuffing;	/* a line begins with "." */
	bool has_nul;
	bool has_8bit;
	/* between calls */
	bool is_line_start, is_after_cr, is_header_over, is_line_empty;
};

void measure_init(struct measure *measure);
void measure_put(struct measure *measure, struct bytes chunk);
void measure_end(struct measure *measure);

#endif
