/* SPDX-License-Identifier: ISC */
/*
 * delivery - a message on its way into a mailbox. While it is small it is held
 * in memory, for the delivery journal; else it is a file in tmp/. At the end
 * it is in new/ and in the index.
 *
 * Memory: DELIVERY_MESSAGE_OCTETS at most, whatever the message.
 */
#ifndef STORE_MAILDIR_DELIVERY_H
#define STORE_MAILDIR_DELIVERY_H

#include "base/buffer.h"
#include "message/measure.h"
#include "store/maildir/delivery_log.h"
#include "store/maildir/mailbox.h"
#include "store/maildir/names.h"
#include "store/uidl.h"

#define DELIVERY_TMP_PATH_OCTETS (4 + NAME_MAXIMUM_OCTETS + 1)

struct delivery {
	struct mailbox *mailbox;
	struct store_quota quota;
	struct buffer held;
	int descriptor; /* of the file in tmp/, or -1 */
	bool may_hold;
	bool is_finished;
	bool is_arriving; /* counted so in the mailbox */
	uint64_t seconds; /* in its name */
	char base[NAME_MAXIMUM_OCTETS + 1];
	struct measure measure;
	/* when it is finished */
	struct file_name name;
	char uidl[UIDL_OWN_OCTETS + 1];
	enum outcome outcome; /* the first failure */
};

/* may_scan: as in quota_check. Errors  ERR_OVER_QUOTA, ERR_SOFT_QUOTA, ... */
enum outcome delivery_begin(struct delivery *delivery, struct mailbox *mailbox,
	const struct store_quota *quota, bool may_scan);
/* The same in any thread, for a mailbox that took mail before and has no quota:
   nothing is looked at and nothing made before the message is safe. False: it
   takes delivery_begin. */
bool delivery_begin_held(struct delivery *delivery, struct mailbox *mailbox,
	const struct store_quota *quota);
enum outcome delivery_write(struct delivery *delivery, struct bytes chunk);
/* The chunk is only kept in memory: no job is needed for that. */
bool delivery_may_hold(const struct delivery *delivery, struct bytes chunk);
/* Nothing more will be written: its name and its UIDL are known. */
enum outcome delivery_finish(struct delivery *delivery, bool may_scan);
/* The same in any thread, for one that is held and has no quota to ask. False:
   it is not, or something is wrong with it. */
bool delivery_finish_held(struct delivery *delivery);
/* No file of it has been made: the journal may take it. */
bool delivery_is_held(const struct delivery *delivery);
/* The plain way. OK: the message and its directory entry are on disk. Ends the
   delivery. */
enum outcome delivery_commit(
	struct delivery *delivery, char out_uidl[UIDL_MAXIMUM_OCTETS + 1]);
/* Making its file will take no longer than that: no folder and no index is
   missing that has to be made first. */
bool delivery_is_quick(const struct delivery *delivery);
/* It is on disk in the journal: makes the file, without a sync. Ends the
   delivery. */
enum outcome delivery_place(
	struct delivery *delivery, char out_uidl[UIDL_MAXIMUM_OCTETS + 1]);
/* Nothing of it stays. */
void delivery_abort(struct delivery *delivery);

/* ---- for delivery_end.c ---- */

void delivery_tmp_path(
	const struct delivery *delivery, char out[DELIVERY_TMP_PATH_OCTETS]);
/* What was held is in a file in tmp/. */
enum outcome delivery_spill(struct delivery *delivery);

#endif
