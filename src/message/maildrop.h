/* SPDX-License-Identifier: ISC */
/*
 * maildrop - one user's messages as a session sees them: a snapshot that never
 * changes while it is open. Made by a store, read by the POP3 session.
 *
 * Indexes are 0-based; message numbers on the wire are index + 1.
 * Source: RFC 1939 sections 4, 5 and 7 (UIDL).
 */
#ifndef MESSAGE_MAILDROP_H
#define MESSAGE_MAILDROP_H

#include "base/bytes.h"
#include "base/outcome.h"

/* RFC 1939 section 7: 1 to 70 characters of 0x21 to 0x7E. */
#define UIDL_MAXIMUM_OCTETS 70

enum maildrop_flag {
	MAILDROP_NEEDS_STUFFING = 1, /* a line begins with "." */
	MAILDROP_NEEDS_CRLF = 2,     /* stored with LF line ends, or without a
					last one */
	MAILDROP_HAS_8BIT = 4,
	/* Clients without UTF8 get a surrogate: RFC 6856 section 2.1. */
	MAILDROP_HAS_UTF8_HEADER = 8,
	MAILDROP_HAS_NO_SURROGATE = 16, /* that cannot be made */
};

struct maildrop_message {
	uint64_t octets;	   /* as announced and sent: CRLF counted */
	uint64_t surrogate_octets; /* as sent without UTF8; mostly the same */
	uint64_t stored_octets;	   /* as read from the store */
	uint64_t header_octets;	   /* as stored, with the empty line */
	struct bytes uidl;	   /* borrowed from the maildrop */
	uint32_t flags;		   /* enum maildrop_flag */
};

struct maildrop {
	uint32_t count;
	uint64_t octets; /* sum over all messages */
	/*
	 * What is known of message `index` (< count).
	 * Errors  ERR_BROKEN (record damaged), ERR_TRY_LATER (memory); *out
	 *         untouched then
	 */
	enum outcome (*message)(const struct maildrop *maildrop, uint32_t index,
		struct maildrop_message *out);
};

#endif
