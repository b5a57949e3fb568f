/* SPDX-License-Identifier: ISC */
/*
 * pop3_dovecot - lines of the log in the words of Dovecot 2.3, which fail2ban,
 * logwatch and many scripts read.
 */
#ifndef SERVER_POP3_DOVECOT_H
#define SERVER_POP3_DOVECOT_H

#include "server/pop3_connection.h"

void pop3_dovecot_login(const struct pop3_connection *p);
void pop3_dovecot_end(
	const struct pop3_connection *p, const struct pop3_summary *sum);

#endif
