/* SPDX-License-Identifier: ISC */
/*
 * delivery - in the store role: one LMTP transaction on its way to disk, one
 * append for each recipient.
 */
#ifndef SERVER_DELIVERY_H
#define SERVER_DELIVERY_H

#include "server/store_role.h"

struct delivery_grant {
	uint32_t number; /* of the recipient */
	char mailbox[STORE_MAILBOX_MAXIMUM_OCTETS];
	uint64_t quota_octets, quota_messages; /* of its own; 0: as of all */
};

/* A recipient that auth vouched for; false when there are too many. */
bool delivery_grant(
	struct store_holder *holder, const struct delivery_grant *grant);
/* Messages of the session, each false when malformed. */
bool delivery_on_begin(struct store_holder *holder, struct message *message);
bool delivery_on_data(struct store_holder *holder, struct message *message);
bool delivery_on_commit(struct store_holder *holder, struct message *message);
bool delivery_on_abort(struct store_holder *holder, struct message *message);
/* The holder ends: appends that are open are aborted. No call is under way. */
void delivery_free(struct store_holder *holder);

#endif
