/* SPDX-License-Identifier: ISC */
/*
 * measure - what must be known of a message before it can be announced: exact
 * octets as sent, where the header ends, whether it can go out as it is, what
 * its surrogate differs in.
 *
 * In:    the message as stored, in any chunking; line ends LF or CRLF.
 * Out:   struct measure after measure_end.
 * Owns:  nothing but the header field in hand. No I/O, never blocks.
 * Source: RFC 1939 section 11 (octets with CRLF counted, stuffing not).
 */
#ifndef MESSAGE_MEASURE_H
#define MESSAGE_MEASURE_H

#include "message/surrogate.h"

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
	bool has_utf8_header;	      /* its surrogate differs */
	bool has_no_surrogate;	      /* there was no memory to make one */
	int64_t surrogate_difference; /* octets as sent: surrogate - original */
	/* between calls */
	bool is_line_start, is_after_cr, is_header_over, is_line_empty;
	bool is_field_long, is_field_long_8bit;
	bool is_passing_fields; /* nothing of them need be held */
	size_t field_octets;
	unsigned char field[SURROGATE_FIELD_MAXIMUM_OCTETS];
};

void measure_init(struct measure *measure);
void measure_put(struct measure *measure, struct bytes chunk);
void measure_end(struct measure *measure);

#endif
