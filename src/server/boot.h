/* SPDX-License-Identifier: ISC */
/*
 * boot - what a role is given before it runs, and the end of every role's
 * start: privileges dropped, loop running, parent told.
 */
#ifndef SERVER_BOOT_H
#define SERVER_BOOT_H

#include "config/server_settings.h"
#include "process/channel.h"
#include "process/privileges.h"
#include "server/protocol.h"
#include "server/stats.h"

#define BOOT_LISTENERS_MAXIMUM	(SETTINGS_LISTENERS_MAXIMUM * 8)
#define BOOT_STATS_MAXIMUM	1024
#define BOOT_PEERS_MAXIMUM	128
#define BOOT_PEM_MAXIMUM_OCTETS (1u << 20)
#define BOOT_PEMS_MAXIMUM	2050 /* two of each [tls NAME], and of [tls] */

struct boot_listener {
	enum listener_kind kind;
	const struct listener_settings *settings; /* NULL: a control socket */
	int fd;
};

struct boot_stats {
	enum role role;
	uint32_t number;
	int fd;
};

struct boot_peer {
	enum role role;
	uint64_t instance;
	int fd;
};

/* What comes in pieces: certificates, keys. */
struct boot_pem {
	char name[256]; /* of [tls NAME], or "" */
	struct buffer text;
};

struct boot_pems {
	struct boot_pem *pems;
	size_t count;
	bool is_open;  /* the last one goes on */
	bool is_whole; /* use them, and wipe them */
};

struct boot {
	struct server_settings settings;
	struct server_settings at_start; /* once a reload replaced them */
	bool was_reloaded;
	struct boot_listener listeners[BOOT_LISTENERS_MAXIMUM];
	size_t listener_count;
	struct boot_stats stats[BOOT_STATS_MAXIMUM];
	size_t stats_count;
	struct boot_peer peers[BOOT_PEERS_MAXIMUM];
	size_t peer_count;
	struct boot_pems certificates, keys, client_ca;
	unsigned char ticket_keys[TICKET_KEYS][TICKET_KEY_OCTETS];
	int crowd_fd; /* -1: none */
	uint32_t number;
	uint64_t instance;
};

/* Receives until MESSAGE_START. Ends the process when that goes wrong. */
struct boot *boot_receive(void);
void boot_free(struct boot **boot);

/* Takes MESSAGE_CERTIFICATE or MESSAGE_KEY. False: malformed. */
bool boot_pems_take(struct boot_pems *pems, struct message *message);
void boot_pems_wipe(struct boot_pems *pems);
/* Takes MESSAGE_TICKET_KEYS into boot->ticket_keys. False: malformed. */
bool boot_take_ticket_keys(struct boot *boot, struct message *message);

/* As [server] log and log-level say; `name` is borrowed for ever. */
void boot_log_open(const struct boot *boot, const char *name);
/* An empty directory to be the root of a role without files; -1 when the
   process is not root. */
int boot_empty_root(const struct boot *boot);
/*
 * For on_settings: `fresh` becomes boot->settings. What was taken at the start
 * of settings that need a restart stays where it was.
 */
void boot_use_settings(struct boot *boot, struct server_settings *fresh);
/* A directory below [server] state, opened before privileges are dropped. */
int boot_state_directory(const struct boot *boot, const char *name);
/* The counters that are this role's own. */
struct stats *boot_own_stats(struct boot *boot);

/* What is in memory never goes to the disk, where more than the usual limit may
   be locked also what comes. Before privileges are dropped. */
void boot_lock_memory(void);
/* The user of this role; root_fd (taken, -1 for none) becomes its root. */
void boot_drop_privileges(const char *user, int *root_fd);
/* The same in / with a supplementary group, "" for none. */
void boot_drop_privileges_keep(const char *user, const char *group);

/* The parent's channel of a running role. */
struct boot_handler {
	bool (*on_peer)(enum role role, uint64_t instance, int *fd);
	void (*on_stop)(void);
	/* Settings of a reload, to be taken over, for what begins from now on;
	   those that need a restart are as they were. False: no memory, and the
	   ones before stay. NULL: nothing here depends on what can change. */
	bool (*on_settings)(struct server_settings *fresh);
	/* Anything else; false: malformed. May be NULL. */
	bool (*on_message)(struct message *message);
};

/*
 * Hands the peers that came before the start to `handler`, opens the parent's
 * channel on `loop`, where more come in, and tells it MESSAGE_READY. When the parent goes, the process ends.
 */
void boot_finish(
	struct boot *boot, uv_loop_t *loop, const struct boot_handler *handler);
/* False: it is not there. */
bool boot_tell_parent(struct message *message);
/*
 * Handles what the parent has sent already: a peer that a third role speaks of
 * may still be on its way here.
 */
void boot_settle(void);
/* Ends the process with success. */
void boot_leave(void);

#endif
