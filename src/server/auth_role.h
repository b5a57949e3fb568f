/* SPDX-License-Identifier: ISC */
/*
 * auth_role - the process that alone reads accounts: it runs the exchanges that
 * sessions forward, checks passwords in a pool of threads, and tells store
 * directly whose maildrop a connection may open.
 */
#ifndef SERVER_AUTH_ROLE_H
#define SERVER_AUTH_ROLE_H

/* Threads that hash, at the least: one for those without a failure. */
#define AUTH_THREADS_LEAST 2
/* Passwords that wait for a thread; beyond that [SYS/TEMP]. Twice as many of
   networks without a failure. */
#define AUTH_QUEUE_MAXIMUM 4096
/* Attempts that wait for what failed before them; beyond that [SYS/TEMP]. */
#define AUTH_WAITING_MAXIMUM 8192
/* Questions to lookup, and LMTP recipients, that wait for an answer. */
#define AUTH_LOOKUPS_MAXIMUM   16384
#define AUTH_RESOLVING_MAXIMUM 8192
/* Where PAM judges, a refusal comes at a multiple of this after the check
   began: how long it took must not tell who knows the name. */
#define AUTH_REFUSAL_STEP_MS 250
/* One too many of a user is looked at so many times again, after 1 ms, 2, 4 and
   so on: sessions are asked who is out, and a busy one answers later. */
#define AUTH_LOGOUT_LOOKS 8
/* Exchanges of one session process. */
#define AUTH_EXCHANGES_MAXIMUM 65536

/* Runs the role; does not return. */
void auth_role_run(void);

#endif
