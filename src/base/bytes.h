/* SPDX-License-Identifier: ISC */
/*
 * bytes - a borrowed run of octets: a pointer and a length, never owned.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const unsigned char *at;
	size_t octets;
};

#define BYTES_NONE ((struct bytes){NULL, 0})

static inline struct bytes
bytes_of(const void *at, size_t octets)
{
	return (struct bytes){(const unsigned char *)at, octets};
}

/* The octets of a NUL-terminated string, without the NUL. */
struct bytes bytes_of_string(const char *string);

bool bytes_equal(struct bytes a, struct bytes b);

/* ASCII case folding only, whatever the locale. */
bool bytes_equal_ignoring_case(struct bytes a, struct bytes b);

bool bytes_has(struct bytes bytes, unsigned char octet);

/* Drops the first `octets` (at most all). */
static inline struct bytes
bytes_after(struct bytes bytes, size_t octets)
{
	if (octets > bytes.octets)
		octets = bytes.octets;
	if (octets > 0)
		bytes.at += octets;
	bytes.octets -= octets;
	return bytes;
}

/*
 * Cuts the word before the next `separator` off *rest, which then starts
 * behind the separator; without one the whole of *rest is the word.
 */
struct bytes bytes_cut(struct bytes *rest, unsigned char separator);

/* Drops spaces and tabs at both ends. */
struct bytes bytes_trim(struct bytes bytes);

/*
 * Strict decimal: 1 or more digits and nothing else, no sign, no leading zero
 * but "0" itself, at most `maximum`. False leaves *out untouched.
 */
bool bytes_to_number(struct bytes bytes, uint64_t maximum, uint64_t *out);

/* Writes the decimal digits of `number`; returns their count, at most
   BYTES_NUMBER_OCTETS. */
#define BYTES_NUMBER_OCTETS 20
size_t bytes_put_number(void *to, uint64_t number);

/*
 * Copies as a NUL-terminated string. False, and nothing written, when it holds
 * a NUL or does not fit `size` octets with its NUL.
 */
bool bytes_to_string(struct bytes bytes, char *out, size_t size);

#endif
