/* SPDX-License-Identifier: ISC */
/*
 * post_office - what stands behind a session in a transcript: the people with
 * their passwords, and a memory store with their mail.
 *
 * The first message of a mailbox has always the same UIDL, the second the next
 * and so on, so that transcripts can spell them out.
 */
#ifndef TESTS_POST_OFFICE_H
#define TESTS_POST_OFFICE_H

#include "report.h"
#include "store/files.h"
#include "store/store.h"

struct person {
	const char *name;
	const char *password;
	const char *apop_digest; /* for the banner of RFC 1939 section 7 */
};

extern const struct person people[];
extern const unsigned people_count;

/* NULL: nobody is called that. */
const struct person *person_named(struct bytes name);

/* "memory", as it is at first, or another that store_open knows: it is opened in
   a folder of its own, and has other UIDLs. */
extern const char *post_office_store;

struct post_office {
	struct files files; /* the system's, but for random */
	char folder[64];    /* of a store that has files */
	unsigned char next_random;
	struct store *store;
	struct store_session *other; /* who has alice's maildrop open */
};

/* Alice gets the transcript's mail. False: said why. */
bool post_office_open(
	struct post_office *office, const struct transcript *transcript);
void post_office_close(struct post_office *office);

/* Every mailbox holds what the transcript says, and its lock is free. */
void post_office_check(struct post_office *office, struct report *report);

/* The `done` of calls that a memory store carries out at once. */
void post_office_done(struct store_call *call);

#endif
