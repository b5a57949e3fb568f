/* SPDX-License-Identifier: ISC */
/*
 * lookup_role - the process that asks what only others know: PAM for passwords,
 * the system for its users, and whether a bearer token is good. It loads libraries of others, which read files and
 * connect to servers, and so it is kept apart: it runs only when something that
 * is configured needs it, holds no account and no mail, and writes no file.
 *
 * A question that takes longer than it may is answered with ERR_TRY_LATER. Its
 * thread cannot be stopped; when all threads of a kind are lost, the process
 * ends, and the parent starts another one.
 */
#ifndef SERVER_LOOKUP_ROLE_H
#define SERVER_LOOKUP_ROLE_H

/* Questions of one kind that wait for a thread; beyond that ERR_TRY_LATER. */
#define LOOKUP_WAITING_MAXIMUM 1024
/* Threads that ask for users of the system. */
#define LOOKUP_USER_THREADS 4

/* Threads that check tokens. */
#define LOOKUP_TOKEN_THREADS 8
/* What introspection said of so many tokens is remembered at most. */
#define LOOKUP_TOKENS_MAXIMUM 4096

/* Runs the role; does not return. */
void lookup_role_run(void);

#endif
