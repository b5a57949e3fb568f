/* SPDX-License-Identifier: ISC */
/*
 * web_state - what the files of the web role share. Nobody else includes it.
 */
#ifndef SERVER_WEB_STATE_H
#define SERVER_WEB_STATE_H

#include "server/boot.h"
#include "server/table.h"
#include "server/web_certificates.h"
#include "server/web_history.h"
#include "server/web_http.h"
#include "server/web_role.h"
#include "server/web_told.h"
#include "wire/line_reader.h"

#include <jansson.h>

#define WEB_ROSTER_MAXIMUM 1024
/* Shown by `who`; how many there are is said besides. */
#define WEB_SESSIONS_MAXIMUM 20000

/* A process as the parent told of it. */
struct web_listed {
	enum role role;
	uint32_t number, pid, restarts;
	uint64_t started_seconds;
};

/* A restantectl. Requests are answered one after the other. */
struct web_control {
	uv_pipe_t pipe;		  /* first */
	struct table_entry entry; /* while it awaits another role's answer */
	struct line_reader lines;
	struct buffer in;
	char name[WEB_LINE_MAXIMUM_OCTETS]; /* it is about */
	enum role asked;		    /* whose answer it awaits */
	json_t *sessions; /* gathered for `who`; NULL: not asked for */
	bool is_waiting, is_closing;
};

struct web_role {
	uv_loop_t loop;
	struct boot *boot;
	struct stats *stats[BOOT_STATS_MAXIMUM];
	size_t stats_count;
	struct web_listed roster[WEB_ROSTER_MAXIMUM];
	size_t roster_count;
	struct channel *store, *auth;
	uv_pipe_t listener;
	struct table waiting;
	uint64_t next_request;
	uint64_t started_seconds;
	struct web_certificates certificates;
	struct web_told told;
	unsigned controls;
	struct web_history history;
	uv_timer_t sampling;
};

extern struct web_role web;

/* ---- web_status.c ---- */

json_t *web_status_json(bool has_penalties);

const char *web_role_name(enum role role);
/* The sums over the roles. */
struct web_counters web_count(void);
struct stats_sum web_sum_up(void);

/* ---- web_sessions.c ---- */

/* One row of MESSAGE_WHO_TOLD. */
json_t *web_session_json(struct message_reader *reader);

/* ---- web_site.c ---- */

extern const struct web_http_page web_site[];
/* Begins to sample the counters. */
void web_site_start(void);

/* ---- web_reload.c ---- */

void web_ask_to_reload(struct web_control *control);
/* MESSAGE_RELOADED of the parent; false: malformed. */
bool web_on_reloaded(struct message *message);

/* ---- web_trace.c ---- */

json_t *web_traces_json(void);
/* line: what stands behind the word. */
void web_ask_to_trace(
	struct web_control *control, enum trace_how how, struct bytes line);
/* MESSAGE_TRACES_TOLD of auth; false: malformed. */
bool web_on_traces_told(struct message *message, struct message_reader *reader);

/* ---- web_requests.c ---- */

/* Without waiting: what comes is for the next page. */
void web_ask_survey(void);
void web_ask_penalties(void);
/* Carries out the lines that have come, until one has to wait. */
void web_go_on(struct web_control *control);
void web_end_waiting(struct web_control *control);
/* Sends one line; takes `json`. */
void web_answer(struct web_control *control, json_t *json);
void web_answer_error(struct web_control *control, const char *text);
/* Takes the message's subject for itself. False: the role is not there. */
bool web_ask(
	struct web_control *control, enum role role, struct message *message);
/* One that awaits an answer of that role, or NULL. */
struct web_control *web_who_asked(enum role role);
/* Who awaits this answer, no longer waiting; NULL: gone. */
struct web_control *web_take_waiting(const struct message *message);
/* Answers of store and auth; false: malformed. */
bool web_on_store_message(struct channel *channel, struct message *message);
bool web_on_auth_message(struct channel *channel, struct message *message);
/* The role is gone: who waits for it is told. */
void web_lost(enum role role);

#endif
