/* SPDX-License-Identifier: ISC */
/*
 * reference - dot coding written a second time, whole messages at once and
 * octet by octet, so that the fast and resumable one has something to equal.
 */
#ifndef TESTS_WIRE_REFERENCE_H
#define TESTS_WIRE_REFERENCE_H

#include "../check.h"

#define REFERENCE_MAXIMUM_OCTETS 512

struct octets {
	unsigned char at[REFERENCE_MAXIMUM_OCTETS];
	size_t count;
};

struct bytes octets_bytes(const struct octets *octets);
void octets_put(struct octets *octets, unsigned char octet);
void octets_put_string(struct octets *octets, const char *string);

/* Every LF with its CR, the last line with its end. */
void reference_canonical(struct bytes message, struct octets *out);
/* The lines of a canonical message stuffed, with the end line. */
void reference_encode(struct bytes canonical, struct octets *out);

struct reference_decoded {
	struct octets message;
	bool is_ended;
	size_t taken; /* octets of the wire, with the end line */
	uint64_t bare_lf, bare_cr, nul;
};

/* The end is searched in the whole, and only then are the dots undone. */
void reference_decode(
	struct bytes wire, bool adds_cr, struct reference_decoded *out);

/*
 * The index-th string over {'.', CR, LF, 'a', NUL}: all of length 0, 1, 2...
 * in order, so that a loop up to EVERY_STRING_TO_6 meets every one of at most
 * six octets.
 */
#define EVERY_STRING_TO_6 19531
void string_by_index(uint64_t index, struct octets *out);
/* Of at most `most` octets, over the same alphabet. */
void random_string(uint64_t *seed, size_t most, struct octets *out);

#endif
