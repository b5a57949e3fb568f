/* SPDX-License-Identifier: ISC */
/*
 * mbox_writer - turns a message into the octets it has in an mbox: CRLF becomes
 * LF, a line "From " with any number of ">" before it gets one more (mboxrd).
 *
 * In:    message octets in any chunking.
 * Out:   the octets in pieces; what is sent of them later, with each LF as
 *        CRLF, is what would be sent of the message itself. CR CR LF stays, for
 *        that reason. The last line ends with LF.
 * Owns:  nothing. No I/O, never blocks.
 */
#ifndef STORE_MBOX_WRITER_H
#define STORE_MBOX_WRITER_H

#include "base/bytes.h"

struct mbox_writer {
	/* `is_quote`: a ">" that was put in. */
	void (*put)(void *context, struct bytes octets, bool is_quote);
	void *context;
	bool is_line_start; /* with ">" and some of "From " perhaps */
	bool is_line_empty; /* nothing was put of the line */
	uint8_t matched;    /* octets of "From " that are held */
	bool has_cr;	    /* one is held */
	bool is_after_cr; /* what was put last, or stands before the held CR */
};

void mbox_writer_init(struct mbox_writer *writer,
	void (*put)(void *context, struct bytes octets, bool is_quote),
	void *context);
void mbox_writer_put(struct mbox_writer *writer, struct bytes chunk);
void mbox_writer_end(struct mbox_writer *writer);

#endif
