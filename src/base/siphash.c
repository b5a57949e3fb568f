/* SPDX-License-Identifier: ISC */
#include "base/siphash.h"

#include <endian.h>
#include <string.h>

static uint64_t
word(const unsigned char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

static uint64_t
rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static void
rounds(uint64_t v[4], unsigned count)
{
	while (count-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32) + v[3];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void
absorb(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	rounds(v, 2);
	v[0] ^= m;
}

uint64_t
siphash(const unsigned char key[SIPHASH_KEY_OCTETS], struct bytes bytes)
{
	uint64_t k0 = word(key), k1 = word(key + 8);
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
		k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
	uint64_t last = (uint64_t)bytes.octets << 56;
	size_t at = 0;

	for (; bytes.octets - at >= 8; at += 8)
		absorb(v, word(bytes.at + at));
	for (unsigned i = 0; at < bytes.octets; at++, i += 8)
		last |= (uint64_t)bytes.at[at] << i;
	absorb(v, last);
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
