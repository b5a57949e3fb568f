/* SPDX-License-Identifier: ISC */
/*
 * owner - a pop3_session, what owns it and the client at its other end: answers
 * what the session asks, by chance or as it is told, from a maildrop in memory.
 *
 * All chance comes from two seeds. `decisions` says what logins, messages and
 * commits come to, and is used once for each question: the same commands get
 * the same answers, however they are cut. `pace` says how octets are cut.
 */
#ifndef TESTS_POP3_OWNER_H
#define TESTS_POP3_OWNER_H

#include "../check.h"

#include "base/buffer.h"
#include "pop3/session.h"

#define MESSAGES_MAXIMUM    200
#define GOT_MAXIMUM_OCTETS  (64u << 20)
#define OUTPUT_LARGE_OCTETS (1u << 20)
#define MESSAGE_DAMAGED	    UINT32_MAX /* as flags: the record is */
#define DECISIONS_GOOD	    0	       /* as seed: everything succeeds */

struct message {
	struct bytes stored;
	uint32_t flags;
	uint64_t octets, header_octets;
	uint64_t surrogate_octets;
	char uidl[UIDL_MAXIMUM_OCTETS + 1];
};

struct test_maildrop {
	struct maildrop base; /* first */
	struct message messages[MESSAGES_MAXIMUM];
};

void test_maildrop_init(struct test_maildrop *maildrop);
/* Borrows; measures. */
void test_maildrop_add(struct test_maildrop *maildrop, struct bytes stored);
/* So many, of all kinds. */
void test_maildrop_fill(struct test_maildrop *maildrop, uint32_t count);

struct owner {
	struct pop3_session *session;
	const struct test_maildrop *maildrop;
	uint64_t decisions, pace;
	struct buffer out;  /* its maximum is the high-water mark */
	struct buffer got;  /* what the client has read */
	size_t most_octets; /* the client reads so many at once; 0: all */
	unsigned logins, commits, tls_starts, fed, raw;
	bool is_sasl; /* the exchange in hand is */
	bool is_closed;
};

void owner_open(struct owner *owner, const struct pop3_settings *settings,
	const struct test_maildrop *maildrop, uint64_t decisions,
	size_t high_water_octets);
void owner_close(struct owner *owner);

/* Brings all of `in` unless the session closes; returns what is left. */
struct bytes owner_bring(struct owner *owner, struct bytes in);
/* The client reads all there is. */
void owner_read_all(struct owner *owner);
/* Brings a line and its CRLF, and gives what came; valid until the next. */
const char *owner_ask(struct owner *owner, const char *line);

#endif
