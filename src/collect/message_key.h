/* SPDX-License-Identifier: ISC */
/*
 * message_key - what tells an account's messages apart: the UIDL, and the place
 * among those of the same UIDL in one listing (servers are known that list one
 * twice). A UIDL is a server's text and trusted for nothing but equality.
 */
#ifndef COLLECT_MESSAGE_KEY_H
#define COLLECT_MESSAGE_KEY_H

#include "base/bytes.h"

/* RFC 1939 section 7 allows 70; servers have sent more. */
#define MESSAGE_KEY_UIDL_MAXIMUM_OCTETS 1024

struct message_key {
	struct bytes uidl; /* without octets: the server told none */
	uint32_t ordinal;  /* 0 for the first */
};

#endif
