/* SPDX-License-Identifier: ISC */
/*
 * delivery - in the store role: one LMTP transaction on its way to disk, one
 * append for each recipient.
 */
#ifndef SERVER_DELIVERY_H
#define SERVER_DELIVERY_H

#include "server/store_role.h"

/* A recipient that auth vouched for; false when there are too many. */
bool delivery_grant(
	struct store_holder *holder, uint32_t number, const char *mailbox);
/* Messages of the session, each false when malformed. */
bool delivery_on_begin(struct store_holder *holder, struct message *message);
bool delivery_on_data(struct store_holder *holder, struct message *message);
bool delivery_on_commit(struct store_holder *holder, struct message *message);
bool delivery_on_abort(struct store_holder *holder, struct message *message);
/* The holder ends: appends that are open are aborted. No call is under way. */
void delivery_free(struct store_holder *holder);

#endif
