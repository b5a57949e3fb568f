/* SPDX-License-Identifier: ISC */
/*
 * connection - a client's connection on a libuv loop: the name is looked up,
 * its addresses are tried in order, TLS comes first or when asked for.
 *
 * One deadline runs at a time: CONNECTION_OPEN_SECONDS until `opened`, for a
 * handshake the time the server may stay silent when that is shorter, then that
 * time whenever connection_expect says that it owes something. Whoever sends
 * just often enough is stopped by the minimum rate and by the longest time that
 * all may take. Events come from the loop, never from within a call of the
 * owner.
 */
#ifndef COLLECT_CONNECTION_H
#define COLLECT_CONNECTION_H

#include "base/buffer.h"
#include "base/outcome.h"
#include "net/socks5.h"
#include "tls/tls.h"

#include <uv.h>

#define CONNECTION_OPEN_SECONDS 30
#define CONNECTION_ERROR_SIZE	512

struct connection_events {
	/* Connected; with implicit TLS the handshake is done. */
	void (*opened)(void *context);
	/* connection_start_tls is done. */
	void (*secured)(void *context);
	void (*received)(void *context, struct bytes octets);
	/* It is over; the owner still calls connection_close. */
	void (*failed)(void *context, enum outcome outcome, const char *reason);
	/* The last event, after connection_close: the memory is gone. */
	void (*closed)(void *context);
};

struct connection_options {
	const char *host; /* borrowed while the connection lives */
	uint16_t port;
	/* Connects on, and looks the name up; borrowed. NULL: none. */
	const struct socks5_proxy *proxy;
	struct tls_context *tls; /* NULL: never TLS */
	bool is_tls_first;
	bool is_loopback_only; /* refuses any other address */
	uint64_t silence_seconds;
	/* Octets a second that a reply must come with once it has taken
	   silence_seconds; 0: any. */
	uint64_t minimum_rate;
	uint64_t maximum_seconds; /* for all of it; 0: any */
};

struct connection;

/* NULL: no memory. */
struct connection *connection_open(uv_loop_t *loop,
	const struct connection_options *options,
	const struct connection_events *events, void *context);
/* Sends what is in *from, now and as the network takes it; wiped as it goes. */
void connection_send(struct connection *connection, struct buffer *from);
void connection_start_tls(struct connection *connection);
/* Does the server owe an answer? Then it is waited for silence_seconds.
 * answers: how many it has given; each new one has its time for itself. */
void connection_expect(
	struct connection *connection, bool is_awaited, uint64_t answers);
/* Did it fail because nothing came for silence_seconds? */
bool connection_was_silent(const struct connection *connection);
void connection_close(struct connection **connection);

/* "TLSv1.3/...", or "" in clear. */
const char *connection_tls_description(const struct connection *connection);
/* RFC 9266, what a login can be bound to. False: below TLS 1.3, or in clear. */
bool connection_exporter(struct connection *connection, unsigned char out[32]);

#endif
