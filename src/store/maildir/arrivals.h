/* SPDX-License-Identifier: ISC */
/*
 * arrivals - messages that a Maildir holds and its index does not: measured,
 * put in order, written.
 *
 * Memory: 104 octets each, 120 while they are put in order.
 */
#ifndef STORE_MAILDIR_ARRIVALS_H
#define STORE_MAILDIR_ARRIVALS_H

#include "store/index_writer.h"
#include "store/maildir/listing.h"
#include "store/maildir/uidls.h"

struct arrival;
struct ordered;

struct arrivals {
	struct arrival *items;
	struct ordered *order; /* as they are written; index: of items */
	uint32_t count;
	uint64_t octets;     /* as announced, of all */
	bool has_unreadable; /* one could not be read and was left out */
	const struct listing *listing;
	struct uidls *uidls;
};

/*
 * Reads every file of `listing` that is not known, in the order of the time in
 * their names (or of their change) and then of the names. A file that vanishes
 * meanwhile is left out; so is one that cannot be read, with a notice. Names
 * that come again get a new UIDL, which waits in `uidls` to be synced.
 * Errors  ERR_TRY_LATER (memory)
 */
enum outcome arrivals_measure(struct arrivals *arrivals,
	struct mailbox *mailbox, const struct listing *listing,
	struct uidls *uidls);
/* Leaves out those with a UIDL that is not on disk. */
void arrivals_withhold(struct arrivals *arrivals);
bool arrivals_write(
	const struct arrivals *arrivals, struct index_writer *writer);
void arrivals_release(struct arrivals *arrivals);

#endif
