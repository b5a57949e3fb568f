/* SPDX-License-Identifier: ISC */
#include "collect/connection.h"
#include "net/address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_OCTETS    65536
#define READS_IN_A_ROW 8 /* then the others have their turn */
#define OUTPUT_MAXIMUM (512u << 10)

enum stage { RESOLVING, CONNECTING, SHAKING_HANDS, OPEN, FAILED, CLOSING };

struct connection {
	struct connection_options options;
	const struct connection_events *events;
	void *context;
	enum stage stage;
	bool was_opened; /* the handshake under way is STLS's */
	bool is_resolving, is_forbidden;
	bool wants_write, tls_reads_for_write, tls_writes_for_read;
	uv_getaddrinfo_t resolve;
	struct addrinfo *addresses, *next;
	int fd;
	struct tls *tls;
	struct buffer output;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned open_handles;
	char last_error[128]; /* of the address tried last */
};

static void try_next_address(struct connection *c);
static void on_poll(uv_poll_t *handle, int status, int events);

/* ---- the end ---- */

__attribute__((format(printf, 3, 4))) static void
fail(struct connection *c, enum outcome outcome, const char *format, ...)
{
	char reason[CONNECTION_ERROR_SIZE];
	va_list arguments;

	if (c->stage == FAILED || c->stage == CLOSING)
		return;
	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	c->stage = FAILED;
	uv_timer_stop(&c->timer);
	if (c->poll.data)
		uv_poll_stop(&c->poll);
	c->events->failed(c->context, outcome, reason);
}

static void
finish(struct connection *c)
{
	const struct connection_events *events = c->events;
	void *context = c->context;

	if (c->open_handles > 0 || c->is_resolving || c->stage != CLOSING)
		return;
	if (c->addresses)
		uv_freeaddrinfo(c->addresses);
	tls_free(&c->tls);
	if (c->fd >= 0)
		close(c->fd);
	buffer_wipe(&c->output);
	free(c);
	events->closed(context);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;

	c->open_handles--;
	finish(c);
}

static void
on_poll_closed(uv_handle_t *handle)
{
	on_timer_closed(handle);
}

void
connection_close(struct connection **connection)
{
	struct connection *c = *connection;

	if (!c)
		return;
	*connection = NULL;
	if (c->tls && c->stage == OPEN)
		tls_shutdown(c->tls);
	c->stage = CLOSING;
	if (c->is_resolving)
		uv_cancel((uv_req_t *)&c->resolve);
	if (c->poll.data && !uv_is_closing((uv_handle_t *)&c->poll))
		uv_close((uv_handle_t *)&c->poll, on_poll_closed);
	uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

/* ---- deadlines ---- */

static void
on_timer(uv_timer_t *timer)
{
	struct connection *c = timer->data;

	if (c->stage == OPEN)
		fail(c, ERR_GONE, "the server said nothing for %llu s",
			(unsigned long long)c->options.silence_seconds);
	else
		fail(c, ERR_GONE, "no connection to %s port %u within %d s%s%s",
			c->options.host, c->options.port,
			CONNECTION_OPEN_SECONDS, c->last_error[0] ? ": " : "",
			c->last_error);
}

static void
start_timer(struct connection *c, uint64_t seconds)
{
	uv_timer_start(&c->timer, on_timer, seconds * 1000, 0);
}

void
connection_expect(struct connection *c, bool is_awaited)
{
	if (c->stage != OPEN)
		return;
	if (!is_awaited)
		uv_timer_stop(&c->timer);
	else if (!uv_is_active((uv_handle_t *)&c->timer))
		start_timer(c, c->options.silence_seconds);
}

/* Something came or went: the silence begins anew. */
static void
heard(struct connection *c)
{
	if (uv_is_active((uv_handle_t *)&c->timer))
		start_timer(c, c->options.silence_seconds);
}

/* ---- poll ---- */

static void
update_poll(struct connection *c)
{
	int events = 0;

	switch (c->stage) {
	case CONNECTING:
		events = UV_WRITABLE;
		break;
	case SHAKING_HANDS:
		events = c->wants_write ? UV_WRITABLE : UV_READABLE;
		break;
	case OPEN:
		events = UV_READABLE;
		if ((c->output.octets > 0 && !c->tls_reads_for_write) ||
			c->tls_writes_for_read)
			events |= UV_WRITABLE;
		break;
	case RESOLVING:
	case FAILED:
	case CLOSING:
	default:
		return;
	}
	uv_poll_start(&c->poll, events, on_poll);
}

/* ---- handshake ---- */

static void
opened(struct connection *c)
{
	bool is_stls = c->was_opened;

	c->stage = OPEN;
	c->was_opened = true;
	uv_timer_stop(&c->timer);
	update_poll(c);
	if (is_stls)
		c->events->secured(c->context);
	else
		c->events->opened(c->context);
}

static void
shake_hands(struct connection *c)
{
	if (!c->tls)
		c->tls = tls_connect(c->options.tls, c->fd, c->options.host);
	if (!c->tls) {
		fail(c, ERR_TRY_LATER, "no memory for TLS");
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
		fail(c, ERR_DENIED, "TLS with %s failed: %s", c->options.host,
			tls_error(c->tls));
		return;
	}
	update_poll(c);
}

static void
begin_handshake(struct connection *c)
{
	/* It begins when the loop comes round: no event within this call. */
	c->stage = SHAKING_HANDS;
	c->wants_write = true;
	start_timer(c, CONNECTION_OPEN_SECONDS);
	update_poll(c);
}

void
connection_start_tls(struct connection *c)
{
	if (c->stage == OPEN && c->options.tls && !c->tls)
		begin_handshake(c);
}

const char *
connection_tls_description(const struct connection *c)
{
	return c->tls ? tls_description(c->tls) : "";
}

/* ---- octets ---- */

/* As tls_read and tls_write, in clear. */
static enum tls_result
result_of(ssize_t done, enum tls_result wait, size_t *out_octets)
{
	if (done > 0) {
		*out_octets = (size_t)done;
		return TLS_DONE;
	}
	if (done == 0)
		return TLS_CLOSED;
	if (errno == EAGAIN || errno == EINTR)
		return wait;
	return TLS_FAILED;
}

static enum tls_result
receive_some(
	struct connection *c, unsigned char *to, size_t room, size_t *octets)
{
	if (c->tls)
		return tls_read(c->tls, to, room, octets);
	return result_of(recv(c->fd, to, room, 0), TLS_WANT_READ, octets);
}

static enum tls_result
send_some(struct connection *c, struct bytes from, size_t *octets)
{
	if (c->tls)
		return tls_write(c->tls, from, octets);
	return result_of(send(c->fd, from.at, from.octets, MSG_NOSIGNAL),
		TLS_WANT_WRITE, octets);
}

static void
lost(struct connection *c, enum tls_result result)
{
	if (result == TLS_CLOSED)
		fail(c, ERR_GONE, "the server closed the connection");
	else
		fail(c, ERR_GONE, "the connection broke: %s",
			c->tls ? tls_error(c->tls) : strerror(errno));
}

static void
send_output(struct connection *c)
{
	enum tls_result result = TLS_DONE;
	size_t octets;

	c->tls_reads_for_write = false;
	while (c->output.octets > 0 && result == TLS_DONE) {
		result = send_some(c, buffer_bytes(&c->output), &octets);
		if (result != TLS_DONE)
			break;
		/* A password may have been in it. */
		explicit_bzero(c->output.memory + c->output.start, octets);
		buffer_consume(&c->output, octets);
		heard(c);
	}
	c->tls_reads_for_write = result == TLS_WANT_READ;
	if (result == TLS_CLOSED || result == TLS_FAILED)
		lost(c, result);
}

void
connection_send(struct connection *c, struct buffer *from)
{
	bool is_kept = c->stage == OPEN &&
		       buffer_append_bytes(&c->output, buffer_bytes(from));

	if (from->octets > 0) {
		explicit_bzero(from->memory + from->start, from->octets);
		buffer_clear(from);
	}
	/* Sent when the loop comes round: no event within this call. */
	if (is_kept)
		update_poll(c);
}

static void
receive_input(struct connection *c)
{
	unsigned char octets[READ_OCTETS];
	enum tls_result result = TLS_DONE;
	size_t count = 0;

	c->tls_writes_for_read = false;
	for (int i = 0; i < READS_IN_A_ROW || (c->tls && tls_pending(c->tls));
		i++) {
		if (c->stage != OPEN)
			return;
		result = receive_some(c, octets, sizeof(octets), &count);
		if (result != TLS_DONE)
			break;
		heard(c);
		c->events->received(c->context, bytes_of(octets, count));
	}
	if (c->stage != OPEN)
		return;
	c->tls_writes_for_read = result == TLS_WANT_WRITE;
	if (result == TLS_CLOSED || result == TLS_FAILED)
		lost(c, result);
}

/* ---- connecting ---- */

static void
connected(struct connection *c)
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
	if (c->options.is_tls_first)
		begin_handshake(c);
	else
		opened(c);
}

static void
on_poll(uv_poll_t *handle, int status, int events)
{
	struct connection *c = handle->data;

	if (c->stage == CONNECTING) {
		connected(c);
		return;
	}
	if (c->stage == SHAKING_HANDS) {
		shake_hands(c);
		return;
	}
	if (c->stage != OPEN)
		return;
	if (status < 0)
		events = UV_READABLE; /* which says what is wrong */
	if (c->output.octets > 0 &&
		((events & UV_WRITABLE) || c->tls_reads_for_write))
		send_output(c);
	if (c->stage == OPEN &&
		((events & UV_READABLE) || c->tls_writes_for_read))
		receive_input(c);
	update_poll(c);
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
		finish(c);
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

static void
no_address_left(struct connection *c)
{
	if (c->is_forbidden)
		fail(c, ERR_DENIED,
			"%s is not on this machine: without TLS everybody on "
			"the way could read the password; set tls = implicit "
			"or starttls",
			c->options.host);
	else
		fail(c, ERR_TRY_LATER, "cannot connect to %s port %u: %s",
			c->options.host, c->options.port, c->last_error);
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
			update_poll(c);
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
		finish(c);
		return;
	}
	if (c->stage != RESOLVING)
		return;
	if (status < 0)
		fail(c, ERR_TRY_LATER, "cannot find %s: %s", c->options.host,
			uv_strerror(status));
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
	snprintf(port, sizeof(port), "%u", options->port);
	c->is_resolving = uv_getaddrinfo(loop, &c->resolve, on_resolved,
				  options->host, port, &hints) == 0;
	if (c->is_resolving) {
		start_timer(c, CONNECTION_OPEN_SECONDS);
		return c;
	}
	c->stage = CLOSING;
	buffer_release(&c->output);
	uv_close((uv_handle_t *)&c->timer, on_unborn_closed);
	return NULL;
}
