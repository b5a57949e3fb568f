/* SPDX-License-Identifier: ISC */
/*
 * expiry - in the store role: mail that its owner's policy keeps no longer
 * goes when the owner logs in, and when auth says that it is time to look.
 */
#ifndef SERVER_EXPIRY_H
#define SERVER_EXPIRY_H

#include "process/message.h"
#include "store/store.h"

/*
 * Removes what is due; `call` lives until its `done`, which comes in any case,
 * perhaps at once.
 */
void expiry_run(struct store_expire_call *call);
/* What came of it, for the log. */
void expiry_log(const struct store_expire_call *call);
/* MESSAGE_SWEEP of auth; false: malformed. */
bool expiry_on_sweep(struct message *message);

#endif
