/* SPDX-License-Identifier: ISC */
/* mbox_look - what is in a locked mbox, and deleting some of it. */
#ifndef STORE_MBOX_LOOK_H
#define STORE_MBOX_LOOK_H

#include "message/index_set.h"
#include "store/mbox/mailbox.h"

/*
 * *scan is one of before or NULL; when the file is not as it was then, it is
 * freed and another takes its place, with numbers.
 */
enum outcome mbox_look(struct mbox *mbox, struct mbox_scan **scan);
/* `scan` is what mbox_look gave under this lock. OK only when it is durable. */
enum outcome mbox_delete(struct mbox *mbox, const struct mbox_scan *scan,
	const struct index_set *deleted);
/* Blocks for deleting all messages on a full disk; without, nothing is lost
   but that. */
void mbox_prepare_deletion(struct mbox *mbox, const struct mbox_scan *scan);

#endif
