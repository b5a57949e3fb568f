/* SPDX-License-Identifier: ISC */
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIX_SOCKET_MODE 0660

static enum outcome
complain(struct bytes address, int error, char *text, size_t size)
{
	const char *hint = "";

	if (error == EACCES)
		hint = " (ports below 1024 need root or CAP_NET_BIND_SERVICE)";
	else if (error == EADDRINUSE)
		hint = " (another program listens there)";
	else if (error == EEXIST)
		hint = " (and is no socket: move it away)";
	else if (error == EADDRNOTAVAIL)
		hint = " (this machine has no such address)";
	snprintf(text, size, "cannot listen on %.*s: %s%s", (int)address.octets,
		(const char *)address.at, strerror(error), hint);
	return outcome_of_errno(error) == ERR_NO_SPACE ? ERR_NO_SPACE
						       : ERR_TRY_LATER;
}

void
listener_set_prompt(int fd)
{
	int yes = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

static int
bind_tcp(int fd, const struct address *address, bool reuses_port)
{
	int yes = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	listener_set_prompt(fd);
	if (reuses_port &&
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) < 0)
		return -1;
	if (address->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
	return bind(fd, &address->any, address->octets);
}

static int
listen_tcp(const struct address *address, bool reuses_port)
{
	int fd = socket(address->any.sa_family,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && bind_tcp(fd, address, reuses_port) == 0 &&
		listen(fd, LISTENER_BACKLOG) == 0)
		return fd;
	if (fd >= 0) {
		int error = errno;

		close(fd);
		errno = error;
	}
	return -1;
}

/* ---- unix sockets ---- */

/*
 * Through a descriptor of the directory, so that the length of its path does
 * not matter.
 */
static bool
address_in(int directory, const char *name, struct address *out)
{
	int octets;

	*out = (struct address){.octets = sizeof(out->un)};
	out->un.sun_family = AF_UNIX;
	octets = snprintf(out->un.sun_path, sizeof(out->un.sun_path),
		"/proc/self/fd/%d/%s", directory, name);
	if (octets < (int)sizeof(out->un.sun_path))
		return true;
	errno = ENAMETOOLONG;
	return false;
}

/* To connect to a file of another kind is refused as well. */
static bool
is_socket(int directory, const char *name)
{
	struct stat file;

	return fstatat(directory, name, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISSOCK(file.st_mode);
}

/* A socket that nobody answers on was left by a server that is gone. */
static bool
is_stale(const struct address *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_refused = fd >= 0 &&
			  connect(fd, &address->any, address->octets) < 0 &&
			  errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return is_refused;
}

static int
bind_unix(int fd, int directory, const char *name)
{
	struct address address;

	if (!address_in(directory, name, &address))
		return -1;
	if (bind(fd, &address.any, address.octets) < 0) {
		if (errno != EADDRINUSE)
			return -1;
		if (!is_socket(directory, name)) {
			errno = EEXIST;
			return -1;
		}
		if (!is_stale(&address)) {
			errno = EADDRINUSE;
			return -1;
		}
		unlinkat(directory, name, 0);
		if (bind(fd, &address.any, address.octets) < 0)
			return -1;
	}
	return fchmodat(directory, name, UNIX_SOCKET_MODE, 0);
}

/* /run is empty after a boot, and not everybody has systemd fill it. */
static int
open_folder(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && mkdir(path, 0755) == 0)
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

static int
listen_unix(struct bytes path)
{
	char directory[PATH_MAX], *name;
	int directory_fd = -1, fd = -1, error;

	if (!bytes_to_string(path, directory, sizeof(directory)) ||
		!(name = strrchr(directory, '/')) || !name[1]) {
		errno = EINVAL;
		return -1;
	}
	*name++ = '\0';
	directory_fd = open_folder(directory[0] ? directory : "/");
	if (directory_fd >= 0)
		fd = socket(
			AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && (bind_unix(fd, directory_fd, name) < 0 ||
			       listen(fd, LISTENER_BACKLOG) < 0)) {
		error = errno;
		close(fd);
		fd = -1;
		errno = error;
	}
	error = errno;
	if (directory_fd >= 0)
		close(directory_fd);
	errno = error;
	return fd;
}

enum outcome
listener_open(struct bytes address, bool reuses_port, int *out_fd, char *error,
	size_t error_size)
{
	struct address parsed;
	int fd;

	if (address.octets > 5 && memcmp(address.at, "unix:", 5) == 0) {
		fd = listen_unix(bytes_after(address, 5));
	} else if (address_parse(address, &parsed)) {
		fd = listen_tcp(&parsed, reuses_port);
	} else {
		snprintf(error, error_size,
			"cannot listen on %.*s: not an address "
			"(192.0.2.1:995, [::1]:995, unix:/path)",
			(int)address.octets, (const char *)address.at);
		return ERR_PEER;
	}
	if (fd < 0)
		return complain(address, errno, error, error_size);
	*out_fd = fd;
	return OK;
}

int
listener_accept(int fd, struct address *out_peer)
{
	int accepted;

	*out_peer = (struct address){.octets = sizeof(out_peer->storage)};
	do
		accepted = accept4(fd, &out_peer->any, &out_peer->octets,
			SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (accepted < 0 && errno == EINTR);
	return accepted;
}
