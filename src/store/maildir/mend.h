/* SPDX-License-Identifier: ISC */
/*
 * mend - for the administrator: compares a mailbox's index with its Maildir
 * and makes it anew, takes what is damaged out of the UIDLs' file, removes
 * what deliveries left in tmp/.
 */
#ifndef STORE_MAILDIR_MEND_H
#define STORE_MAILDIR_MEND_H

#include "store/maildir/mailbox.h"

/*
 * Only while no session is open.
 * Errors  ERR_DENIED (no such mailbox), ERR_NO_SPACE, ERR_TRY_LATER (the index
 *         could not be written either), ERR_BROKEN
 */
enum outcome mailbox_mend(
	struct mailbox *mailbox, struct store_mend_call *call);

#endif
