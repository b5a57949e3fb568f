/* SPDX-License-Identifier: ISC */
/*
 * mbox_job - the operations of the mbox store on their way through the
 * executor, and what is remembered of a mailbox between them.
 */
#ifndef STORE_MBOX_JOB_H
#define STORE_MBOX_JOB_H

#include "store/executor.h"
#include "store/locks.h"
#include "store/mbox/arrival.h"
#include "store/mbox/session.h"

/* Mailboxes of which something is remembered, and messages of all of them. */
#define MBOX_KEPT_MAXIMUM	   1024u
#define MBOX_KEPT_MESSAGES_MAXIMUM 262144u

/* Of one mailbox; another that falls on its place takes it. */
struct mbox_kept {
	char name[STORE_MAILBOX_MAXIMUM_OCTETS];
	struct mbox_scan *scan; /* as it was last, or NULL */
	/* Nothing falls due before, for a retention of so many seconds. */
	uint64_t next_expiry_ns, expiry_seconds;
};

struct mbox_store {
	struct store store; /* first */
	struct mbox_settings settings;
	struct executor *executor;
	void (*notice)(const char *mailbox, const char *text);
	struct locks locks;
	struct mbox_kept *kept;
	uint32_t kept_messages;
	unsigned jobs; /* under way */
	bool is_ending;
	char *template, *hostname;
};

struct store_session {
	struct mbox_session session; /* first */
	struct lock *lock;
	uint64_t key;
	/* A release that waits until the jobs before it are through. */
	struct mbox_job *release;
};

struct store_append {
	struct mbox_arriving arriving; /* first */
	uint64_t key;
	struct mbox_job *end;
};

/* `work` runs where the executor likes, `finish` on the thread that started
   it, before the call is answered. */
struct mbox_job {
	struct executor_job executor_job; /* first */
	struct mbox_store *store;
	struct mbox *mbox;	 /* whose notice is told */
	struct store_call *call; /* NULL: nobody waits */
	enum outcome outcome;
	enum outcome (*work)(struct mbox_job *job);
	void (*finish)(struct mbox_job *job); /* may be NULL */
	struct store_session *session;
	struct store_append *append;
	struct mbox_scan *scan; /* taken from what is kept; put back */
	uint64_t next_expiry_ns;
	struct mbox own; /* of an operation without session or append */
	char notice[MAILBOX_NOTICE_OCTETS];
};

void mbox_answer(struct store_call *call, enum outcome outcome);
uint64_t mbox_key(const char *mailbox);
/* Starts it; frees it after its end. `mbox` is the mailbox it works on. */
void mbox_job_start(struct mbox_store *store, struct mbox_job *job,
	struct mbox *mbox, uint64_t key);
/* Answers when memory is short. */
void mbox_job_start_call(struct mbox_store *store, struct store_call *call,
	struct store_session *session, struct store_append *append,
	enum outcome (*work)(struct mbox_job *job));
void mbox_job_free_store(struct mbox_store *store);

/* What is remembered of the mailbox; the place may be made for it. */
struct mbox_kept *mbox_kept_get(struct mbox_store *store, const char *mailbox);
struct mbox_scan *mbox_kept_take(struct mbox_store *store, const char *mailbox);
/* Takes it over, or frees it when there is too much. */
void mbox_kept_put(
	struct mbox_store *store, const char *mailbox, struct mbox_scan **scan);

/* ---- append.c ---- */

void mbox_append_begin(struct store *base, struct store_append_call *call);
void mbox_append_write(struct store *base, struct store_append_call *call);
void mbox_append_commit(struct store *base, struct store_append_call *call);
void mbox_append_abort(struct store *base, struct store_append **append);

#endif
