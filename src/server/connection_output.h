/* SPDX-License-Identifier: ISC */
/*
 * connection_output - what waits in a connection's output, and the file behind
 * it, on their way into the socket; and what the files of a connection share.
 */
#ifndef SERVER_CONNECTION_OUTPUT_H
#define SERVER_CONNECTION_OUTPUT_H

#include "server/connection.h"

enum drained { DRAINED, DRAIN_BLOCKED, DRAIN_TURN_OVER, DRAIN_LOST };

/* Writes until the socket takes no more, all is out, or the turn is over. */
enum drained connection_drain(struct connection *connection);

/* ---- connection.c ---- */

/* Its time begins anew. */
void connection_touch(struct connection *connection);
/* It has no time any more: before what it waits for changes. */
void connection_untouch(struct connection *connection);
/* Asks libuv for these events alone. */
void connection_watch(struct connection *connection, int events);
/* It has not logged in: the first to go when there is no room. */
void connection_is_fresh(struct connection *connection);
/* TLS first where the listener has it, then the protocol. */
void connection_speak(struct connection *connection);

#endif
