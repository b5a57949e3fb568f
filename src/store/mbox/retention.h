/* SPDX-License-Identifier: ISC */
/* mbox_retention - removing what an mbox kept long enough. */
#ifndef STORE_MBOX_RETENTION_H
#define STORE_MBOX_RETENTION_H

#include "store/mbox/session.h"

enum outcome mbox_retention_note(
	struct mbox_session *session, const struct index_set *retrieved);
/*
 * No session may have the mailbox open. *kept as in mbox_look. *out_next_ns:
 * nothing falls due before.
 */
enum outcome mbox_retention_expire(struct mbox *mbox, struct mbox_scan **kept,
	struct store_expire_call *call, uint64_t *out_next_ns);

#endif
