/* SPDX-License-Identifier: ISC */
/*
 * demo - restanted --demo DIR: a post office of one's own, without root and
 * without configuration. Everything is in DIR and is used again at the next
 * start.
 */
#ifndef PROGRAMS_RESTANTED_DEMO_H
#define PROGRAMS_RESTANTED_DEMO_H

#include "config/server_settings.h"

#define DEMO_PORT_BASE 1000

/*
 * Makes DIR and DIR/restante.conf when missing, the latter with ports from
 * `port_base` on (is_named_base: somebody asked for them). *out_config is its
 * path, for the life of the process. Returns an exit code, having said why.
 */
int demo_prepare(const char *directory, unsigned port_base, bool is_named_base,
	const char **out_config);
/* Users and their first mail, when there are none. Returns an exit code. */
int demo_fill(const struct server_settings *settings);
/* How to connect. */
void demo_print(const struct server_settings *settings);

/* The first mail; CRLF line ends. */
struct demo_mail {
	const char *user;
	const char *text;
};
extern const struct demo_mail demo_mails[];
extern const unsigned demo_mail_count;

#endif
