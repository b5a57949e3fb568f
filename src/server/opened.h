/* SPDX-License-Identifier: ISC */
/*
 * opened - in the store role: a maildrop that a POP3 connection has open, its
 * message files and its deletions.
 */
#ifndef SERVER_OPENED_H
#define SERVER_OPENED_H

#include "server/store_role.h"

/* Opens what auth granted and tells the session. */
void opened_on_grant_open(struct store_client *client, uint64_t connection,
	const char *mailbox, bool is_read_only);
/* Messages of the session, each false when malformed. */
bool opened_on_read(struct store_holder *holder, struct message *message);
bool opened_on_read_piece(struct store_holder *holder, struct message *message);
bool opened_on_delete(struct store_holder *holder, struct message *message);
bool opened_on_retrieved(struct store_holder *holder, struct message *message);
bool opened_on_commit(struct store_holder *holder, struct message *message);

#endif
