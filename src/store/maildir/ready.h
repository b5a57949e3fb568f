/* SPDX-License-Identifier: ISC */
/*
 * ready - opens a mailbox for a session or a look, and knows how much has to be
 * looked at for that: nothing, what inotify named, or everything.
 */
#ifndef STORE_MAILDIR_READY_H
#define STORE_MAILDIR_READY_H

#include "store/maildir/index_file.h"

/*
 * Finishes deletions that a crash left, and scans when the index may be out of
 * date. The view is the snapshot.
 *
 * may_make  a missing mailbox is made, else it is ERR_DENIED
 * Errors    ERR_DENIED, ERR_NO_SPACE, ERR_TRY_LATER, ERR_BROKEN
 */
enum outcome mailbox_ready(
	struct mailbox *mailbox, bool may_make, struct index_view **out);

/* Carries out what the deletion journal holds. */
enum outcome mailbox_replay(struct mailbox *mailbox);

#endif
