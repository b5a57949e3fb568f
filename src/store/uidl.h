/* SPDX-License-Identifier: ISC */
/*
 * uidl - the 26 characters a UIDL of our own has, and the digest it is made of.
 * Alphabet: digits and lower-case letters without i, l, o, u; 5 bits each, the
 * highest first; 128 bits and two of zero.
 */
#ifndef STORE_UIDL_H
#define STORE_UIDL_H

#include "base/bytes.h"

#define UIDL_OWN_OCTETS	   26
#define UIDL_DIGEST_OCTETS 16

/* The first 128 bits of SHA-256. False when libcrypto fails (memory). */
bool uidl_digest(struct bytes base_name, unsigned char out[UIDL_DIGEST_OCTETS]);
/* The same for many, by one thread: half the time. NULL without memory. */
struct uidl_digester;
struct uidl_digester *uidl_digester_new(void);
bool uidl_digester_take(struct uidl_digester *digester, struct bytes base_name,
	unsigned char out[UIDL_DIGEST_OCTETS]);
void uidl_digester_free(struct uidl_digester **digester);
/* 26 characters and a NUL. */
void uidl_print(const unsigned char digest[UIDL_DIGEST_OCTETS],
	char out[UIDL_OWN_OCTETS + 1]);
bool uidl_has_own_alphabet(struct bytes text);

#endif
