/* SPDX-License-Identifier: ISC */
/*
 * from_line - the line before each message of an mbox. Pure.
 * Source: RFC 4155 appendix A; docs/formats/mbox.md.
 */
#ifndef STORE_MBOX_FROM_LINE_H
#define STORE_MBOX_FROM_LINE_H

#include "base/bytes.h"

/* A longer line is none. */
#define FROM_LINE_OCTETS 512
/* Of the sender that we write. */
#define FROM_LINE_SENDER_OCTETS 256

/*
 * Whether `line`, without its line end, is one: "From ", then somewhere a date
 * as asctime(3) writes it, "Thu Nov 19 08:30". A line of prose is none.
 */
bool from_line_is(struct bytes line);
/* When it says that the message came, taken as UTC; 0 when that is no date. */
uint64_t from_line_seconds(struct bytes line);
/* With its line end; octets written. An unusable sender is MAILER-DAEMON. */
size_t from_line_write(
	char out[FROM_LINE_OCTETS], struct bytes sender, uint64_t seconds);

#endif
