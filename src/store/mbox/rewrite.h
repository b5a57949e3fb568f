/* SPDX-License-Identifier: ISC */
/*
 * mbox_rewrite - takes parts out of an mbox file, in place: what stands behind
 * them moves to the front a piece at a time. Cut short at any point it is
 * carried on by mbox_rewrite_resume. Needs no free block when the journal has
 * its own.
 */
#ifndef STORE_MBOX_REWRITE_H
#define STORE_MBOX_REWRITE_H

#include "store/mbox/journal.h"

/*
 * The mbox is locked; `plan` has its parts, the rest is filled in.
 * OK only when it is durable, with the UIDLs of the parts buried. When the plan
 * could not be written nothing of it will be done; after any other failure it
 * will be carried out at the next lock.
 */
enum outcome mbox_rewrite(struct mbox *mbox, struct mbox_plan *plan);
/* Carries on with a plan that was found in `journal`. */
enum outcome mbox_rewrite_resume(
	struct mbox *mbox, int journal, struct mbox_plan *plan);

#endif
