/* SPDX-License-Identifier: ISC */
#include "programs/restantectl/command.h"
#include "net/address.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

/* The server answers at once or is not well. */
#define CONTROL_SECONDS		     60
#define CONTROL_REPLY_MAXIMUM_OCTETS (16u << 20)

/* Through a descriptor: the path of state may be longer than a socket's. */
int
connect_control(const struct server_settings *settings, const char *name)
{
	const struct timeval patience = {.tv_sec = CONTROL_SECONDS};
	struct address address = {.octets = sizeof(address.un)};
	char path[PATH_MAX];
	int directory, fd, error;

	snprintf(path, sizeof(path), "%s/control", settings->state);
	directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -1;
	address.un.sun_family = AF_UNIX;
	snprintf(address.un.sun_path, sizeof(address.un.sun_path),
		"/proc/self/fd/%d/%s", directory, name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, &address.any, address.octets) < 0) {
		error = errno;
		close(fd);
		fd = -1;
		errno = error;
	}
	error = errno;
	close(directory);
	errno = error;
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			sizeof(patience));
	return fd;
}

static char *
read_line(int fd)
{
	struct buffer reply;
	char *line = NULL;
	ssize_t got = 1;

	buffer_init(&reply, CONTROL_REPLY_MAXIMUM_OCTETS);
	while (got > 0) {
		unsigned char *to = buffer_reserve(&reply, 4096);

		got = to ? read(fd, to, 4096) : -1;
		if (got > 0)
			buffer_grow(&reply, (size_t)got);
		/* It is one line, and the last octet is its end. */
		if (got > 0 && to[got - 1] == '\n')
			break;
	}
	if (got > 0 && buffer_append(&reply, "", 1))
		line = strdup((const char *)buffer_bytes(&reply).at);
	buffer_release(&reply);
	return line;
}

char *
ask_control(int fd, const char *line)
{
	size_t octets = strlen(line);

	if (send(fd, line, octets, MSG_NOSIGNAL) != (ssize_t)octets ||
		send(fd, "\n", 1, MSG_NOSIGNAL) != 1)
		return NULL;
	return read_line(fd);
}

int
ask_control_once(
	const struct arguments *arguments, const char *line, char **out_reply)
{
	int fd = connect_control(&arguments->settings, "control.sock");

	*out_reply = NULL;
	if (fd < 0)
		return complain(errno == EACCES ? EX_NOPERM : EX_UNAVAILABLE,
			"no server answers on %s/control/control.sock: %s",
			arguments->settings.state, strerror(errno));
	*out_reply = ask_control(fd, line);
	close(fd);
	return *out_reply
		       ? EX_OK
		       : complain(EX_UNAVAILABLE, "the server does not answer");
}
