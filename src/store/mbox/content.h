/* SPDX-License-Identifier: ISC */
/*
 * mbox_content - what a message of an mbox is known by: SHA-256 over its octets
 * as they are read, without the header fields in which mail programs keep their
 * notes (Status, X-Status, X-Keywords, Content-Length and the like). It is the
 * same when they write a message anew.
 *
 * Owns:  a digest under way. Allocates nothing in proportion to the message.
 */
#ifndef STORE_MBOX_CONTENT_H
#define STORE_MBOX_CONTENT_H

#include <openssl/evp.h>

#include "store/uidl.h"

#define CONTENT_NAME_OCTETS 20 /* of a field name that can be a note's */

struct mbox_content {
	EVP_MD_CTX *digest;
	bool has_failed;
	bool is_body;
	bool is_skipping;   /* the field in hand is a note */
	bool is_line_start; /* with what is held of the line, in `name` */
	uint8_t held;
	unsigned char name[CONTENT_NAME_OCTETS];
};

/* False: no memory. */
bool mbox_content_init(struct mbox_content *content);
void mbox_content_begin(struct mbox_content *content);
void mbox_content_put(struct mbox_content *content, struct bytes octets);
/* The first 128 bits. False: libcrypto failed. */
bool mbox_content_end(
	struct mbox_content *content, unsigned char out[UIDL_DIGEST_OCTETS]);
void mbox_content_release(struct mbox_content *content);

#endif
