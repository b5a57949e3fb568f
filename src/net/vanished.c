/* SPDX-License-Identifier: ISC */
#include "net/vanished.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* So often it is asked in the second half of the time. */
#define PROBES 3
/* So often nothing came back: one packet may be lost. */
#define UNANSWERED 3

static void
set(int fd, int option, uint64_t seconds)
{
	int value = seconds > 0 ? (int)seconds : 1;

	setsockopt(fd, IPPROTO_TCP, option, &value, sizeof(value));
}

static bool
is_tcp(int fd)
{
	int domain = AF_UNSPEC;
	socklen_t octets = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &octets) == 0 &&
	       (domain == AF_INET || domain == AF_INET6);
}

void
vanished_ask(int fd, uint64_t seconds)
{
	int asks = seconds > 0;

	if (!is_tcp(fd))
		return;
	set(fd, TCP_KEEPIDLE, seconds - seconds / 2);
	set(fd, TCP_KEEPINTVL, seconds / 2 / PROBES);
	set(fd, TCP_KEEPCNT, PROBES);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &asks, sizeof(asks));
}

bool
vanished_was(int fd)
{
	int error = 0;
	socklen_t octets = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &octets) == 0 &&
	       (error == ETIMEDOUT || error == EHOSTUNREACH);
}

bool
vanished_is(int fd, uint64_t seconds)
{
	struct tcp_info info;
	socklen_t octets = sizeof(info);

	if (seconds == 0 ||
		getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &octets) != 0)
		return false;
	/* Probes are those of a peer that has no room: each that is answered
	   sets them to none. */
	return info.tcpi_retransmits + info.tcpi_probes >= UNANSWERED &&
	       info.tcpi_last_ack_recv / 1000 >= seconds;
}
