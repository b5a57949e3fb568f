/* SPDX-License-Identifier: ISC */
#include "load.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS	       256
#define SOURCES	       1000 /* loopback addresses to come from */
#define TLS_NAME       "localhost"
#define READ_OCTETS    (256u << 10)
#define TURNS_OF_READS 16 /* of one client, then the others */

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

/* ---- sending ---- */

void
client_send_bytes(struct client *client, struct bytes bytes)
{
	if (!buffer_append_bytes(&client->out, bytes))
		fail(client, "%zu octets of commands do not fit",
			client->out.octets + bytes.octets);
}

void
client_send(struct client *client, const char *format, ...)
{
	char text[REPLY_OCTETS];
	va_list arguments;
	int octets;

	va_start(arguments, format);
	octets = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (octets < 0 || octets >= (int)sizeof(text))
		fail(client, "a command of %d octets", octets);
	client_send_bytes(client, bytes_of(text, (size_t)octets));
}

static void
watch(struct client *client, bool wants_write)
{
	struct epoll_event event = {
		EPOLLIN | (wants_write ? EPOLLOUT : 0), {.ptr = client}};

	if (client->wants_write == wants_write)
		return;
	client->wants_write = wants_write;
	if (epoll_ctl(client->load->epoll, EPOLL_CTL_MOD, client->fd, &event))
		fail(client, "epoll_ctl: %s", strerror(errno));
}

/* Octets the socket took; 0: it is full. */
static size_t
write_some(struct client *client, struct bytes bytes)
{
	size_t octets = 0;
	ssize_t sent;

	if (client->tls) {
		switch (tls_write(client->tls, bytes, &octets)) {
		case TLS_DONE:
			return octets;
		case TLS_WANT_READ:
		case TLS_WANT_WRITE:
			return 0;
		case TLS_CLOSED:
		case TLS_FAILED:
		default:
			fail(client, "writing: %s", tls_error(client->tls));
		}
	}
	sent = send(client->fd, bytes.at, bytes.octets, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN)
		fail(client, "writing: %s", strerror(errno));
	return sent < 0 ? 0 : (size_t)sent;
}

void
client_flush(struct client *client)
{
	while (client->is_ready && client->out.octets > 0) {
		size_t octets = write_some(client, buffer_bytes(&client->out));

		if (octets == 0)
			break;
		buffer_consume(&client->out, octets);
	}
	watch(client, client->out.octets > 0);
	buffer_trim(&client->out);
}

/* ---- taking ---- */

void
client_expect_body(struct client *client)
{
	body_init(&client->body);
	client->is_in_body = true;
}

void
client_expect_end(struct client *client)
{
	client->may_end = true;
	client->on_line = NULL;
}

static void
take_body(struct client *client, struct bytes *in)
{
	const char *wrong = body_take(&client->body, in);

	if (wrong)
		fail(client, "%s", wrong);
	if (client->body.state != BODY_ENDED)
		return;
	client->is_in_body = false;
	client->load->mode->body_ended(client);
}

static void
take_line(struct client *client, struct bytes *in)
{
	struct bytes line;

	if (!client->on_line)
		fail(client, "octets behind the last reply");
	switch (line_reader_take(&client->lines, in, &line)) {
	case LINE_NEEDS_MORE:
		return;
	case LINE_READY:
		client->on_line(client, line);
		return;
	case LINE_BARE_LF:
		fail(client, "a reply ends in LF alone");
	case LINE_HAS_NUL:
		fail(client, "a reply with a NUL");
	case LINE_TOO_LONG:
	default:
		fail(client, "a reply over %d octets", REPLY_OCTETS);
	}
}

static void
take(struct client *client, struct bytes in)
{
	while (in.octets > 0) {
		if (client->is_in_body)
			take_body(client, &in);
		else
			take_line(client, &in);
	}
}

/* ---- reading ---- */

enum arrival { ARRIVED, NOTHING, ENDED };

static enum arrival
read_tls(struct client *client, unsigned char *to, size_t *out_octets)
{
	switch (tls_read(client->tls, to, READ_OCTETS, out_octets)) {
	case TLS_DONE:
		return ARRIVED;
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		return NOTHING;
	case TLS_CLOSED:
		return ENDED;
	case TLS_FAILED:
	default:
		fail(client, "reading: %s", tls_error(client->tls));
	}
}

static enum arrival
read_some(struct client *client, unsigned char *to, size_t *out_octets)
{
	ssize_t octets;

	if (client->tls)
		return read_tls(client, to, out_octets);
	octets = recv(client->fd, to, READ_OCTETS, 0);
	if (octets < 0 && errno != EAGAIN)
		fail(client, "reading: %s", strerror(errno));
	if (octets <= 0)
		return octets < 0 ? NOTHING : ENDED;
	*out_octets = (size_t)octets;
	return ARRIVED;
}

static void
end(struct client *client)
{
	struct load *load = client->load;

	if (!client->may_end)
		fail(client, "the server closed the connection");
	if (load->mode->times_sessions)
		load_timed(load, now_ns() - client->began_ns);
	load->totals.sessions++;
	load->totals.last_ns = now_ns();
	load->open--;
	tls_free(&client->tls);
	close(client->fd);
	buffer_release(&client->out);
	line_reader_release(&client->lines);
	client->turn++;
	if (load->mode->is_repeated)
		client_begin(client);
}

static void
receive(struct client *client)
{
	static unsigned char room[READ_OCTETS];

	for (int i = 0; i < TURNS_OF_READS; i++) {
		size_t octets = 0;
		enum arrival arrival = read_some(client, room, &octets);

		if (arrival == ENDED) {
			end(client);
			return;
		}
		if (arrival == NOTHING)
			break;
		take(client, bytes_of(room, octets));
		client_flush(client);
	}
}

/* ---- connecting ---- */

/* Many addresses: ports do not run out, limits by address do not count. */
static void
bind_source(struct client *client)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	int yes = 1;

	if (!address_is_loopback(&client->load->options.to) ||
		client->load->options.to.any.sa_family != AF_INET)
		return;
	from.sin_addr.s_addr =
		htonl(0x7f000101u + (uint32_t)(client->slot % SOURCES));
	setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes,
		sizeof(yes));
	if (bind(client->fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		fail(client, "bind: %s", strerror(errno));
}

static void
open_socket(struct client *client)
{
	const struct address *to = &client->load->options.to;
	int yes = 1;

	client->fd = socket(to->any.sa_family,
		SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		fail(client, "socket: %s", strerror(errno));
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	bind_source(client);
	if (connect(client->fd, &to->any, to->octets) < 0 &&
		errno != EINPROGRESS)
		fail(client, "connect: %s", strerror(errno));
}

static void
prepare(struct client *client)
{
	struct load *load = client->load;
	const struct options *o = &load->options;
	/* A slot has users of its own, so that no two open one maildrop. */
	uint64_t user =
		client->slot +
		o->connections * (client->turn % (o->users / o->connections));

	snprintf(client->user, sizeof(client->user), "%s%04" PRIu64, o->user,
		user);
	buffer_init(&client->out, COMMANDS_OCTETS);
	line_reader_init(&client->lines, REPLY_OCTETS);
	client->lines.is_strict = true;
	client->on_line = load->mode->greeted;
	client->is_ready = !load->tls;
	client->may_end = client->is_in_body = client->wants_write = false;
	client->asked = client->answered = client->sum_octets = 0;
	client->began_ns = now_ns();
	if (!load->totals.first_ns)
		load->totals.first_ns = client->began_ns;
}

/* Of all sessions, the same of each slot: every box is read as often. */
static uint64_t
share(const struct client *client)
{
	const struct options *o = &client->load->options;

	return o->count / o->connections +
	       (client->slot < o->count % o->connections);
}

void
client_begin(struct client *client)
{
	struct load *load = client->load;
	struct epoll_event event = {EPOLLIN | EPOLLOUT, {.ptr = client}};

	if (client->turn >= share(client))
		return;
	if (load->mode != &mode_lmtp)
		load->started++;
	prepare(client);
	open_socket(client);
	if (load->tls) {
		client->tls = tls_connect(load->tls, client->fd, TLS_NAME);
		if (!client->tls)
			fail(client, "no memory for TLS");
	}
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, client->fd, &event) < 0)
		fail(client, "epoll_ctl: %s", strerror(errno));
	client->wants_write = true;
	load->open++;
}

/* ---- events ---- */

static void
shake_hands(struct client *client)
{
	switch (tls_handshake(client->tls)) {
	case TLS_DONE:
		client->is_ready = true;
		break;
	case TLS_WANT_READ:
		watch(client, false);
		break;
	case TLS_WANT_WRITE:
		watch(client, true);
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
	default:
		fail(client, "handshake: %s", tls_error(client->tls));
	}
}

static void
on_event(struct client *client, uint32_t events)
{
	if (!client->is_ready)
		shake_hands(client);
	if (!client->is_ready)
		return;
	if (events & EPOLLOUT)
		client_flush(client);
	if (events & ~(uint32_t)EPOLLOUT || client->tls)
		receive(client);
}

void
clients_turn(struct load *load)
{
	struct epoll_event events[EVENTS];
	int count =
		epoll_wait(load->epoll, events, EVENTS, SILENCE_SECONDS * 1000);

	if (count < 0 && errno != EINTR)
		fail(NULL, "epoll_wait: %s", strerror(errno));
	if (count == 0)
		fail(NULL,
			"nothing happened for %d s on %" PRIu64 " connections",
			SILENCE_SECONDS, load->open);
	for (int i = 0; i < count; i++)
		on_event(events[i].data.ptr, events[i].events);
}

void
clients_run(struct load *load)
{
	while (load->open > 0)
		clients_turn(load);
}
