/* SPDX-License-Identifier: ISC */
/*
 * check - what table tests share: cmocka with what it wants included before,
 * octets with NULs as rows, numbers that are the same in every run.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/bytes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Initialises a struct bytes, also in a static table. */
#define TEXT(literal)                                                          \
	{                                                                      \
		(const unsigned char *)(literal), sizeof(literal) - 1          \
	}
/* The same as a value. */
#define BYTES(literal) bytes_of((literal), sizeof(literal) - 1)

static inline void
show_octets(const char *what, struct bytes bytes)
{
	fprintf(stderr, "%s (%zu): ", what, bytes.octets);
	for (size_t i = 0; i < bytes.octets; i++) {
		unsigned char octet = bytes.at[i];
		bool is_plain = octet > ' ' && octet < 0x7f && octet != '\\';

		fprintf(stderr, is_plain ? "%c" : "\\x%02x", octet);
	}
	fputc('\n', stderr);
}

/* Shows both, and what they were made of, when they differ. */
static inline void
assert_bytes(struct bytes got, struct bytes wanted, struct bytes input)
{
	if (bytes_equal(got, wanted))
		return;
	show_octets("input ", input);
	show_octets("wanted", wanted);
	show_octets("got   ", got);
	fail();
}

/* splitmix64 */
static inline uint64_t
random_next(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static inline uint64_t
random_below(uint64_t *seed, uint64_t limit)
{
	return random_next(seed) % limit;
}

/*
 * How an input is cut into pieces: bit i says that one ends behind octet i. 0
 * is whole, EACH_OCTET one at a time, 1 << i one cut; all numbers below
 * 1 << (n - 1) are every way to cut n octets.
 */
#define EACH_OCTET UINT64_MAX
static inline size_t
piece_octets(struct bytes whole, size_t from, uint64_t cuts)
{
	size_t end = from;

	while (end < whole.octets && !(cuts >> (end % 64) & 1))
		end++;
	return end < whole.octets ? end + 1 - from : end - from;
}

#endif
