/* SPDX-License-Identifier: ISC */
#include "base/syslog_socket.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 2304 /* a log line of 2,048 octets and its head */

int
syslog_socket_open(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd, error;

	if (snprintf(to.sun_path, sizeof(to.sun_path), "%s", path) >=
		(int)sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		error = errno;
		close(fd);
		errno = error;
		fd = -1;
	}
	return fd;
}

bool
syslog_socket_send(int fd, int priority, const char *tag, const char *line)
{
	time_t now = (time_t)clock_wall_seconds();
	char text[LINE_SIZE], when[32] = "";
	struct tm local;
	int octets;

	/* Reads the time zone's file at its first use alone. */
	if (localtime_r(&now, &local))
		strftime(when, sizeof(when), "%b %e %H:%M:%S ", &local);
	octets = snprintf(
		text, sizeof(text), "<%d>%s%s: %s", priority, when, tag, line);
	if (octets >= (int)sizeof(text))
		octets = (int)sizeof(text) - 1;
	return send(fd, text, (size_t)octets, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       octets;
}
