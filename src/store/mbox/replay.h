/* SPDX-License-Identifier: ISC */
/* mbox_replay - what a crash left undone in an mbox is carried out. */
#ifndef STORE_MBOX_REPLAY_H
#define STORE_MBOX_REPLAY_H

#include "store/mbox/mailbox.h"

/*
 * The mbox is open and locked. A deletion that began is carried on; of a
 * message that did not arrive whole nothing stays.
 */
enum outcome mbox_replay(struct mbox *mbox);

#endif
