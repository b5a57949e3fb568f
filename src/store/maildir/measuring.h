/* SPDX-License-Identifier: ISC */
/*
 * measuring - reads messages to know what the index says of them, with as many
 * threads as the executor lends.
 */
#ifndef STORE_MAILDIR_MEASURING_H
#define STORE_MAILDIR_MEASURING_H

#include "store/maildir/listing.h"
#include "store/maildir/mailbox.h"
#include "store/uidl.h"

struct arrival {
	uint64_t seconds; /* orders them, before their names */
	uint32_t entry;	  /* of the listing */
	int32_t surrogate_difference;
	uint64_t octets, stored_octets, header_octets;
	unsigned char digest[UIDL_DIGEST_OCTETS];
	struct listing_entry file; /* a copy, at hand when it is written */
	int error; /* 0; -ENOENT: gone, or no file; else why it is left out */
	uint8_t flags;
	bool has_new_uidl;
};

/*
 * Fills in the arrivals, whose `entry` is set.
 * Errors  ERR_TRY_LATER (memory)
 */
enum outcome measuring_run(struct mailbox *mailbox,
	const struct listing *listing, struct arrival *arrivals,
	uint32_t count);

#endif
