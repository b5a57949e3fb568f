/* SPDX-License-Identifier: ISC */
/*
 * service - what a service manager and a program (the server's parent, the
 * collector's daemon) tell each other: that it is ready, reloads, stops, is
 * alive; and sockets that are open already.
 *
 * The protocol is sd_notify(3) and sd_listen_fds(3), whose few octets are
 * written here: a library would bring its own parsers into the one process that
 * stays root. Without a service manager every call does nothing.
 */
#ifndef PROCESS_SERVICE_H
#define PROCESS_SERVICE_H

#include "base/bytes.h"

#define SERVICE_SOCKETS_MAXIMUM 64

/* Reads the environment and takes out of it what is meant for this process. */
void service_begin(void);
/*
 * An open, listening socket of that address ("192.0.2.1:995", "[::]:995",
 * "unix:/path"), which then is the caller's; -1: none was passed.
 */
int service_take_socket(struct bytes address);
/* Closes sockets nobody took; how many there were. */
unsigned service_close_rest(void);

/* "READY=1", "STOPPING=1", "STATUS=..."; lines joined by \n. */
__attribute__((format(printf, 1, 2))) void service_notify(
	const char *format, ...);
/* How often "WATCHDOG=1" is due; 0: never. */
uint64_t service_watchdog_ms(void);

#endif
