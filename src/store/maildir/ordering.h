/* SPDX-License-Identifier: ISC */
/*
 * ordering - the order in which messages of a Maildir are numbered: by the time
 * of their arrival, then by their file names, octet by octet.
 *
 * Radix sort over eight octets at a time, which are fetched once: what a
 * million messages cost is memory that is not at hand.
 *
 * Memory: 32 octets a message while it runs.
 */
#ifndef STORE_MAILDIR_ORDERING_H
#define STORE_MAILDIR_ORDERING_H

#include "store/maildir/listing.h"

struct ordered {
	uint64_t seconds; /* lost */
	uint32_t index;	  /* the caller's */
	uint32_t entry;	  /* of the listing: its name */
};

/* Puts `items` in order. No two have the same name. False without memory. */
bool ordering_sort(
	const struct listing *listing, struct ordered *items, uint32_t count);

#endif
