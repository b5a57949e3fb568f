/* SPDX-License-Identifier: ISC */
/*
 * dialog - plays a transcript against a session in one mode: brings the
 * client's octets, takes the server's, compares.
 *
 *	lines      a line at a time; replies are compared before the next one
 *	octets     the same, one octet at a time; nothing may come before a
 *	           command's last octet
 *	pipelined  all octets up to the next event in one write; replies are
 *	           compared at the event
 *	drip       the client sends on without reading and takes an octet only
 *	           when the session says that its output is full
 */
#ifndef TESTS_DIALOG_H
#define TESTS_DIALOG_H

#include "base/buffer.h"
#include "post_office.h"
#include "report.h"

struct dialog;

/* What the owner of the session does next. */
enum advance {
	ADVANCE_READ,  /* it needs more of the client's octets */
	ADVANCE_AGAIN, /* something was carried out: step */
	ADVANCE_WRITE, /* it needs room for its output, or another step */
	ADVANCE_TLS,   /* it waits for the handshake */
	ADVANCE_CLOSE, /* it is over */
};

/* A protocol's session and its owner. */
struct protocol {
	/* A session on a new connection. False: no memory. */
	bool (*start)(struct dialog *dialog);
	/* Takes from *in, writes to dialog->out, answers what was asked. */
	enum advance (*advance)(struct dialog *dialog, struct bytes *in);
	void (*handshake)(struct dialog *dialog);
	void (*expire)(struct dialog *dialog, const char *why);
	/* Frees the session and whatever it held. NULL session: nothing. */
	void (*end)(struct dialog *dialog);
};

extern const struct protocol protocol_pop3, protocol_lmtp;

struct dialog {
	const struct protocol *protocol;
	struct report *report;
	struct post_office *office;
	enum mode mode;
	struct buffer in;  /* sent by the client, not taken by the session */
	struct buffer out; /* written by the session, not taken by the client */
	struct buffer got; /* what the client has, not yet compared */
	bool is_open, is_handshake_due;
	void *owner; /* the protocol's own */
};

/* Everything of the transcript; what is wrong goes to the report. */
void dialog_play(const struct protocol *protocol, struct post_office *office,
	struct report *report);

/* The client takes output: an octet in drip mode, else all there is. */
void dialog_take_output(struct dialog *dialog);

/* Value of a set-up key as a number, a word; what is not set is `otherwise`. */
uint64_t dialog_number(
	const struct dialog *dialog, enum key key, uint64_t otherwise);
bool dialog_is_yes(const struct dialog *dialog, enum key key, bool otherwise);
/* "try-later": OK when the key is not set. */
enum outcome dialog_outcome(const struct dialog *dialog, enum key key);
/* "NAME try-later": of the entry for `name`; OK when there is none. */
enum outcome dialog_outcome_for(
	const struct dialog *dialog, enum key key, struct bytes name);
/* The text of a key, NULL when it is not set. Borrowed. */
const char *dialog_text(const struct dialog *dialog, enum key key);

#endif
