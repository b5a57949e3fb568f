/* SPDX-License-Identifier: ISC */
/*
 * mbox_spool - octets on their way: in memory while they are few, then in a
 * file of `state` that has no name any more and so never outlives us.
 */
#ifndef STORE_MBOX_SPOOL_H
#define STORE_MBOX_SPOOL_H

#include "base/buffer.h"
#include "store/state_folder.h"

#define SPOOL_MEMORY_OCTETS 65536

struct mbox_spool {
	const struct state_folder *state;
	struct buffer held; /* the end, not yet in the file */
	int descriptor;	    /* -1: all of it is held */
	uint64_t written;   /* octets of the file */
	uint64_t octets;    /* in all */
};

void mbox_spool_init(
	struct mbox_spool *spool, const struct state_folder *state);
enum outcome mbox_spool_put(struct mbox_spool *spool, struct bytes octets);
/* Calls `each` with all of it, in order, until it returns something else than
   0, which is returned; or a negative errno. */
int mbox_spool_each(struct mbox_spool *spool,
	int (*each)(void *context, struct bytes octets), void *context);
void mbox_spool_release(struct mbox_spool *spool);

#endif
