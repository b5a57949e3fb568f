/* SPDX-License-Identifier: ISC */
/*
 * parent_state - what the files of the parent share: parent.c keeps the roles
 * alive, parent_tell.c tells each what it is given, parent_tls.c looks after
 * certificates and ticket keys. Nobody else includes it.
 */
#ifndef SERVER_PARENT_STATE_H
#define SERVER_PARENT_STATE_H

#include "process/channel.h"
#include "server/parent.h"
#include "server/setup.h"

#include <sys/types.h>
#include <uv.h>

#define CHILDREN_MAXIMUM (PARENT_SESSIONS_MAXIMUM + 5)

struct child {
	enum role role;
	uint32_t number;
	uint64_t instance; /* of the process running now */
	pid_t pid;	   /* 0: none */
	struct channel *channel;
	uv_timer_t again;
	uint64_t started_ms, started_seconds, backoff_ms;
	uint32_t restarts;
	int stats_fd;
	bool is_ready, was_ready;
};

struct parent {
	uv_loop_t loop;
	const struct server_settings *settings;
	void (*on_ready)(const struct server_settings *settings);
	struct child children[CHILDREN_MAXIMUM];
	size_t child_count;
	int session_count;
	struct setup_sockets sockets;
	int crowd_fd; /* crowd.h */
	struct certificate_set certificates;
	struct buffer client_ca; /* PEM; empty: clients are not asked */
	unsigned char ticket_keys[TICKET_KEYS][TICKET_KEY_OCTETS];
	uint64_t next_instance;
	uv_signal_t signals[4];
	uv_timer_t stop_timer, watchdog;
	bool is_open; /* every role was ready */
	bool is_stopping, is_killing;
	int exit_code;
};

extern struct parent parent;
extern const char *const parent_role_names[ROLE_COUNT];

/* ---- parent_trust.c ---- */

/*
 * `by` says that `who` sent something malformed. The one of the two that is
 * trusted less must go, so that a process that was taken over can say nothing
 * that ends a better one.
 */
enum role parent_less_trusted(enum role by, enum role who);

/* ---- parent_tell.c ---- */

void parent_tell_plain(struct child *child, enum server_message type);
/* To a session the certificates, to key their keys, to web what they are. */
void parent_tell_certificates(struct child *child);
void parent_tell_ticket_keys(struct child *child);
/* What a process is given before it starts. */
void parent_tell_given(struct child *child);
void parent_tell_start(struct child *child);
/* Joins a process that just started with all that run. */
void parent_join(struct child *child);
/* Tells web who runs. */
void parent_publish_roster(void);

/* ---- parent_tls.c ---- */

/* Reads and tries what [tls] names; makes ticket keys. */
enum outcome parent_tls_prepare(char error[SETUP_ERROR_SIZE]);
/* Begins to watch the files, their ends and the age of ticket keys. */
void parent_tls_start(void);
/* Reads all anew, as somebody asked for. */
void parent_tls_reload(void);

#endif
