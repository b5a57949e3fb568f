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

/*
 * The other way, for a mailbox that was open before. Its session left the index
 * open: while nothing has happened to it and to the Maildir, which a few looks
 * at inodes tell, it is the snapshot of the next one. Waits for no disk.
 */
bool mailbox_is_as_kept(struct mailbox *mailbox);
/* When it is so: the view, which becomes the caller's. */
struct index_view *mailbox_take_kept(struct mailbox *mailbox);
/* After a session; closed when it is of before. Leaves *view NULL. */
void mailbox_keep(struct mailbox *mailbox, struct index_view **view);

/* Carries out what the deletion journal holds. */
enum outcome mailbox_replay(struct mailbox *mailbox);

#endif
