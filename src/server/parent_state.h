/* SPDX-License-Identifier: ISC */
/*
 * parent_state - what the files of the parent share: parent.c keeps the roles
 * alive, parent_tell.c tells each what it is given. Nobody else includes it.
 */
#ifndef SERVER_PARENT_STATE_H
#define SERVER_PARENT_STATE_H

#include "process/channel.h"
#include "server/parent.h"
#include "server/setup.h"

#include <sys/types.h>
#include <uv.h>

#define CHILDREN_MAXIMUM (PARENT_SESSIONS_MAXIMUM + 4)

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
	struct buffer certificate, key;
	unsigned char ticket_key[48];
	uint64_t next_instance;
	uv_signal_t signals[4];
	uv_timer_t stop_timer, watchdog;
	bool is_open; /* every role was ready */
	bool is_stopping, is_killing;
	int exit_code;
};

extern struct parent parent;
extern const char *const parent_role_names[ROLE_COUNT];

/* ---- parent_tell.c ---- */

void parent_tell_plain(struct child *child, enum server_message type);
/* To a session the certificate, to key its key. */
void parent_tell_certificate(struct child *child);
/* What a process is given before it starts. */
void parent_tell_given(struct child *child);
void parent_tell_start(struct child *child);
/* Joins a process that just started with all that run. */
void parent_join(struct child *child);
/* Tells web who runs. */
void parent_publish_roster(void);

#endif
