/* SPDX-License-Identifier: ISC */
#include "server/connection_output.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/vanished.h"
#include "server/connection_begin.h"
#include "server/crowd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_poll(uv_poll_t *poll, int status, int events);

static struct connection *
connection_of(uv_poll_t *poll)
{
	return (struct connection *)poll->data;
}

/* ---- which events are asked for ---- */

void
connection_watch(struct connection *c, int events)
{
	/* Asking again for the same would cost two system calls. */
	if (c->watched == events || c->is_closing)
		return;
	c->watched = events;
	if (events)
		uv_poll_start(c->poll, events, on_poll);
	else
		uv_poll_stop(c->poll);
}

static struct deadlines *
deadlines_of(const struct connection *c)
{
	if (c->is_handshaking || c->header || c->protocol->is_brief)
		return &c->role->handshakes;
	return c->is_deaf ? &c->role->deaf : &c->role->idle;
}

void
connection_touch(struct connection *c)
{
	/* An octet now and then gains no time. */
	if (c->protocol->is_brief && deadlines_has(&c->deadline))
		return;
	deadlines_touch(deadlines_of(c), &c->deadline, uv_now(&c->role->loop));
}

void
connection_untouch(struct connection *c)
{
	if (deadlines_has(&c->deadline))
		deadlines_remove(deadlines_of(c), &c->deadline);
}

/* Output that waits has a time of its own, from the last octet taken. */
static void
set_deaf(struct connection *c, bool is_deaf)
{
	if (c->is_deaf == is_deaf)
		return;
	connection_untouch(c);
	c->is_deaf = is_deaf;
	connection_touch(c);
}

/* ---- the list of those not logged in, oldest first ---- */

void
connection_is_fresh(struct connection *c)
{
	struct session_role *role = c->role;

	c->older = role->newest;
	if (role->newest)
		role->newest->newer = c;
	else
		role->oldest = c;
	role->newest = c;
	c->is_fresh = true;
}

void
connection_is_known(struct connection *c)
{
	struct session_role *role = c->role;

	if (!c->is_fresh)
		return;
	if (c->older)
		c->older->newer = c->newer;
	else
		role->oldest = c->newer;
	if (c->newer)
		c->newer->older = c->older;
	else
		role->newest = c->older;
	c->older = c->newer = NULL;
	c->is_fresh = false;
	if (c->is_counted)
		crowd_leave(role->crowd, c->crowd_place);
	c->is_counted = false;
}

void
connection_set_ending(struct connection *c, enum ending ending)
{
	if (c->ending == ENDING_CLOSED)
		c->ending = (uint8_t)ending;
}

const char *
connection_ending(const struct connection *c)
{
	static const char *const words[] = {
		[ENDING_CLOSED] = "closed",
		[ENDING_OURS] = "refused",
		[ENDING_IDLE] = "idle",
		[ENDING_DEAF] = "deaf",
		[ENDING_VANISHED] = "vanished",
		[ENDING_STOPPED] = "stopped",
		[ENDING_KICKED] = "kicked",
		[ENDING_STORE] = "store",
		[ENDING_TLS] = "tls",
		[ENDING_PRESSED] = "pressed",
	};

	return words[c->ending];
}

uint64_t
connection_seconds(const struct connection *c)
{
	return (clock_monotonic_ms() - c->since_ms) / 1000;
}

const char *
connection_own_host(const struct connection *c, char out[ADDRESS_TEXT_SIZE])
{
	struct address own = {.octets = sizeof(own.storage)};

	out[0] = '\0';
	if (getsockname(c->fd, &own.any, &own.octets) == 0 &&
		own.any.sa_family != AF_UNIX)
		address_host_text(&own, out);
	return out;
}

struct bytes
connection_peer_host(const struct connection *c)
{
	struct bytes host = bytes_of_string(c->peer);
	const char *colon = strrchr(c->peer, ':');

	if (colon && strncmp(c->peer, "unix", 4) != 0)
		host.octets = (size_t)(colon - c->peer);
	return host;
}

/* ---- the end ---- */

void
connection_free_closed(struct session_role *role)
{
	struct connection *c;

	while ((c = role->closed)) {
		role->closed = c->older;
		free(c);
	}
}

void
connection_close(struct connection *c)
{
	struct message message;

	if (c->is_closing)
		return;
	c->protocol->end(c);
	session_settings_drop(&c->settings);
	if (c->is_remembered) {
		message_init(&message, MESSAGE_RELEASE, c->entry.id);
		connection_send(c, ROLE_STORE, &message);
		message_release(&message);
	}
	connection_untouch(c);
	connection_is_known(c);
	table_remove(&c->role->connections, &c->entry);
	c->is_closing = true;
	connection_forget_header(c);
	tls_free(&c->tls);
	buffer_wipe(&c->in);
	buffer_release(&c->out);
	free(c->peer);
	stats_add(c->role->stats, closed_connections, 1);
	uv_poll_stop(c->poll);
	close(c->fd);
	c->older = c->role->closed;
	c->role->closed = c;
}

/*
 * The last reply must arrive: input that nobody read would make the kernel
 * answer close(2) with a reset, which may overtake it.
 */
static void
close_politely(struct connection *c)
{
	static unsigned char nowhere[CONNECTION_INPUT_MAXIMUM_OCTETS];

	connection_set_ending(c, ENDING_OURS);
	if (c->tls)
		tls_shutdown(c->tls);
	shutdown(c->fd, SHUT_WR);
	for (int i = 0; i < 4; i++)
		if (recv(c->fd, nowhere, sizeof(nowhere), MSG_DONTWAIT) <= 0)
			break;
	connection_close(c);
}

/* ---- input ---- */

/* True: there is input. False: wait for it (watched) or closed. */
static bool
receive(struct connection *c)
{
	unsigned char *to;
	size_t octets = 0, room = c->protocol->input_octets;
	enum tls_result result;
	ssize_t got;

	if (!c->may_have_more) {
		c->may_have_more = true;
		connection_watch(c, UV_READABLE);
		return false;
	}
	if (!(to = buffer_reserve(&c->in, room))) {
		connection_close(c);
		return false;
	}
	if (c->tls) {
		result = tls_read(c->tls, to, room, &octets);
		c->may_have_more = tls_has_more(c->tls);
	} else {
		got = recv(c->fd, to, room, MSG_DONTWAIT);
		octets = got > 0 ? (size_t)got : 0;
		c->may_have_more = octets == room;
		result = got > 0			     ? TLS_DONE
			 : got == 0			     ? TLS_CLOSED
			 : errno == EAGAIN || errno == EINTR ? TLS_WANT_READ
							     : TLS_FAILED;
	}
	if (result == TLS_DONE) {
		buffer_grow(&c->in, octets);
		connection_touch(c);
		return true;
	}
	buffer_trim(&c->in);
	if (result == TLS_WANT_READ || result == TLS_WANT_WRITE) {
		c->may_have_more = true;
		connection_watch(
			c, result == TLS_WANT_READ ? UV_READABLE : UV_WRITABLE);
	} else {
		connection_close(c);
	}
	return false;
}

/* ---- TLS ---- */

/* True: done. False: under way (watched) or closed. */
static bool
handshake(struct connection *c)
{
	char quoted[LOG_QUOTED_OCTETS];

	switch (tls_handshake(c->tls)) {
	case TLS_DONE:
		break;
	case TLS_WANT_READ:
		connection_watch(c, UV_READABLE);
		return false;
	case TLS_WANT_WRITE:
		connection_watch(c, UV_WRITABLE);
		return false;
	case TLS_CLOSED:
	case TLS_FAILED:
	default:
		stats_add(c->role->stats, failed_handshakes, 1);
		connection_set_ending(c, ENDING_TLS);
		log_event(LOG_LEVEL_INFO, "tls-failed", "id=%s addr=%s why=%s",
			c->id, c->peer,
			log_quote(quoted, bytes_of_string(tls_error(c->tls))));
		connection_close(c);
		return false;
	}
	connection_untouch(c);
	c->is_handshaking = false;
	connection_touch(c);
	stats_add(c->role->stats, handshakes, 1);
	c->protocol->tls_started(c);
	return true;
}

static bool
start_tls(struct connection *c)
{
	/* What came before the handshake is not to be trusted (RFC 2595
	   section 4, CVE-2021-38084). */
	buffer_wipe(&c->in);
	c->may_have_more = true;
	c->tls = c->role->tls ? tls_accept(c->role->tls, c->fd) : NULL;
	if (!c->tls) {
		connection_close(c);
		return false;
	}
	if (c->protocol->is_web)
		tls_speak_http(c->tls);
	connection_untouch(c);
	c->is_handshaking = true;
	connection_touch(c);
	return handshake(c);
}

/* ---- the engine ---- */

/* Does what `after` asks for. True: advance again. */
static bool
settle(struct connection *c)
{
	if (c->after == ADVANCE_HOLD)
		return false;
	switch (connection_drain(c)) {
	case DRAINED:
		set_deaf(c, false);
		break;
	case DRAIN_BLOCKED:
	/* What was left of the turn may just have filled the socket. */
	case DRAIN_TURN_OVER:
		set_deaf(c, true);
		connection_watch(c, UV_WRITABLE);
		return false;
	case DRAIN_LOST:
	default:
		connection_close(c);
		return false;
	}
	switch ((enum advance)c->after) {
	case ADVANCE_READ:
		return receive(c);
	case ADVANCE_WRITE:
		return true;
	case ADVANCE_TLS:
		return start_tls(c);
	case ADVANCE_CLOSE:
		close_politely(c);
		return false;
	case ADVANCE_WAIT:
	case ADVANCE_HOLD:
	default:
		return false;
	}
}

void
connection_pump(struct connection *c)
{
	do {
		if (c->is_closing)
			return;
		c->after = c->protocol->advance(c);
		buffer_trim(&c->in);
	} while (settle(c));
}

static bool
has_to_wait(const struct connection *c)
{
	return c->after == ADVANCE_HOLD ||
	       (c->after == ADVANCE_WAIT && c->out.octets == 0 && c->file < 0);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct connection *c = connection_of(poll);

	if (status < 0) {
		if (vanished_was(c->fd))
			connection_set_ending(c, ENDING_VANISHED);
		connection_close(c);
		return;
	}
	if (c->header) {
		connection_take_header(c);
		return;
	}
	if (c->is_handshaking) {
		if (handshake(c))
			connection_pump(c);
		return;
	}
	if (has_to_wait(c)) {
		/* Nothing to do with it before the answer comes. */
		connection_watch(c, 0);
		return;
	}
	c->may_have_more = true;
	if (settle(c))
		connection_pump(c);
}

void
connection_speak(struct connection *c)
{
	if (!c->listener->is_tls || start_tls(c))
		connection_pump(c);
}

bool
connection_send(struct connection *c, enum role role, struct message *message)
{
	struct channel *channel =
		role == ROLE_AUTH ? c->role->auth : c->role->store;

	return channel && channel_send(channel, message) == OK;
}
