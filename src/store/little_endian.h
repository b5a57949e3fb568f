/* SPDX-License-Identifier: ISC */
/* little_endian - numbers of 1 to 8 octets in files. Any alignment. */
#ifndef STORE_LITTLE_ENDIAN_H
#define STORE_LITTLE_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void
little_put(unsigned char *to, unsigned octets, uint64_t value)
{
	value = htole64(value);
	memcpy(to, &value, octets);
}

static inline uint64_t
little_get(const unsigned char *from, unsigned octets)
{
	uint64_t value = 0;

	memcpy(&value, from, octets);
	return le64toh(value);
}

#endif
