/* SPDX-License-Identifier: ISC */
/*
 * parent_state - what the files of the parent share: parent.c keeps the roles
 * alive, parent_reload.c reads the settings anew, parent_tell.c tells each what it is given, parent_tls.c looks after
 * certificates and ticket keys. Nobody else includes it.
 */
#ifndef SERVER_PARENT_STATE_H
#define SERVER_PARENT_STATE_H

#include "process/channel.h"
#include "config/settings.h"
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
	uint64_t settled; /* the generation of settings that it has */
	bool is_ready, was_ready;
};

struct parent {
	uv_loop_t loop;
	struct server_settings *settings;
	uint64_t generation; /* of them */
	enum outcome (*load)(struct server_settings *out, char *error);
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
/* The settings, and that they are all of their generation. */
void parent_tell_settings(struct child *child);
void parent_tell_settle(struct child *child);
/* Names of settings, of which the first are told. */
struct parent_names {
	char names[RELOADED_MAXIMUM][SETTINGS_CHANGE_SIZE];
	uint32_t count; /* of all */
};
void parent_tell_reloaded(struct child *web, uint64_t request,
	const char *error, const struct parent_names *changed,
	const struct parent_names *restart);
/* Joins a process that just started with all that run. */
void parent_join(struct child *child);
/* Tells web who runs. */
void parent_publish_roster(void);

/* ---- parent_tls.c ---- */

/* Reads and tries what [tls] names; makes ticket keys. */
enum outcome parent_tls_prepare(char error[SETUP_ERROR_SIZE]);
/* Begins to watch the files, their ends and the age of ticket keys. */
void parent_tls_start(void);
/* Reads anew what can be used of the files; of the rest what was before stays,
   and nothing is said of it. */
void parent_tls_reload(void);

/* What `settings` name, read and tried. */
struct parent_tls {
	struct certificate_set certificates;
	struct buffer client_ca;
};

enum outcome parent_tls_read(const struct server_settings *settings,
	struct parent_tls *out, char error[SETUP_ERROR_SIZE]);
void parent_tls_release(struct parent_tls *tls);
/* Takes them over, when parent.settings are those. */
void parent_tls_use(struct parent_tls *tls);

/* ---- parent_reload.c ---- */

void parent_reload_init(void);
/* asker: the web role whose request it is; NULL: a signal. */
void parent_reload(const struct child *asker, uint64_t request);
/* A role has settled, or died. */
void parent_reload_go_on(void);

#endif
