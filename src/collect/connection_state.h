/* SPDX-License-Identifier: ISC */
/*
 * connection_state - what connection.c and connecting.c share. Nobody else
 * includes it.
 */
#ifndef COLLECT_CONNECTION_STATE_H
#define COLLECT_CONNECTION_STATE_H

#include "collect/connection.h"

enum connection_stage {
	RESOLVING,
	CONNECTING,
	PROXYING, /* connected to the proxy, which is to connect on */
	SHAKING_HANDS,
	OPEN,
	FAILED,
	CLOSING
};

struct connection {
	struct connection_options options;
	const struct connection_events *events;
	void *context;
	enum connection_stage stage;
	bool was_silent;
	/* since when the reply under way is awaited, and what came of it */
	uint64_t opened_ms, awaited_ms, awaited_octets, answers;
	bool was_opened; /* the handshake under way is STLS's */
	bool is_resolving, is_forbidden;
	bool wants_write, tls_reads_for_write, tls_writes_for_read;
	uv_getaddrinfo_t resolve;
	struct addrinfo *addresses, *next;
	int fd;
	struct socks5 socks5;
	struct tls *tls;
	struct buffer output;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned open_handles;
	char last_error[128]; /* of the address tried last */
};

/* ---- connection.c ---- */

/* Tells the owner that it is over; the first failure counts. */
__attribute__((format(printf, 3, 4))) void connection_fail(
	struct connection *c, enum outcome outcome, const char *format, ...);
/* Gives the memory back when it is closed and nothing is under way. */
void connection_finish(struct connection *c);
void connection_start_timer(struct connection *c, uint64_t seconds);
/* How long a handshake may take. */
uint64_t connection_handshake_seconds(const struct connection *c);
/* Has the loop look for what the stage waits for. */
void connection_update_poll(struct connection *c);

/* ---- connecting.c ---- */

/* The socket is connected, or has failed and the next address is tried. */
void connection_connected(struct connection *c);
/* The server is there: TLS comes first, or its greeting. */
void connection_reached(struct connection *c);
void connection_shake_hands(struct connection *c);

/* ---- proxying.c ---- */

void connection_ask_proxy(struct connection *c);
/* The proxy's socket can be read or written. */
void connection_proxy_ready(struct connection *c);

#endif
