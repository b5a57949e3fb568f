/* SPDX-License-Identifier: ISC */
/*
 * mbox_parser - finds the messages of an mbox, and takes the quoting off them.
 *
 * In:    the file in any chunking; line ends LF or CRLF.
 * Out:   for each message: begin, its octets in pieces, end.
 * Owns:  at most one line that may be a From_ line. No I/O, never blocks.
 *
 * A message begins behind a From_ line (from_line.h). An empty line before the
 * next one, or at the end, is not part of it. A line ">From ", with any number
 * of ">", loses one of them (mboxrd). Content-Length is not looked at.
 */
#ifndef STORE_MBOX_PARSER_H
#define STORE_MBOX_PARSER_H

#include "store/mbox/from_line.h"

/* Offsets are the file's. */
struct mbox_events {
	void (*begin)(void *context, uint64_t from_offset, uint64_t offset,
		struct bytes from_line);
	void (*octets)(void *context, struct bytes octets);
	/* `has_quotes`: what was told is shorter than what is in the file. */
	void (*end)(void *context, uint64_t end_offset, bool has_quotes);
};

struct mbox_parser {
	const struct mbox_events *events;
	void *context;
	uint64_t offset;      /* of the next octet */
	uint64_t line_offset; /* of the line in hand */
	bool is_in_message;
	bool is_part; /* of one message: nothing begins, nothing ends */
	bool has_quotes;
	bool is_no_mbox; /* something stands before the first From_ line */
	uint8_t place;	 /* enum place, in parser.c */
	uint8_t blank;	 /* octets of an empty line that was held back */
	bool is_quoted;	 /* the line in hand begins with ">" */
	size_t held;	 /* in line: what may be a From_ line */
	unsigned char line[FROM_LINE_OCTETS];
};

void mbox_parser_init(struct mbox_parser *parser,
	const struct mbox_events *events, void *context);
/* For the octets of one message, found before, from `offset` on. */
void mbox_parser_init_part(struct mbox_parser *parser,
	const struct mbox_events *events, void *context, uint64_t offset);
void mbox_parser_put(struct mbox_parser *parser, struct bytes chunk);
void mbox_parser_end(struct mbox_parser *parser);

#endif
