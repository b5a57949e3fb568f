/* SPDX-License-Identifier: ISC */
/*
 * parent - starts the roles, joins them by channels, starts the dead ones anew,
 * reloads settings and certificates on SIGHUP, stops all on SIGTERM or SIGINT. Stays root
 * when started as root and therefore reads nothing that a peer chose.
 */
#ifndef SERVER_PARENT_H
#define SERVER_PARENT_H

#include "config/server_settings.h"

#define PARENT_SESSIONS_MAXIMUM 64
/* Sessions get this long to end what they are sending. */
#define PARENT_STOP_SECONDS 20
/* Roles get this long to say that settings of a reload are in force. */
#define PARENT_SETTLE_SECONDS 10
/* A role that dies at once is started again after 0.1 s, doubled to this. */
#define PARENT_BACKOFF_MAXIMUM_MS 10000
/* A role that ran this long begins anew with the shortest delay. */
#define PARENT_BACKOFF_FORGET_MS 10000

/*
 * settings  borrowed; checked; a reload changes them
 * load      reads them anew, and checks them with what they name but the
 *           certificates; error is one line for people
 * on_ready  called once when every role runs; may be NULL
 * Returns an exit code of sysexits(3).
 */
int parent_run(struct server_settings *settings,
	enum outcome (*load)(struct server_settings *out, char *error),
	void (*on_ready)(const struct server_settings *settings));

#endif
