/* SPDX-License-Identifier: ISC */
/*
 * owner - an lmtp_session, what owns it and the client at its other end.
 *
 * All chance comes from two seeds. `decisions` says what recipients, appends
 * and deliveries come to, and is used once for each question: the same commands
 * get the same answers, however they are cut. `pace` says how octets are cut
 * and in which order deliveries end.
 */
#ifndef TESTS_LMTP_OWNER_H
#define TESTS_LMTP_OWNER_H

#include "../check.h"

#include "base/buffer.h"
#include "lmtp/session.h"

#define GOT_MAXIMUM_OCTETS  (64u << 20)
#define OUTPUT_LARGE_OCTETS (1u << 20)
#define BODY_LEAST_OCTETS   4096
#define DECISIONS_GOOD	    0 /* as seed: everything succeeds */

struct owner {
	struct lmtp_session *session;
	const struct lmtp_settings *settings;
	uint64_t decisions, pace;
	struct buffer out;   /* its maximum is the high-water mark */
	struct buffer body;  /* of the session, for the owner */
	struct buffer got;   /* what the client has read */
	struct buffer data;  /* of the append that began last */
	struct buffer store; /* "reverse-path>recipient,...:data" */
	size_t most_octets;  /* the client reads so many at once; 0: all */
	unsigned begins, begins_failed, commits, aborts, waits;
	enum outcome outcomes[LMTP_RECIPIENTS_MAXIMUM];
	unsigned order[LMTP_RECIPIENTS_MAXIMUM];
	unsigned undelivered;
	bool has_begun, is_closed;
	bool must_commit; /* the session said that the body has ended */
};

void owner_open(struct owner *owner, const struct lmtp_settings *settings,
	uint64_t decisions, size_t high_water_octets);
void owner_close(struct owner *owner);

/* Brings all of `in` unless the session closes; returns what is left. */
struct bytes owner_bring(struct owner *owner, struct bytes in);
/* The client reads all there is. */
void owner_read_all(struct owner *owner);
/* Brings octets and gives what came for them; valid until the next. */
const char *owner_ask(struct owner *owner, const char *octets);

#endif
