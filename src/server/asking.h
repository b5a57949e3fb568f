/* SPDX-License-Identifier: ISC */
/*
 * asking - in the store role: what the administrator wants to know of a
 * mailbox.
 */
#ifndef SERVER_ASKING_H
#define SERVER_ASKING_H

#include "process/message.h"

/* MESSAGE_STAT of this process of web, which is answered while it lives; false:
   malformed. */
bool asking_on_stat(uint64_t web_instance, struct message *message);

#endif
