/* SPDX-License-Identifier: ISC */
/*
 * mending - in the store role: the administrator has a mailbox's index made
 * anew, and hears how far it is.
 */
#ifndef SERVER_MENDING_H
#define SERVER_MENDING_H

#include "process/message.h"

#include <uv.h>

/* At once; each takes one of the store's threads for its time. */
#define MENDINGS_MAXIMUM 4

/* MESSAGE_MEND of this process of web, which is answered while it lives; false:
   malformed. */
bool mending_on_mend(
	uv_loop_t *loop, uint64_t web_instance, struct message *message);

#endif
