/* SPDX-License-Identifier: ISC */
/* little_endian - numbers in files. Any alignment. */
#ifndef STORE_LITTLE_ENDIAN_H
#define STORE_LITTLE_ENDIAN_H

#include <stdint.h>

static inline void
little_put(unsigned char *to, unsigned octets, uint64_t value)
{
	for (unsigned i = 0; i < octets; i++)
		to[i] = (unsigned char)(value >> (8 * i));
}

static inline uint64_t
little_get(const unsigned char *from, unsigned octets)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < octets; i++)
		value |= (uint64_t)from[i] << (8 * i);
	return value;
}

#endif
