/* SPDX-License-Identifier: ISC */
/*
 * refresh - brings the index to what lies in the Maildir: mail that others put
 * in is measured once and appended, what they removed gets tombstones, what
 * they renamed keeps its identity.
 */
#ifndef STORE_MAILDIR_REFRESH_H
#define STORE_MAILDIR_REFRESH_H

#include "store/maildir/index_file.h"

/*
 * Opens the mailbox for a session or a look: finishes deletions that a crash
 * left, scans when the index may be out of date. The view is the snapshot.
 *
 * may_make  a missing mailbox is made, else it is ERR_DENIED
 * Errors    ERR_DENIED, ERR_NO_SPACE, ERR_TRY_LATER, ERR_BROKEN
 */
enum outcome mailbox_ready(
	struct mailbox *mailbox, bool may_make, struct index_view **out);

/* Carries out what the deletion journal holds. */
enum outcome mailbox_replay(struct mailbox *mailbox);

#endif
