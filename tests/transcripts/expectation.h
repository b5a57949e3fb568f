/* SPDX-License-Identifier: ISC */
/*
 * expectation - compares what a client got with the S entries of a transcript,
 * octet by octet; "*" in an S line stands for any octets of that line.
 */
#ifndef TESTS_EXPECTATION_H
#define TESTS_EXPECTATION_H

#include "transcript.h"

/* Where the two part ways. */
struct mismatch {
	const struct entry *entry; /* NULL: nothing more was expected */
	struct bytes got;	   /* from there to the end of the line */
};

/*
 * True when `got` is what the entries first to first + count - 1 say, other
 * kinds of entries skipped, and nothing beyond.
 */
bool expectation_is_met(const struct entry *first, unsigned count,
	struct bytes got, struct mismatch *out);

#endif
