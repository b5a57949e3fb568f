/* SPDX-License-Identifier: ISC */
/*
 * pop3_session - the server's side of one POP3 connection, without I/O, clock
 * or globals.
 *
 * The owner (server role, transcript runner, fuzzer, simulation) drives it:
 *
 *	next = pop3_session_step(session, &in, &out);
 *
 * takes commands from the front of `in` and appends replies to `out` until it
 * needs something; `next` says what. Replies are only written while `out` has
 * room for a line, so `out`'s maximum is the high-water mark: a client that
 * pipelines and does not read is simply not read any more.
 *
 * One command gets exactly one reply (asserted). Long replies (LIST, UIDL,
 * CAPA) are pulled: they go on at the next step.
 *
 * Source: RFC 1939, 2449, 2595, 3206, 5034.
 */
#ifndef POP3_SESSION_H
#define POP3_SESSION_H

#include "base/buffer.h"
#include "message/index_set.h"
#include "message/maildrop.h"

#define POP3_COMMAND_MAXIMUM_OCTETS 1024 /* with CRLF; RFC 2449 asks for 255 */
#define POP3_SASL_MAXIMUM_OCTETS    65536
#define POP3_REPLY_MAXIMUM_OCTETS   512 /* with CRLF; RFC 2449 section 4 */
/* `out` needs at least this maximum; 16 to 64 KiB is sensible. */
#define POP3_OUTPUT_MINIMUM_OCTETS (2 * POP3_REPLY_MAXIMUM_OCTETS)

/* What CAPA promises: before the login the least that any user may count on
 * (shortest retention, longest delay), after it what this one may. */
struct pop3_policy {
	uint32_t expire_days; /* 0: NEVER */
	uint32_t login_delay_seconds;
	/* Users differ: CAPA says USER behind it. Before the login only. */
	bool expire_is_of_user, login_delay_is_of_user;
	/* Retention counts from retrieval: pop3_session_retrieved is kept. */
	bool tracks_retrieval;
	/* Nothing can be deleted. */
	bool is_read_only;
};

/* Messages with UTF-8 in their header, for a client that did not give UTF8. */
enum pop3_utf8_headers {
	POP3_UTF8_SURROGATE, /* RFC 6858: something it can read */
	POP3_UTF8_REFUSE,    /* -ERR [UTF8] */
	POP3_UTF8_AS_IS,     /* as servers do that know nothing of it */
};

/* Shared by all sessions of a listener; outlives them. */
struct pop3_settings {
	const char *hostname;
	const char *mechanisms; /* SASL names divided by blanks, "PLAIN LOGIN";
				   "" for none */
	bool offers_stls;	/* there is a certificate */
	bool offers_apop;
	bool may_plaintext_without_tls;
	unsigned maximum_bad_commands_before_login; /* in all */
	unsigned maximum_bad_commands_after_login;  /* in a row */
	unsigned maximum_failed_logins;
	struct pop3_policy policy;
	enum pop3_utf8_headers utf8_headers;
	bool replaces_nul; /* by octet 128: some clients stop at NUL */
	unsigned language; /* what LANG * chooses: index of pop3_languages */
	/* How often each row of pop3_commands came, and, behind them, what is
	   none of them; NULL: nobody counts. */
	_Atomic uint64_t *command_counts;
};

extern const struct pop3_settings pop3_settings_default;

enum pop3_next {
	POP3_READ,	   /* `in` is used up: more input */
	POP3_WRITE,	   /* `out` is full: drain it, then step */
	POP3_AUTHENTICATE, /* pop3_session_authentication, then one of
			      _challenge, _opened, _refused */
	POP3_READ_MESSAGE, /* pop3_session_reading, then _feed.. or _raw.. or
			      _read_failed */
	POP3_COMMIT,	   /* delete pop3_session_deleted, then _committed */
	POP3_START_TLS,	   /* drain `out`, throw `in` away, shake hands, then
			      _tls_started; if that fails, close */
	POP3_CLOSE,	   /* drain `out`, then close */
};

struct pop3_session;

/*
 * settings  borrowed for the session's life
 * is_tls    implicit TLS already done
 * banner_id for APOP's timestamp; borrowed for this call; NULL without APOP
 * Returns NULL when memory is short. The greeting comes with the first step.
 */
struct pop3_session *pop3_session_new(const struct pop3_settings *settings,
	bool is_tls, const char *banner_id);
void pop3_session_free(struct pop3_session **session);

enum pop3_next pop3_session_step(
	struct pop3_session *session, struct bytes *in, struct buffer *out);

/* ---- after POP3_AUTHENTICATE ---- */

struct pop3_authentication {
	bool is_first;	   /* false: answer to the challenge given before */
	bool is_cancelled; /* the client sent "*": forget the exchange; no
				completion is awaited */
	struct bytes mechanism; /* "USER" (USER and PASS), "APOP", or a SASL
				      name in capitals; only when is_first */
	struct bytes user;	/* USER and APOP only */
	bool has_response;	/* false: AUTH without initial response */
	struct bytes response;	/* password, digest, or decoded SASL octets */
};
/* Valid until the completion; its secrets are wiped then. */
const struct pop3_authentication *pop3_session_authentication(
	const struct pop3_session *session);

/* Sends "+ " and `challenge` in base64. SASL only. */
void pop3_session_challenge(
	struct pop3_session *session, struct bytes challenge);
/* What it may use now, when that is not what the settings say; borrowed as long
   as the session lives. */
void pop3_session_set_mechanisms(
	struct pop3_session *session, const char *mechanisms);
/* What the server calls the session, to be said after the login; borrowed as
   long as the session lives. */
void pop3_session_set_id(struct pop3_session *session, const char *id);
/* What holds for this user: between pop3_session_authentication and _opened. */
void pop3_session_set_policy(
	struct pop3_session *session, const struct pop3_policy *policy);
/* Logged in, lock held. `maildrop` is borrowed until pop3_session_free. */
void pop3_session_opened(
	struct pop3_session *session, const struct maildrop *maildrop);
/* Not logged in: ERR_DENIED, ERR_BUSY, ERR_TOO_SOON, ERR_TRY_LATER... */
void pop3_session_refused(struct pop3_session *session, enum outcome why);

/* ---- after POP3_READ_MESSAGE (RETR and TOP) ---- */

struct pop3_reading {
	uint32_t index;
	bool is_top;	   /* else RETR */
	bool may_send_raw; /* RETR of a message that needs neither stuffing nor
			      CRLF repair: stored octets are wire octets */
	uint64_t stored_octets;
};
const struct pop3_reading *pop3_session_reading(
	const struct pop3_session *session);

enum pop3_feed {
	POP3_FEED_MORE,	  /* *chunk is used up: feed the next octets */
	POP3_FEED_ROOM,	  /* `out` is full: drain, feed the rest of *chunk */
	POP3_FEED_DONE,	  /* reply complete (rest of *chunk unused): step */
	POP3_FEED_FAILED, /* more or fewer octets than announced: close */
};
/*
 * Feeds the message as stored, in order from its first octet; encodes it into
 * `out` (the +OK line first). is_last says that nothing follows this chunk,
 * which may be empty.
 */
enum pop3_feed pop3_session_feed(struct pop3_session *session,
	struct bytes *chunk, bool is_last, struct buffer *out);

/*
 * Instead of feeding, when may_send_raw: writes the +OK line to `out`; the
 * owner sends `out`, then the stored octets, then calls _raw_end, which lets
 * the next step write the end line.
 * False when `out` has no room: drain and call again.
 */
bool pop3_session_raw_begin(struct pop3_session *session, struct buffer *out);
void pop3_session_raw_end(struct pop3_session *session);

/*
 * The message cannot be read. Before the first octet the client gets -ERR; in
 * the middle the next step is POP3_CLOSE and nothing more is written, since
 * an end line would make a torso look whole.
 */
void pop3_session_read_failed(struct pop3_session *session, enum outcome why);

/* ---- after POP3_COMMIT (QUIT with messages marked deleted) ---- */

const struct index_set *pop3_session_deleted(
	const struct pop3_session *session);
/* OK, or ERR_...: "-ERR [SYS/TEMP] some deleted messages not removed". */
void pop3_session_committed(struct pop3_session *session, enum outcome outcome);

/* What was sent whole by RETR, when the policy tracks it; else empty. */
const struct index_set *pop3_session_retrieved(
	const struct pop3_session *session);

/* ---- after POP3_START_TLS ---- */

void pop3_session_tls_started(struct pop3_session *session);

/* ---- from outside, between steps ---- */

/*
 * The server is stopping or the time is up: the reply in hand is finished, then
 * comes -ERR with `why` as text and the end. Never enters UPDATE. `why` is
 * borrowed for ever; NULL for the autologout timer, which ends the session
 * without a word (RFC 1939 section 3): the client may be sending a command, and
 * would take what is said for its reply.
 */
void pop3_session_expire(struct pop3_session *session, const char *why);

/*
 * Who watches: each line of the client as it is taken, each status line as it is
 * said; no message, no list. What is a secret, or may be one, is not shown but
 * counted: arguments of PASS, APOP and AUTH, all of a SASL exchange, and what is
 * no command.
 */
struct pop3_observer {
	void (*seen)(void *context, bool is_clients, struct bytes shown,
		size_t hidden_octets);
	void *context;
};
/* Borrowed until another one, or NULL, is given, or the session ends. */
void pop3_session_observe(
	struct pop3_session *session, const struct pop3_observer *observer);

/* Counters for the summary line in the log. */
struct pop3_summary {
	uint32_t retr_count, top_count, dele_count;
	uint32_t refused_count; /* wrong user name or password */
	uint64_t sent_octets;	/* of messages, as announced */
	uint64_t top_octets;	/* of TOP, as sent */
	bool is_logged_in, is_committed;
	bool has_quit; /* the client, by QUIT */
};
const struct pop3_summary *pop3_session_summary(
	const struct pop3_session *session);

#endif
