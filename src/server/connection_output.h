/* SPDX-License-Identifier: ISC */
/*
 * connection_output - what waits in a connection's output, and the file behind
 * it, on their way into the socket. For connection.c alone.
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

#endif
