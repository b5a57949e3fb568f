/* SPDX-License-Identifier: ISC */
/*
 * redeliver - makes the messages of a delivery journal's file that a crash or
 * a disk kept from the Maildirs; docs/formats/deliveries.md.
 */
#ifndef STORE_MAILDIR_REDELIVER_H
#define STORE_MAILDIR_REDELIVER_H

#include "store/maildir/delivery_log.h"
#include "store/maildir/mailbox.h"

/* After a start, then forgets them.
   Errors  what kept a message from its place; the records stay then */
enum outcome redeliver(
	struct delivery_log *log, const struct maildir_settings *settings);

/*
 * After a sync that failed: what the files of the messages hold may not be on
 * the disk, whatever later syncs say. Writes those that are still there anew,
 * and syncs each. May run beside everything else.
 */
enum outcome redeliver_rewrite(
	struct delivery_log *log, const struct maildir_settings *settings);

#endif
