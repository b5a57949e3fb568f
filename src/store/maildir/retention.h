/* SPDX-License-Identifier: ISC */
/*
 * retention - removing what a mailbox kept long enough.
 */
#ifndef STORE_MAILDIR_RETENTION_H
#define STORE_MAILDIR_RETENTION_H

#include "store/maildir/session.h"

enum outcome retention_note(
	struct session *session, const struct index_set *retrieved);
/* Without a look at the messages. */
bool retention_is_nothing_due(struct mailbox *mailbox, uint64_t kept_seconds);
/* No session may have the mailbox open. */
enum outcome retention_expire(
	struct mailbox *mailbox, struct store_expire_call *call);

#endif
