/* SPDX-License-Identifier: ISC */
/*
 * redeliver - makes the messages of a delivery journal's file that a crash
 * kept from the Maildirs, then forgets them; docs/formats/deliveries.md.
 */
#ifndef STORE_MAILDIR_REDELIVER_H
#define STORE_MAILDIR_REDELIVER_H

#include "store/maildir/delivery_log.h"
#include "store/maildir/mailbox.h"

/* Errors  what kept a message from its place; the records stay then */
enum outcome redeliver(
	struct delivery_log *log, const struct maildir_settings *settings);

#endif
