/* SPDX-License-Identifier: ISC */
/*
 * quota - whether a mailbox may take one more message. What the index says
 * counts, and what is on its way into it.
 */
#ifndef STORE_MAILDIR_QUOTA_H
#define STORE_MAILDIR_QUOTA_H

#include "store/maildir/mailbox.h"

/*
 * quota     of this mailbox
 * octets    of the message as far as it is known
 * may_scan  no session is open: before it says no, it looks for mail that
 *           others have removed
 * Errors    ERR_SOFT_QUOTA (it would pass the soft limit), ERR_OVER_QUOTA
 */
enum outcome quota_check(struct mailbox *mailbox,
	const struct store_quota *quota, uint64_t octets, bool may_scan);

#endif
