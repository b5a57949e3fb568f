/* SPDX-License-Identifier: ISC */
/*
 * session_vanished - finds connections that have something to send to a machine
 * that is not there any more. Of those that have nothing TCP finds out by
 * itself (net/vanished.h).
 */
#ifndef SERVER_SESSION_VANISHED_H
#define SERVER_SESSION_VANISHED_H

#include "server/session_role.h"

/* Closes them; looks every few seconds, however often it is called. */
void session_drop_vanished(struct session_role *role, uint64_t now_ms);

#endif
