/* SPDX-License-Identifier: ISC */
/*
 * state - what the files of pop3/ share of a session. Nobody else includes it.
 */
#ifndef POP3_STATE_H
#define POP3_STATE_H

#include "base/secret.h"
#include "message/surrogate.h"
#include "message/top.h"
#include "pop3/commands.h"
#include "pop3/session.h"
#include "wire/dot_encoder.h"
#include "wire/line_reader.h"

/* A reply that goes on as there is room. */
enum pop3_long_reply {
	POP3_LONG_NONE,
	POP3_LONG_LIST,
	POP3_LONG_UIDL,
	POP3_LONG_CAPA,
	POP3_LONG_MECHANISMS,
	POP3_LONG_LANGUAGES,
};

/* What the owner answered, to be said at the next step. */
enum pop3_answer {
	POP3_ANSWER_NONE,
	POP3_ANSWER_LOGGED_IN,
	POP3_ANSWER_REFUSED,
	POP3_ANSWER_UNREADABLE,
	POP3_ANSWER_COMMITTED,
};

/* A message on its way out; only while RETR or TOP is. */
struct pop3_sending {
	struct pop3_reading reading;
	struct dot_encoder encoder;
	struct top top;
	struct surrogate *surrogate; /* of its header; or NULL */
	bool replaces_nul;
	bool has_begun; /* +OK is written */
	bool is_raw;
	bool is_over; /* only the end line is missing */
	uint64_t fed_octets;
	uint64_t octets;      /* as announced */
	uint64_t sent_octets; /* so far, when they are encoded */
};

struct pop3_session {
	const struct pop3_settings *settings;
	const char *mechanisms; /* of SASL, divided by blanks */
	char *banner_id;
	const char *id;			      /* or NULL */
	const struct pop3_observer *observer; /* or NULL */
	struct line_reader lines;
	struct buffer *out; /* during a step */
	const struct maildrop *maildrop;
	struct index_set deleted, retrieved;
	struct pop3_policy policy;
	struct pop3_sending *sending;
	struct pop3_authentication authentication;
	struct secret user, mechanism, response;
	struct pop3_summary summary;
	struct buffer pending; /* text to be sent before all else */
	const char *expiry;    /* what to say once expired, or NULL */
	uint32_t next_index;   /* of a long reply */
	uint64_t deleted_octets;
	uint16_t bad_commands;
	uint16_t replies; /* to the command in hand: 1 at its end */
	uint8_t state;	  /* enum pop3_state */
	uint8_t next;	  /* enum pop3_next that is awaited, or POP3_READ */
	uint8_t long_reply;
	uint8_t answer; /* enum pop3_answer */
	uint8_t answer_outcome;
	uint8_t language; /* of pop3_languages */
	bool is_utf8, is_tls, is_greeted, is_in_sasl, is_expired, is_closing;
};

/* ---- replies.c ---- */

/* One line, its CRLF added; the text in English, as pop3/languages.c has it, or
   with a "[CODE] " in front. It is said in the session's language. Exactly one of these for each command. */
void pop3_ok(struct pop3_session *session, const char *text);
void pop3_err(struct pop3_session *session, const char *text);
/* %1 and %2 in the text are the numbers, %s is the session's id. */
void pop3_ok_numbers(struct pop3_session *session, const char *text,
	uint64_t one, uint64_t two);
/* As above, and counted as the client's fault. */
void pop3_bad(struct pop3_session *session, const char *text);
/* The one place where outcomes become words. `what` failed. */
void pop3_failed(
	struct pop3_session *session, enum outcome why, const char *what);

/* ---- observing.c ---- */

/* A line of the client before it is carried out; BYTES_NONE: none that could be
   read. */
void pop3_show_line(struct pop3_session *session, struct bytes line);
/* A reply of one line, in `out` from there on. */
void pop3_show_reply(const struct pop3_session *session, size_t from);
/* That a challenge goes out. */
void pop3_show_challenge(
	const struct pop3_session *session, size_t hidden_octets);

/* ---- lists.c ---- */

/* Begins a multi-line reply: "+OK text", then its lines as there is room. */
void pop3_begin_long(struct pop3_session *session, enum pop3_long_reply which,
	const char *text);
/* Goes on; false when `out` is full. */
bool pop3_go_on_long(struct pop3_session *session);

/* ---- handlers: authorization.c, transaction.c, lists.c ---- */

typedef void pop3_handler(
	struct pop3_session *session, const struct pop3_command_input *input);
pop3_handler pop3_on_user, pop3_on_pass, pop3_on_apop, pop3_on_auth,
	pop3_on_stls, pop3_on_capa, pop3_on_quit, pop3_on_stat, pop3_on_list,
	pop3_on_uidl, pop3_on_retr, pop3_on_top, pop3_on_dele, pop3_on_noop,
	pop3_on_rset, pop3_on_utf8, pop3_on_lang;

/* A line that answers a SASL challenge. */
void pop3_on_sasl_line(struct pop3_session *session, struct bytes line);
/* -ERR `why`, which ends the exchange for both sides (RFC 5034 section 4). */
void pop3_cancel_sasl(struct pop3_session *session, const char *why);

bool pop3_may_login_plain(const struct pop3_session *session);
bool pop3_offers_stls(const struct pop3_session *session);
bool pop3_offers_apop(const struct pop3_session *session);
bool pop3_offers_sasl(const struct pop3_session *session);

/* Of a message that exists and is not deleted. ERR_BROKEN: damaged index. */
enum outcome pop3_message(const struct pop3_session *session, uint32_t index,
	struct maildrop_message *out);

/* Of RETR and LIST: what this client will be sent. */
uint64_t pop3_octets_as_sent(const struct pop3_session *session,
	const struct maildrop_message *message);
/* ---- reading.c ---- */

void pop3_sending_free(struct pop3_sending **sending);

/* Wipes what was kept of a login attempt. */
void pop3_forget_secrets(struct pop3_session *session);

#endif
