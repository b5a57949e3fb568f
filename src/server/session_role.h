/* SPDX-License-Identifier: ISC */
/*
 * session_role - the process that talks to clients: it parses all hostile
 * input, holds no file, and gets what it may read as descriptors from store.
 */
#ifndef SERVER_SESSION_ROLE_H
#define SERVER_SESSION_ROLE_H

#include "net/deadlines.h"
#include "server/boot.h"
#include "server/session_news.h"
#include "server/session_settings.h"
#include "server/table.h"
#include "server/watchers.h"

#define SESSION_HANDSHAKE_MS 60000
#define SESSION_TICK_MS	     1000
#define SESSION_ACCEPT_BATCH 64
/* So many at once are a crowd: when it has gone, so does its memory. */
#define SESSION_CROWD 256

struct connection;
struct crowd;
struct protocol;
struct tls_context;

struct session_listener {
	uv_poll_t poll;
	struct session_role *role;
	const struct protocol *protocol;
	size_t number; /* its place, here and in session_settings */
	bool is_tls;
	int fd;
};

/* Of one kind of line in the log, so that nobody can fill it. */
struct seldom {
	uint64_t told_ms;
	unsigned more; /* not told since */
};

struct session_role {
	uv_loop_t loop;
	struct boot *boot;
	struct stats *stats;
	struct tls_context *tls; /* NULL: no certificate */
	struct channel *auth, *store;
	struct table connections;
	struct watchers watchers;
	struct connection *closed; /* freed when nobody is at work on them */
	uv_prepare_t before_waiting;
	size_t most_connections; /* since memory was given back */
	struct deadlines idle, deaf, handshakes;
	struct connection *oldest, *newest; /* not logged in */
	struct crowd *crowd;
	struct session_settings *settings; /* the newest */
	struct seldom dropped, refused, unannounced;
	struct session_listener listeners[BOOT_LISTENERS_MAXIMUM];
	size_t listener_count;
	uint64_t next_id;
	struct session_news news;
	uint64_t vanished_ms; /* when it was looked for them */
	uv_timer_t tick;
	bool is_stopping;
};

/* Runs the role; does not return. */
void session_role_run(void);
/* Connections one by one, safe against their closing meanwhile. */
void session_role_each(
	void (*each)(struct connection *connection, const void *context),
	const void *context);

#endif
