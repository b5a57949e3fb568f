/* SPDX-License-Identifier: ISC */
/*
 * state - what the files of lmtp/ share of a session. Nobody else includes it.
 */
#ifndef LMTP_STATE_H
#define LMTP_STATE_H

#include "lmtp/session.h"
#include "wire/dot_decoder.h"
#include "wire/line_reader.h"

/* Replies to one command fit this. */
#define LMTP_REPLY_ROOM_OCTETS 512

enum lmtp_mode {
	LMTP_COMMANDS,
	LMTP_RECEIVING,	 /* the body, for the owner */
	LMTP_SWALLOWING, /* the body, for nobody: it is refused already */
	LMTP_DELIVERING, /* replies for each recipient */
};

struct lmtp_recipient {
	char *address;
	enum outcome outcome;
	bool is_known; /* outcome is */
};

struct lmtp_session {
	const struct lmtp_settings *settings;
	struct line_reader lines;
	struct buffer *out; /* during a step */
	struct dot_decoder decoder;
	char *helo, *reverse_path; /* NULL: not given */
	struct lmtp_recipient *recipients;
	char *candidate; /* being resolved */
	const char *expiry;
	uint64_t body_octets;
	enum outcome refusal; /* why a body is swallowed */
	const char *refusal_text;
	unsigned recipient_count, recipient_room;
	unsigned replied; /* recipients told after the body */
	unsigned bad_commands;
	uint8_t next;	     /* enum lmtp_next that is awaited, or LMTP_READ */
	uint8_t mode;	     /* enum lmtp_mode */
	uint64_t chunk_left; /* octets of this BDAT */
	bool is_in_chunk, is_last_chunk, is_after_cr,
		is_misplaced; /* a chunk that no transaction waits for */
	bool is_greeted, is_closing, has_quit, has_begun, is_answered,
		is_committed; /* the owner has been asked to */
	enum outcome answer;
};

/* ---- replies.c ---- */

/* One reply line, its CRLF added: "250 2.1.0 sender ok". */
void lmtp_reply(struct lmtp_session *session, const char *text);
/* As above, and counted as the client's fault. */
void lmtp_bad(struct lmtp_session *session, const char *text);
/* The one place where outcomes become words. */
void lmtp_reply_outcome(struct lmtp_session *session, enum outcome outcome,
	const char *address);

/* ---- address.c ---- */

/*
 * Takes "<local@domain>" (or "<>" when may_be_null, or a path without domain)
 * off the front of *rest; a source route is dropped. Copies without <>.
 * False: malformed, too long, or a control character.
 */
bool lmtp_take_path(struct bytes *rest, bool may_be_null,
	char out[LMTP_ADDRESS_MAXIMUM_OCTETS + 1]);

/* ---- session.c ---- */

/* All of it has come: it is to be delivered, or refused for each recipient. */
void lmtp_end_body(struct lmtp_session *session);

/* ---- chunks.c ---- */

/* As much as fits `body`; true at the end of the chunk. */
bool lmtp_take_chunk(
	struct lmtp_session *session, struct bytes *in, struct buffer *body);
void lmtp_end_chunk(struct lmtp_session *session);

/* ---- transaction.c ---- */

typedef void lmtp_handler(struct lmtp_session *session, struct bytes arguments);
lmtp_handler lmtp_on_lhlo, lmtp_on_wrong_hello, lmtp_on_mail, lmtp_on_rcpt,
	lmtp_on_data, lmtp_on_bdat, lmtp_on_rset, lmtp_on_noop, lmtp_on_vrfy,
	lmtp_on_quit;

/* Forgets the transaction; the owner is told when it had begun. */
void lmtp_reset(struct lmtp_session *session);

#endif
