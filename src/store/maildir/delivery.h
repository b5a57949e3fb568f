/* SPDX-License-Identifier: ISC */
/*
 * delivery - a message on its way into a mailbox: a file in tmp/ until it is
 * committed, then in new/.
 */
#ifndef STORE_MAILDIR_DELIVERY_H
#define STORE_MAILDIR_DELIVERY_H

#include "message/measure.h"
#include "store/maildir/mailbox.h"
#include "store/maildir/names.h"

struct delivery {
	struct mailbox *mailbox;
	int descriptor; /* of the file in tmp/, or -1 */
	char base[NAME_MAXIMUM_OCTETS + 1];
	struct measure measure;
	enum outcome outcome; /* the first failure */
};

enum outcome delivery_begin(struct delivery *delivery, struct mailbox *mailbox);
enum outcome delivery_write(struct delivery *delivery, struct bytes chunk);
/* OK: the message and its directory entry are on disk. Ends the delivery. */
enum outcome delivery_commit(
	struct delivery *delivery, char out_uidl[UIDL_MAXIMUM_OCTETS + 1]);
/* Nothing of it stays. */
void delivery_abort(struct delivery *delivery);

#endif
