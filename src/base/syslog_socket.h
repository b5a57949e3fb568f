/* SPDX-License-Identifier: ISC */
/*
 * syslog_socket - lines to the system's log without syslog(3), which opens a
 * new socket whenever the old one breaks: a process in a sandbox must not.
 *
 * Source: RFC 3164 section 4, as local sockets speak it: no host name.
 */
#ifndef BASE_SYSLOG_SOCKET_H
#define BASE_SYSLOG_SOCKET_H

#include <stdbool.h>

#define SYSLOG_PATH "/dev/log"

/* -1 with errno. */
int syslog_socket_open(const char *path);
/*
 * Never blocks. `priority` with its facility, as LOG_MAIL | LOG_INFO; `tag` as
 * "restante[4711]". False:
 * the line is lost.
 */
bool syslog_socket_send(
	int fd, int priority, const char *tag, const char *line);

#endif
