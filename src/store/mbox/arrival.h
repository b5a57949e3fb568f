/* SPDX-License-Identifier: ISC */
/*
 * mbox_arriving - a message on its way into an mbox. Its octets are spooled
 * until all are there; then it is appended under the locks, in a step that
 * after a crash is whole or undone.
 *
 * Memory: SPOOL_MEMORY_OCTETS, whatever the message.
 */
#ifndef STORE_MBOX_ARRIVAL_H
#define STORE_MBOX_ARRIVAL_H

#include "message/measure.h"
#include "store/mbox/content.h"
#include "store/mbox/mailbox.h"
#include "store/mbox/spool.h"
#include "store/mbox/writer.h"

struct mbox_arriving {
	struct mbox mbox;
	struct store_quota quota;
	struct mbox_writer writer;
	struct mbox_spool spool;
	struct mbox_content content;
	struct measure measure; /* as it will be read */
	size_t first_octets; /* the front of it, where the sender may stand */
	unsigned char first[FROM_LINE_SENDER_OCTETS + 16];
	enum outcome outcome; /* the first failure */
};

/* `mbox` is initialised. */
enum outcome mbox_arriving_begin(struct mbox_arriving *arriving);
enum outcome mbox_arriving_write(
	struct mbox_arriving *arriving, struct bytes chunk);
/* OK: it is on disk. *kept is a scan of before, or NULL; as in mbox_look. */
enum outcome mbox_arriving_commit(struct mbox_arriving *arriving,
	struct mbox_scan **kept, char out_uidl[UIDL_MAXIMUM_OCTETS + 1]);
void mbox_arriving_end(struct mbox_arriving *arriving);

#endif
