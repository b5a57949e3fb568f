/* SPDX-License-Identifier: ISC */
/*
 * auth_role - the process that alone reads accounts: it runs the exchanges that
 * sessions forward, checks passwords in a pool of threads, and tells store
 * directly whose maildrop a connection may open.
 */
#ifndef SERVER_AUTH_ROLE_H
#define SERVER_AUTH_ROLE_H

/* Threads that hash: no more, or hashing takes the whole machine. */
#define AUTH_THREADS "2"
/* Password checks under way and waiting; beyond that [SYS/TEMP]. */
#define AUTH_CHECKS_MAXIMUM 4096
/* Exchanges of one session process. */
#define AUTH_EXCHANGES_MAXIMUM 65536

/* Runs the role; does not return. */
void auth_role_run(void);

#endif
