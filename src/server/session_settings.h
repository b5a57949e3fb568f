/* SPDX-License-Identifier: ISC */
/*
 * session_settings - one generation of the settings in a session process. A
 * connection keeps the one it began with to its end; a reload makes another for
 * those that come then.
 */
#ifndef SERVER_SESSION_SETTINGS_H
#define SERVER_SESSION_SETTINGS_H

#include "base/networks.h"
#include "config/setup_settings.h"
#include "lmtp/session.h"
#include "pop3/session.h"
#include "sasl/server.h"
#include "server/boot.h"

/* All names of mechanisms, divided by blanks. */
#define SESSION_MECHANISMS_SIZE 192

struct session_listener_settings {
	struct pop3_settings pop3;
	char proxy_networks[NETWORKS_SIZE]; /* "": none */
};

/* What does not change while the process runs. */
struct session_given {
	const struct boot *boot;
	bool has_certificate;
	_Atomic uint64_t *command_counts; /* by the command's row */
};

struct session_settings {
	struct server_settings all;
	struct lmtp_settings lmtp;
	struct session_listener_settings *listeners; /* in boot's order */
	/* What SASL offers, by what a connection has (enum sasl_need). */
	char mechanisms[SASL_HAS_COMBINATIONS][SESSION_MECHANISMS_SIZE];
	char exempt_networks[NETWORKS_SIZE];
	struct setup_facts setup;
	char setup_url[SETUP_URL_SIZE];
	struct buffer setup_code; /* of the URL, as an SVG */
	size_t users; /* connections, and the role while it is the newest */
	bool is_of_start;
};

/* As CAPA counts them: no message goes before so many days are over. */
uint32_t session_role_days(uint64_t seconds);

/* Takes `all` over, unless it is boot's own. NULL: no memory; `all` is as it
   was. */
struct session_settings *session_settings_new(
	const struct session_given *given, struct server_settings *all);
/* One more user; returns `settings`. */
struct session_settings *session_settings_hold(
	struct session_settings *settings);
/* One less; sets it to NULL. */
void session_settings_drop(struct session_settings **settings);

#endif
