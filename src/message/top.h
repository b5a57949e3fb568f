/* SPDX-License-Identifier: ISC */
/*
 * top - how much of a message TOP sends: header, empty line, `lines` lines of
 * the body.
 *
 * In:    the message as stored, in any chunking; line ends LF or CRLF.
 * Owns:  nothing. No I/O, never blocks, cannot fail.
 * Source: RFC 1939 section 7, TOP.
 */
#ifndef MESSAGE_TOP_H
#define MESSAGE_TOP_H

#include "base/bytes.h"

struct top {
	uint64_t lines_left;
	bool is_in_body;
	bool is_line_empty; /* nothing but perhaps a CR since the line began */
	bool is_after_cr;
	bool is_done;
};

void top_init(struct top *top, uint64_t lines);
/* The part of `chunk` (a prefix) that is still to be sent. */
struct bytes top_take(struct top *top, struct bytes chunk);

#endif
