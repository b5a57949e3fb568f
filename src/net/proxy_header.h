/* SPDX-License-Identifier: ISC */
/*
 * proxy_header - what a proxy says in front of a connection it hands on: whose
 * it is. Octets in, an address out; no I/O. Takes not one octet behind the
 * header, which is the client's.
 *
 * Taken: version 1 and 2; TCP4, TCP6, UNKNOWN; LOCAL. What else a proxy may add
 * (TLVs) is skipped, but for the checksum, which must be right.
 * Source: "The PROXY protocol", Willy Tarreau, HAProxy, 2020.
 */
#ifndef NET_PROXY_HEADER_H
#define NET_PROXY_HEADER_H

#include "base/buffer.h"
#include "net/address.h"

/* Of version 1, with its CRLF. */
#define PROXY_LINE_MAXIMUM_OCTETS 107
/* Of version 2: room for what clouds put into TLVs. */
#define PROXY_HEADER_MAXIMUM_OCTETS 2048

enum proxy_result {
	PROXY_MORE,   /* all of *in was taken; it goes on */
	PROXY_DONE,   /* what is left of *in is the client's */
	PROXY_FAILED, /* proxy_header.error says why */
};

struct proxy_header {
	struct buffer held;
	/* octets 0: the proxy speaks for itself, or does not know. */
	struct address client;
	const char *error;
};

void proxy_header_init(struct proxy_header *header);
void proxy_header_release(struct proxy_header *header);

/* Advances *in. Not to be called again after another result than PROXY_MORE. */
enum proxy_result proxy_header_take(
	struct proxy_header *header, struct bytes *in);

#endif
