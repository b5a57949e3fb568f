/* SPDX-License-Identifier: ISC */
/*
 * web_role - the process for the operator: it answers restantectl on the
 * control socket. It reads the other roles' counters and holds no mail, no
 * account and no key.
 *
 * Control protocol: a line in, a line of JSON out, but for those below; many on one connection.
 *	status
 *	mailbox NAME
 *	repair NAME	(before the answer lines that say how far it is)
 *	rebuild NAME	(the same)
 *	forgive ADDRESS-OR-ACCOUNT
 */
#ifndef SERVER_WEB_ROLE_H
#define SERVER_WEB_ROLE_H

#define WEB_CONTROL_CONNECTIONS_MAXIMUM 64
#define WEB_LINE_MAXIMUM_OCTETS		1024

/* Runs the role; does not return. */
void web_role_run(void);

#endif
