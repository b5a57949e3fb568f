/* SPDX-License-Identifier: ISC */
/*
 * connection_begin - a connection before it speaks: is there room for it, is
 * there room for one more from there, and, where a proxy hands it on, whose it
 * is. For connection.c alone, but for connection_accept.
 */
#ifndef SERVER_CONNECTION_BEGIN_H
#define SERVER_CONNECTION_BEGIN_H

#include "server/connection.h"

/* The socket is readable: goes on with the header of the PROXY protocol. May
   close the connection. */
void connection_take_header(struct connection *connection);
void connection_forget_header(struct connection *connection);

#endif
