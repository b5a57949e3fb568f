/* SPDX-License-Identifier: ISC */
/*
 * lmtp_session - the server's side of one LMTP connection, without I/O, clock
 * or globals. Driven like pop3_session.
 *
 *	next = lmtp_session_step(session, &in, &out, &body);
 *
 * Commands go in by `in`, replies come out by `out`, decoded message octets
 * (dots undone, only CRLF.CRLF ends, bare LF made CRLF or refused) by `body`.
 *
 * Source: RFC 2033, 5321, 2034 (enhanced codes), 1870 (SIZE), 6531, 3030
 * (CHUNKING).
 */
#ifndef LMTP_SESSION_H
#define LMTP_SESSION_H

#include "base/buffer.h"
#include "base/outcome.h"

#define LMTP_COMMAND_MAXIMUM_OCTETS                                            \
	2048				 /* RFC 5321 section 4.5.3.1, grown
					    for MAIL's parameters */
#define LMTP_RECIPIENTS_MAXIMUM	    1000 /* RFC 5321 asks for 100 */
#define LMTP_ADDRESS_MAXIMUM_OCTETS 320
#define LMTP_OUTPUT_MINIMUM_OCTETS  1024

struct lmtp_settings {
	const char *hostname;
	uint64_t maximum_message_octets; /* SIZE */
	bool rejects_bare_newline;	 /* bare-newline = reject */
	unsigned maximum_bad_commands;
};

extern const struct lmtp_settings lmtp_settings_default;

enum lmtp_next {
	LMTP_READ,    /* `in` is used up: more input */
	LMTP_WRITE,   /* `out` is full: drain it, then step */
	LMTP_RESOLVE, /* whose maildrop is lmtp_session_recipient(session,
			 lmtp_session_recipient_count(session))? Then
			 lmtp_session_resolved */
	LMTP_BEGIN, /* DATA or the first BDAT: open an append for each accepted recipient, then
			 lmtp_session_begun */
	LMTP_BODY, /* `body` holds octets for every recipient: take them (clear
			 it), then step */
	LMTP_COMMIT, /* body complete: make it durable for each recipient, then
			 lmtp_session_delivered for each */
	LMTP_ABORT,  /* forget the appends that were begun, then step */
	LMTP_CLOSE,  /* drain `out`, then close (forget what was begun) */
};

struct lmtp_session;

struct lmtp_session *lmtp_session_new(const struct lmtp_settings *settings);
void lmtp_session_free(struct lmtp_session **session);

/* After LMTP_BODY: these were the last octets, and LMTP_COMMIT comes next. It may
   be asked for before they are taken. */
bool lmtp_session_has_ended(const struct lmtp_session *session);
/* `body` has a maximum of at least 4 KiB, empty after each LMTP_BODY. */
enum lmtp_next lmtp_session_step(struct lmtp_session *session, struct bytes *in,
	struct buffer *out, struct buffer *body);

/* Of the transaction in hand; borrowed until RSET, MAIL or the last reply. */
struct bytes lmtp_session_helo(const struct lmtp_session *session);
struct bytes lmtp_session_reverse_path(const struct lmtp_session *session);
/* Accepted recipients, numbered from 0 in the order of their RCPT. */
unsigned lmtp_session_recipient_count(const struct lmtp_session *session);
/* index <= count; index == count is the one being resolved. Without <>. */
struct bytes lmtp_session_recipient(
	const struct lmtp_session *session, unsigned index);

/* OK 250; ERR_DENIED 550 5.1.1 (unknown); ERR_TRY_LATER 451 4.3.0;
 * ERR_OVER_QUOTA 552 5.2.2; ERR_SOFT_QUOTA 452 4.2.2; ERR_NO_SPACE 452 4.3.1; ERR_BROKEN 451 4.3.5 */
void lmtp_session_resolved(struct lmtp_session *session, enum outcome outcome);
/* OK 354; else one reply as above and back to the transaction's start. */
void lmtp_session_begun(struct lmtp_session *session, enum outcome outcome);
/*
 * What became of recipient `index`, in any order; each exactly once. The
 * replies go out in the order of RCPT as soon as they can.
 */
void lmtp_session_delivered(
	struct lmtp_session *session, unsigned index, enum outcome outcome);

/* The client is done, and has said so. */
bool lmtp_session_has_quit(const struct lmtp_session *session);

/* Between commands: 421 4.3.2 `why`, then LMTP_CLOSE. */
void lmtp_session_expire(struct lmtp_session *session, const char *why);

#endif
