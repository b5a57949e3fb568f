/* SPDX-License-Identifier: ISC */
#include "process/service.h"
#include "net/address.h"
#include "net/listener.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_FD	     3 /* sd_listen_fds(3) */
#define STATE_MAXIMUM_OCTETS 512

static struct {
	int notify_fd; /* connected; 0: none */
	int sockets[SERVICE_SOCKETS_MAXIMUM];
	unsigned socket_count;
	uint64_t watchdog_ms;
} service;

/* A number of the environment, which is then taken out of it. */
static uint64_t
take_number(const char *name)
{
	const char *text = getenv(name);
	uint64_t number = 0;

	if (text)
		bytes_to_number(bytes_of_string(text), UINT64_MAX, &number);
	unsetenv(name);
	return number;
}

/* ---- sockets ---- */

/* Away from the low numbers, which roles are given theirs at. */
static void
take_sockets(void)
{
	bool are_ours = take_number("LISTEN_PID") == (uint64_t)getpid();
	uint64_t count = take_number("LISTEN_FDS");

	unsetenv("LISTEN_FDNAMES");
	if (!are_ours)
		return;
	for (uint64_t i = 0; i < count && i < SERVICE_SOCKETS_MAXIMUM; i++) {
		int given = FIRST_FD + (int)i;
		int fd = fcntl(given, F_DUPFD_CLOEXEC, FIRST_FD + (int)count);

		if (fd < 0)
			continue;
		close(given);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		service.sockets[service.socket_count++] = fd;
	}
}

static bool
is_bound_to(int fd, struct bytes address)
{
	struct address bound = {.octets = sizeof(bound.storage)};
	char text[ADDRESS_TEXT_SIZE], wanted[ADDRESS_TEXT_SIZE];
	struct address parsed;

	if (getsockname(fd, &bound.any, &bound.octets) < 0)
		return false;
	if (bound.any.sa_family == AF_UNIX)
		return bytes_equal(
			bytes_of_string(address_text(&bound, text)), address);
	return address_parse(address, &parsed) &&
	       strcmp(address_text(&bound, text),
		       address_text(&parsed, wanted)) == 0;
}

int
service_take_socket(struct bytes address)
{
	for (unsigned i = 0; i < service.socket_count; i++) {
		int fd = service.sockets[i];

		if (!is_bound_to(fd, address))
			continue;
		listener_set_prompt(fd);
		service.sockets[i] = service.sockets[--service.socket_count];
		return fd;
	}
	return -1;
}

unsigned
service_close_rest(void)
{
	unsigned count = service.socket_count;

	while (service.socket_count > 0)
		close(service.sockets[--service.socket_count]);
	return count;
}

/* ---- telling ---- */

static void
connect_notify(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t octets = strlen(path);
	socklen_t size =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + octets);

	if (octets < 2 || octets >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, octets);
	if (path[0] == '@')
		to.sun_path[0] = '\0'; /* an abstract address */
	service.notify_fd =
		socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (service.notify_fd > 0 &&
		connect(service.notify_fd, (struct sockaddr *)&to, size) == 0)
		return;
	close(service.notify_fd);
	service.notify_fd = 0;
}

void
service_begin(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	uint64_t watched_pid;

	take_sockets();
	if (path)
		connect_notify(path);
	unsetenv("NOTIFY_SOCKET");
	watched_pid = take_number("WATCHDOG_PID");
	service.watchdog_ms = take_number("WATCHDOG_USEC") / 2000;
	if (watched_pid != 0 && watched_pid != (uint64_t)getpid())
		service.watchdog_ms = 0;
}

void
service_notify(const char *format, ...)
{
	char text[STATE_MAXIMUM_OCTETS];
	va_list arguments;

	if (service.notify_fd <= 0)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	/* Nobody to tell a failure to: the manager is who would want it. */
	(void)!send(service.notify_fd, text, strlen(text), MSG_NOSIGNAL);
}

uint64_t
service_watchdog_ms(void)
{
	return service.notify_fd > 0 ? service.watchdog_ms : 0;
}
