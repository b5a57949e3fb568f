/* SPDX-License-Identifier: ISC */
/* How a connection comes about: name, addresses in order, TLS. */
#include "base/clock.h"
#include "collect/connection_state.h"
#include "net/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_MAXIMUM (512u << 10)

static void try_next_address(struct connection *c);

/* ---- handshake ---- */

static void
opened(struct connection *c)
{
	bool is_stls = c->was_opened;

	c->stage = OPEN;
	if (!c->was_opened)
		c->opened_ms = clock_monotonic_ms();
	c->was_opened = true;
	uv_timer_stop(&c->timer);
	connection_update_poll(c);
	if (is_stls)
		c->events->secured(c->context);
	else
		c->events->opened(c->context);
}

void
connection_shake_hands(struct connection *c)
{
	if (!c->tls)
		c->tls = tls_connect(c->options.tls, c->fd, c->options.host);
	if (!c->tls) {
		connection_fail(c, ERR_TRY_LATER, "no memory for TLS");
		return;
	}
	switch (tls_handshake(c->tls)) {
	case TLS_DONE:
		opened(c);
		return;
	case TLS_WANT_READ:
		c->wants_write = false;
		break;
	case TLS_WANT_WRITE:
		c->wants_write = true;
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
	default:
		connection_fail(c, ERR_DENIED, "TLS with %s failed: %s",
			c->options.host, tls_error(c->tls));
		return;
	}
	connection_update_poll(c);
}

static void
begin_handshake(struct connection *c)
{
	/* It begins when the loop comes round: no event within this call. */
	c->stage = SHAKING_HANDS;
	c->wants_write = true;
	connection_start_timer(c, connection_handshake_seconds(c));
	connection_update_poll(c);
}

void
connection_start_tls(struct connection *c)
{
	if (c->stage == OPEN && c->options.tls && !c->tls)
		begin_handshake(c);
}

void
connection_reached(struct connection *c)
{
	if (c->options.is_tls_first)
		begin_handshake(c);
	else
		opened(c);
}

/* ---- connecting ---- */

void
connection_connected(struct connection *c)
{
	socklen_t size = sizeof(int);
	int error = 0, one = 1;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error != 0) {
		snprintf(c->last_error, sizeof(c->last_error), "%s",
			strerror(error));
		try_next_address(c);
		return;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (c->options.proxy)
		connection_ask_proxy(c);
	else
		connection_reached(c);
}

static void
on_dead_poll_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;

	c->open_handles--;
	close(c->fd);
	c->fd = -1;
	c->poll.data = NULL;
	if (c->stage == CONNECTING)
		try_next_address(c);
	else
		connection_finish(c);
}

/* False: errno says why, nothing is open. */
static bool
connect_to(struct connection *c, const struct addrinfo *to)
{
	struct address address = {.octets = to->ai_addrlen};

	memcpy(&address.storage, to->ai_addr, to->ai_addrlen);
	if (c->options.is_loopback_only && !address_is_loopback(&address)) {
		c->is_forbidden = true;
		return false;
	}
	c->fd = socket(
		to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return false;
	if (connect(c->fd, to->ai_addr, to->ai_addrlen) == 0 ||
		errno == EINPROGRESS)
		return true;
	close(c->fd);
	c->fd = -1;
	return false;
}

/* Whom to connect to: the proxy, when there is one. */
static const char *
next_host(const struct connection *c)
{
	return c->options.proxy ? c->options.proxy->host : c->options.host;
}

static uint16_t
next_port(const struct connection *c)
{
	return c->options.proxy ? c->options.proxy->port : c->options.port;
}

static void
no_address_left(struct connection *c)
{
	if (c->is_forbidden)
		connection_fail(c, ERR_DENIED,
			"%s is not on this machine: without TLS everybody on "
			"the way could read the password; set tls = implicit "
			"or starttls",
			c->options.host);
	else
		connection_fail(c, ERR_TRY_LATER,
			"cannot connect to %s%s port %u: %s",
			c->options.proxy ? "the proxy " : "", next_host(c),
			next_port(c), c->last_error);
}

static void
try_next_address(struct connection *c)
{
	c->stage = CONNECTING;
	if (c->poll.data) {
		/* The socket before failed; its watcher goes first. */
		uv_close((uv_handle_t *)&c->poll, on_dead_poll_closed);
		return;
	}
	while (c->next) {
		struct addrinfo *to = c->next;

		c->next = to->ai_next;
		if (connect_to(c, to)) {
			uv_poll_init(c->timer.loop, &c->poll, c->fd);
			c->poll.data = c;
			c->open_handles++;
			connection_update_poll(c);
			return;
		}
		snprintf(c->last_error, sizeof(c->last_error), "%s",
			strerror(errno));
	}
	no_address_left(c);
}

static void
on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
	struct connection *c = request->data;

	c->is_resolving = false;
	c->addresses = addresses;
	c->next = addresses;
	if (c->stage == CLOSING) {
		connection_finish(c);
		return;
	}
	if (c->stage != RESOLVING)
		return;
	if (status < 0)
		connection_fail(c, ERR_TRY_LATER, "cannot find %s: %s",
			next_host(c), uv_strerror(status));
	else
		try_next_address(c);
}

static void
on_unborn_closed(uv_handle_t *handle)
{
	free(handle->data);
}

struct connection *
connection_open(uv_loop_t *loop, const struct connection_options *options,
	const struct connection_events *events, void *context)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct connection *c = calloc(1, sizeof(*c));
	char port[8];

	if (!c)
		return NULL;
	c->options = *options;
	c->events = events;
	c->context = context;
	c->fd = -1;
	buffer_init(&c->output, OUTPUT_MAXIMUM);
	uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	c->resolve.data = c;
	c->open_handles = 1;
	snprintf(port, sizeof(port), "%u", next_port(c));
	c->is_resolving = uv_getaddrinfo(loop, &c->resolve, on_resolved,
				  next_host(c), port, &hints) == 0;
	if (c->is_resolving) {
		connection_start_timer(c, CONNECTION_OPEN_SECONDS);
		return c;
	}
	c->stage = CLOSING;
	buffer_release(&c->output);
	uv_close((uv_handle_t *)&c->timer, on_unborn_closed);
	return NULL;
}
