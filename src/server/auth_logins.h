/* SPDX-License-Identifier: ISC */
/*
 * auth_logins - who is logged in, over all session processes: counted for each
 * user, shown and ended for the operator. Only the files of auth include it.
 *
 * A login is entered when auth grants it, and goes when its session says that
 * it is over, which it does within LOGINS_TOLD_WITHIN_MS, or dies. What a session says of logins that this auth did not
 * grant (it was started again meanwhile) is shown and can be ended, but counts
 * against nobody.
 */
#ifndef SERVER_AUTH_LOGINS_H
#define SERVER_AUTH_LOGINS_H

#include "server/auth_state.h"

/* At the start of the role; false: no randomness. */
bool auth_logins_init(void);
/* The exchange has the right password. ERR_BUSY: the user has as many as the
   policy allows; ERR_TRY_LATER. */
enum outcome auth_logins_add(const struct auth_exchange *exchange);
/* Sessions tell now who is out, not within LOGINS_TOLD_WITHIN_MS. */
void auth_logins_ask(void);
/* Logs that it was one too many. */
void auth_logins_tell_full(const struct auth_exchange *exchange);
/* Nothing happens when there is none. */
void auth_logins_remove(struct auth_client *client, uint64_t connection);
/* All of a session process. */
void auth_logins_forget(struct auth_client *client);

/* From a session; false: malformed. */
bool auth_on_logged_in(struct auth_client *client, struct message *message);
bool auth_on_logged_out(struct auth_client *client, struct message *message);

/* Puts those behind serial `after` into the answer, as WHO_TOLD has them. */
void auth_logins_put(struct message *message, uint64_t after);
/* Ends those of a user, of "user%device", or one by its id; how many. */
unsigned auth_logins_kick(const char *what);

#endif
