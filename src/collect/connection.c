/* SPDX-License-Identifier: ISC */
/* A connection that is open: its octets, its deadlines, its end. */
#include "base/clock.h"
#include "collect/connection_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_OCTETS    65536
#define READS_IN_A_ROW 8 /* then the others have their turn */

static void on_poll(uv_poll_t *handle, int status, int events);

/* ---- the end ---- */

void
connection_fail(
	struct connection *c, enum outcome outcome, const char *format, ...)
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

void
connection_finish(struct connection *c)
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
	connection_finish(c);
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

	c->was_silent = c->stage == OPEN;
	if (c->stage == OPEN)
		connection_fail(c, ERR_GONE,
			"the server said nothing for %llu s",
			(unsigned long long)c->options.silence_seconds);
	else if (c->stage == SHAKING_HANDS)
		connection_fail(c, ERR_GONE, "no TLS with %s within %llu s",
			c->options.host,
			(unsigned long long)connection_handshake_seconds(c));
	else
		connection_fail(c, ERR_GONE,
			"no connection to %s port %u within %d s%s%s",
			c->options.host, c->options.port,
			CONNECTION_OPEN_SECONDS, c->last_error[0] ? ": " : "",
			c->last_error);
}

void
connection_start_timer(struct connection *c, uint64_t seconds)
{
	uv_timer_start(&c->timer, on_timer, seconds * 1000, 0);
}

uint64_t
connection_handshake_seconds(const struct connection *c)
{
	return c->options.silence_seconds < CONNECTION_OPEN_SECONDS
		       ? c->options.silence_seconds
		       : CONNECTION_OPEN_SECONDS;
}

void
connection_expect(struct connection *c, bool is_awaited, uint64_t answers)
{
	bool is_new = !is_awaited || answers != c->answers;

	if (c->stage != OPEN)
		return;
	if (is_new || c->awaited_ms == 0) {
		c->awaited_ms = is_awaited ? clock_monotonic_ms() : 0;
		c->awaited_octets = 0;
		c->answers = answers;
	}
	if (!is_awaited)
		uv_timer_stop(&c->timer);
	else if (!uv_is_active((uv_handle_t *)&c->timer))
		connection_start_timer(c, c->options.silence_seconds);
}

bool
connection_was_silent(const struct connection *c)
{
	return c->was_silent;
}

/* False: who sends this slowly only wants to hold the line. */
static bool
is_fast_enough(struct connection *c)
{
	uint64_t now_ms = clock_monotonic_ms();
	uint64_t seconds = (now_ms - c->awaited_ms) / 1000;
	const struct connection_options *options = &c->options;

	if (options->maximum_seconds > 0 &&
		now_ms - c->opened_ms > options->maximum_seconds * 1000) {
		connection_fail(c, ERR_GONE,
			"the session took more than %llu s",
			(unsigned long long)options->maximum_seconds);
		return false;
	}
	if (c->awaited_ms == 0 || seconds <= options->silence_seconds ||
		c->awaited_octets >= seconds * options->minimum_rate)
		return true;
	connection_fail(c, ERR_GONE,
		"the server sent %llu octets of a reply in %llu s, less than "
		"minimum-rate",
		(unsigned long long)c->awaited_octets,
		(unsigned long long)seconds);
	return false;
}

/* Something came or went: the silence begins anew. */
static void
heard(struct connection *c)
{
	if (uv_is_active((uv_handle_t *)&c->timer))
		connection_start_timer(c, c->options.silence_seconds);
}

/* ---- poll ---- */

void
connection_update_poll(struct connection *c)
{
	int events = 0;

	switch (c->stage) {
	case CONNECTING:
		events = UV_WRITABLE;
		break;
	case PROXYING:
		events = c->output.octets > 0 ? UV_WRITABLE : UV_READABLE;
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

/* ---- octets ---- */

const char *
connection_tls_description(const struct connection *c)
{
	return c->tls ? tls_description(c->tls) : "";
}

bool
connection_exporter(struct connection *c, unsigned char out[32])
{
	return c->tls && tls_exporter(c->tls, out);
}

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
		connection_fail(
			c, ERR_GONE, "the server closed the connection");
	else
		connection_fail(c, ERR_GONE, "the connection broke: %s",
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

	buffer_wipe(from);
	/* Sent when the loop comes round: no event within this call. */
	if (is_kept)
		connection_update_poll(c);
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
		c->awaited_octets += count;
		if (!is_fast_enough(c))
			return;
		c->events->received(c->context, bytes_of(octets, count));
	}
	if (c->stage != OPEN)
		return;
	c->tls_writes_for_read = result == TLS_WANT_WRITE;
	if (result == TLS_CLOSED || result == TLS_FAILED)
		lost(c, result);
}

/* ---- the loop ---- */

static void
on_poll(uv_poll_t *handle, int status, int events)
{
	struct connection *c = handle->data;

	if (c->stage == CONNECTING) {
		connection_connected(c);
		return;
	}
	if (c->stage == PROXYING) {
		connection_proxy_ready(c);
		return;
	}
	if (c->stage == SHAKING_HANDS) {
		connection_shake_hands(c);
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
	connection_update_poll(c);
}
