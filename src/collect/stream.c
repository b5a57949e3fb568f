/* SPDX-License-Identifier: ISC */
#include "collect/stream.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "net/address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_OCTETS 4096
#define HOST_SIZE   256
#define UNIX_PREFIX "unix:"

struct stream {
	struct stream_options options;
	char host[HOST_SIZE];
	int fd;
	struct tls *tls;
	bool is_local;
	uint64_t deadline_ms; /* of the step under way */
	struct buffer input;
	size_t taken; /* of the line given last, with its end */
	char error[STREAM_ERROR_SIZE];
};

static enum outcome
fail(struct stream *s, const char *what, const char *why)
{
	snprintf(s->error, sizeof(s->error), "%.100s: %.390s", what, why);
	return ERR_TRY_LATER;
}

static void
begin_step(struct stream *s)
{
	s->deadline_ms =
		clock_monotonic_ms() + s->options.timeout_seconds * 1000;
}

static enum outcome
wait_for(struct stream *s, short events)
{
	struct pollfd poll_fd = {.fd = s->fd, .events = events};
	uint64_t now_ms = clock_monotonic_ms();
	int got = 0;

	if (now_ms < s->deadline_ms)
		got = poll(&poll_fd, 1, (int)(s->deadline_ms - now_ms));
	if (got > 0 || (got < 0 && errno == EINTR))
		return OK;
	return fail(s, s->options.server,
		got == 0 ? "it does not answer" : strerror(errno));
}

/* ---- opening ---- */

static enum outcome
connect_to(struct stream *s, const struct sockaddr *to, socklen_t octets)
{
	socklen_t size = sizeof(int);
	int error = 0;

	s->fd = socket(
		to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return fail(s, s->options.server, strerror(errno));
	if (connect(s->fd, to, octets) == 0)
		return OK;
	if (errno == EINPROGRESS && wait_for(s, POLLOUT) == OK) {
		getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error == 0)
			return OK;
		errno = error;
	}
	fail(s, s->options.server, strerror(errno));
	close(s->fd);
	s->fd = -1;
	return ERR_TRY_LATER;
}

/* "host:port", "host", "[::1]:port" */
static bool
split_server(struct stream *s, char port[16])
{
	const char *text = s->options.server;
	const char *end = strrchr(text, ':');
	bool is_bracketed = text[0] == '[';
	const char *close_at = is_bracketed ? strchr(text, ']') : NULL;

	if (is_bracketed && !close_at)
		return false;
	if (is_bracketed && end < close_at)
		end = NULL;
	snprintf(port, 16, "%s", end ? end + 1 : s->options.default_port);
	if (is_bracketed)
		return bytes_to_string(
			bytes_of(text + 1, (size_t)(close_at - text - 1)),
			s->host, sizeof(s->host));
	return bytes_to_string(
		bytes_of(text, end ? (size_t)(end - text) : strlen(text)),
		s->host, sizeof(s->host));
}

static enum outcome
connect_to_host(struct stream *s, const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
	enum outcome outcome = ERR_TRY_LATER;
	int code = getaddrinfo(host, port, &hints, &found);

	if (code != 0)
		return fail(s, host, gai_strerror(code));
	for (struct addrinfo *to = found; to && outcome != OK;
		to = to->ai_next) {
		struct address address = {.octets = to->ai_addrlen};

		memcpy(&address.storage, to->ai_addr, to->ai_addrlen);
		s->is_local = address_is_loopback(&address);
		outcome = connect_to(s, to->ai_addr, to->ai_addrlen);
	}
	freeaddrinfo(found);
	return outcome;
}

/* Sends what is queued, reads what is wanted. */
static enum outcome
speak_socks5(struct stream *s, struct socks5 *socks5, struct buffer *out)
{
	unsigned char octets[SOCKS5_FIELD_MAXIMUM_OCTETS + 8];
	enum socks5_result result = SOCKS5_MORE;
	enum outcome outcome = OK;

	while (result == SOCKS5_MORE && outcome == OK) {
		ssize_t got;

		outcome = stream_write(s, buffer_bytes(out));
		buffer_wipe(out);
		if (outcome == OK)
			outcome = wait_for(s, POLLIN);
		if (outcome != OK)
			return outcome;
		got = recv(s->fd, octets, socks5_wanted(socks5), 0);
		if (got > 0)
			result = socks5_take(
				socks5, bytes_of(octets, (size_t)got), out);
		else if (got == 0 || (errno != EAGAIN && errno != EINTR))
			return fail(s, "the proxy",
				got == 0 ? "it closed the connection"
					 : strerror(errno));
	}
	return result == SOCKS5_DONE
		       ? OK
		       : fail(s, "the proxy", socks5_error(socks5));
}

static enum outcome
connect_by_proxy(struct stream *s, uint16_t port)
{
	const struct socks5_proxy *proxy = s->options.proxy;
	struct socks5 socks5;
	enum outcome outcome;
	struct buffer out;
	char text[8];

	snprintf(text, sizeof(text), "%u", proxy->port);
	outcome = connect_to_host(s, proxy->host, text);
	s->is_local = false;
	if (outcome != OK)
		return outcome;
	buffer_init(&out, SOCKS5_OUTPUT_MAXIMUM_OCTETS);
	if (socks5_begin(&socks5, proxy, s->host, port, &out) == SOCKS5_MORE)
		outcome = speak_socks5(s, &socks5, &out);
	else
		outcome = fail(s, "the proxy", socks5_error(&socks5));
	buffer_wipe(&out);
	return outcome;
}

static enum outcome
connect_by_name(struct stream *s)
{
	uint64_t number = 0;
	char port[16];

	if (!split_server(s, port)) {
		fail(s, s->options.server, "is no server");
		return ERR_PEER;
	}
	if (!s->options.proxy)
		return connect_to_host(s, s->host, port);
	if (!bytes_to_number(bytes_of_string(port), 65535, &number)) {
		fail(s, s->options.server, "is no server");
		return ERR_PEER;
	}
	return connect_by_proxy(s, (uint16_t)number);
}

static enum outcome
connect_anywhere(struct stream *s)
{
	struct address address;

	begin_step(s);
	if (strncmp(s->options.server, UNIX_PREFIX, strlen(UNIX_PREFIX)) != 0)
		return connect_by_name(s);
	s->is_local = true;
	if (!address_parse(bytes_of_string(s->options.server), &address)) {
		fail(s, s->options.server, "is no socket");
		return ERR_PEER;
	}
	return connect_to(s, &address.any, address.octets);
}

enum outcome
stream_start_tls(struct stream *s)
{
	enum tls_result result = TLS_FAILED;
	enum outcome outcome = OK;

	begin_step(s);
	/* What came in clear behind the reply is not the server's word. */
	if (s->input.octets > s->taken) {
		fail(s, s->options.server, "data came in clear before TLS");
		return ERR_DENIED;
	}
	s->tls = tls_connect(s->options.tls, s->fd,
		s->options.name ? s->options.name : s->host);
	while (s->tls && outcome == OK) {
		result = tls_handshake(s->tls);
		if (result != TLS_WANT_READ && result != TLS_WANT_WRITE)
			break;
		outcome =
			wait_for(s, result == TLS_WANT_READ ? POLLIN : POLLOUT);
	}
	if (outcome != OK || result == TLS_DONE)
		return outcome;
	fail(s, s->options.server, s->tls ? tls_error(s->tls) : "no memory");
	return ERR_DENIED;
}

enum outcome
stream_open(const struct stream_options *options, struct stream **out,
	char error[STREAM_ERROR_SIZE])
{
	struct stream *s = calloc(1, sizeof(*s));
	enum outcome outcome;

	if (!s) {
		snprintf(error, STREAM_ERROR_SIZE, "no memory");
		return ERR_TRY_LATER;
	}
	s->options = *options;
	s->fd = -1;
	buffer_init(&s->input, STREAM_LINE_MAXIMUM_OCTETS + READ_OCTETS);
	outcome = connect_anywhere(s);
	if (outcome == OK && options->is_tls_first)
		outcome = stream_start_tls(s);
	if (outcome == OK) {
		*out = s;
		return OK;
	}
	snprintf(error, STREAM_ERROR_SIZE, "%s", s->error);
	stream_close(&s);
	return outcome;
}

void
stream_close(struct stream **stream)
{
	struct stream *s = *stream;

	if (!s)
		return;
	if (s->tls)
		tls_shutdown(s->tls);
	tls_free(&s->tls);
	if (s->fd >= 0)
		close(s->fd);
	buffer_wipe(&s->input);
	free(s);
	*stream = NULL;
}

bool
stream_has_tls(const struct stream *s)
{
	return s->tls != NULL;
}

const struct tls *
stream_tls(const struct stream *s)
{
	return s->tls;
}

bool
stream_is_private(const struct stream *s)
{
	return s->tls || s->is_local;
}

const char *
stream_error(const struct stream *s)
{
	return s->error;
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
	return errno == EAGAIN || errno == EINTR ? wait : TLS_FAILED;
}

/* OK: something was done, or may be now. */
static enum outcome
go_on(struct stream *s, enum tls_result result)
{
	switch (result) {
	case TLS_DONE:
		return OK;
	case TLS_WANT_READ:
		return wait_for(s, POLLIN);
	case TLS_WANT_WRITE:
		return wait_for(s, POLLOUT);
	case TLS_CLOSED:
		fail(s, s->options.server, "it closed the connection");
		return ERR_GONE;
	case TLS_FAILED:
	default:
		fail(s, s->options.server,
			s->tls ? tls_error(s->tls) : strerror(errno));
		return ERR_GONE;
	}
}

enum outcome
stream_write(struct stream *s, struct bytes octets)
{
	enum outcome outcome = OK;

	begin_step(s);
	while (octets.octets > 0 && outcome == OK) {
		size_t done = 0;
		enum tls_result result =
			s->tls ? tls_write(s->tls, octets, &done)
			       : result_of(send(s->fd, octets.at, octets.octets,
						   MSG_NOSIGNAL),
					 TLS_WANT_WRITE, &done);

		octets = bytes_after(octets, done);
		outcome = go_on(s, result);
	}
	return outcome;
}

static enum outcome
read_some(struct stream *s)
{
	unsigned char *to = buffer_reserve(&s->input, READ_OCTETS);
	enum tls_result result;
	size_t done = 0;

	if (!to) {
		fail(s, s->options.server, "it sent a line without end");
		return ERR_PEER;
	}
	result = s->tls ? tls_read(s->tls, to, READ_OCTETS, &done)
			: result_of(recv(s->fd, to, READ_OCTETS, 0),
				  TLS_WANT_READ, &done);
	buffer_grow(&s->input, done);
	return go_on(s, result);
}

enum outcome
stream_read_line(struct stream *s, const char **out)
{
	enum outcome outcome = OK;
	unsigned char *start, *end = NULL;

	buffer_consume(&s->input, s->taken);
	s->taken = 0;
	begin_step(s);
	while (outcome == OK) {
		start = s->input.memory + s->input.start;
		if (s->input.octets > 0)
			end = memchr(start, '\n', s->input.octets);
		if (end)
			break;
		outcome = read_some(s);
	}
	if (outcome != OK)
		return outcome;
	s->taken = (size_t)(end - start) + 1;
	*end = '\0';
	if (end > start && end[-1] == '\r')
		end[-1] = '\0';
	*out = (const char *)start;
	return OK;
}
