/* SPDX-License-Identifier: ISC */
/*
 * session_trace - what is said on the connections of users whom the operator
 * wants to watch, line by line in the log, without secrets and without mail.
 *
 * While anybody is traced, each POP3 connection keeps what was said on it before
 * it is known whose it is, and forgets it when it is another's.
 *
 * Size: TRACE_OCTETS_MAXIMUM for a user in this process, then the trace ends;
 *       TRACE_HELD_MAXIMUM for a connection that is nobody's yet.
 */
#ifndef SERVER_SESSION_TRACE_H
#define SERVER_SESSION_TRACE_H

#include "server/pop3_connection.h"

#define TRACE_OCTETS_MAXIMUM (1u << 20)
#define TRACE_HELD_MAXIMUM   4096

/* MESSAGE_TRACE of auth; false: malformed. */
bool session_trace_take(struct message *message);
/* Ends those whose time is over. */
void session_trace_tick(uint64_t now_ms);
/* A connection begins. */
void session_trace_begin(struct pop3_connection *p);
/* Somebody has logged in, or was refused. */
void session_trace_known(struct pop3_connection *p, const char *user);
/* It ends; may come twice. */
void session_trace_end(struct pop3_connection *p);

#endif
