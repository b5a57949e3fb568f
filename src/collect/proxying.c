/* SPDX-License-Identifier: ISC */
/* A connection that a SOCKS5 proxy is asked for. */
#include "collect/connection_state.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static void
go_on(struct connection *c, enum socks5_result result)
{
	switch (result) {
	case SOCKS5_MORE:
		connection_update_poll(c);
		return;
	case SOCKS5_DONE:
		connection_reached(c);
		return;
	case SOCKS5_FAILED:
	default:
		connection_fail(c, ERR_TRY_LATER, "the proxy %s port %u: %s",
			c->options.proxy->host, c->options.proxy->port,
			socks5_error(&c->socks5));
	}
}

void
connection_ask_proxy(struct connection *c)
{
	c->stage = PROXYING;
	go_on(c, socks5_begin(&c->socks5, c->options.proxy, c->options.host,
			 c->options.port, &c->output));
}

static void
lost(struct connection *c, const char *why)
{
	connection_fail(c, ERR_TRY_LATER,
		"the proxy %s port %u broke the connection: %s",
		c->options.proxy->host, c->options.proxy->port, why);
}

/* False: not all has gone yet. */
static bool
send_some(struct connection *c)
{
	struct bytes octets = buffer_bytes(&c->output);
	ssize_t sent;

	if (octets.octets == 0)
		return true;
	sent = send(c->fd, octets.at, octets.octets, MSG_NOSIGNAL);
	if (sent > 0) {
		/* The proxy's password may have been in it. */
		explicit_bzero(
			c->output.memory + c->output.start, (size_t)sent);
		buffer_consume(&c->output, (size_t)sent);
	} else if (errno != EAGAIN && errno != EINTR) {
		lost(c, strerror(errno));
	}
	return c->output.octets == 0;
}

void
connection_proxy_ready(struct connection *c)
{
	unsigned char octets[SOCKS5_FIELD_MAXIMUM_OCTETS + 8];
	ssize_t got;

	if (!send_some(c)) {
		connection_update_poll(c);
		return;
	}
	got = recv(c->fd, octets, socks5_wanted(&c->socks5), 0);
	if (got > 0)
		go_on(c, socks5_take(&c->socks5, bytes_of(octets, (size_t)got),
				 &c->output));
	else if (got == 0)
		lost(c, "it closed it");
	else if (errno != EAGAIN && errno != EINTR)
		lost(c, strerror(errno));
	else
		connection_update_poll(c);
}
