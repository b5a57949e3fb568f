/* SPDX-License-Identifier: ISC */
/*
 * siphash - SipHash-2-4: a keyed 64-bit hash for tables whose keys an attacker
 * chooses. Who does not know the key cannot make two meet.
 *
 * Source: Aumasson and Bernstein, SipHash: a fast short-input PRF, 2012.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/bytes.h"

#define SIPHASH_KEY_OCTETS 16

uint64_t siphash(
	const unsigned char key[SIPHASH_KEY_OCTETS], struct bytes bytes);

#endif
