/* SPDX-License-Identifier: ISC */
/*
 * audit - with [server] audit, the log has a line for each message that a
 * session retrieved (the session process says so) and for each that was deleted
 * for it (the store, when it is done). Without, nothing of this is made.
 */
#ifndef SERVER_AUDIT_H
#define SERVER_AUDIT_H

#include "message/index_set.h"
#include "message/maildrop.h"
#include "store/store.h"

struct audit;

/* In the store: keeps what is needed to name the messages later. NULL: no
   memory, no descriptor. */
struct audit *audit_new(
	const struct store_snapshot *snapshot, const char *mailbox);
void audit_free(struct audit **audit);
/* id: of the session. `audit` NULL: says that they cannot be named. */
void audit_deleted(const struct audit *audit, const char *id,
	const struct index_set *deleted);

/* In a session process. */
void audit_retrieved(const struct maildrop *maildrop, uint32_t index,
	const char *id, const char *peer, const char *mailbox);

#endif
