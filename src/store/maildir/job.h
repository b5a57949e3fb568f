/* SPDX-License-Identifier: ISC */
/*
 * job - the operations of the Maildir store on their way through the executor.
 */
#ifndef STORE_MAILDIR_JOB_H
#define STORE_MAILDIR_JOB_H

#include "store/executor.h"
#include "store/maildir/group.h"
#include "store/maildir/slots.h"

struct maildir_store {
	struct store store; /* first */
	struct maildir_settings settings;
	struct executor *executor;
	void (*notice)(const char *mailbox, const char *text);
	struct slots slots;
	struct watches *watches; /* NULL: none */
	struct group group;
	unsigned jobs; /* under way */
	bool is_ending;
	char *template, *hostname;
};

/* An operation under way. `work` runs where the executor likes, `finish` on
   the thread that started it. */
struct job {
	struct executor_job executor_job; /* first */
	struct maildir_store *store;
	struct slot *slot;
	struct store_call *call; /* NULL: nobody waits */
	enum outcome outcome;
	enum outcome (*work)(struct job *job);
	void (*finish)(struct job *job); /* may be NULL */
	struct store_session *session;
	struct store_append *append;
	bool is_open;	  /* a session was when it was asked */
	bool is_embedded; /* in the session or append, which finish frees */
	char *notice;	  /* the mailbox's, or NULL */
};

extern const struct store_ops maildir_ops;

void job_answer(struct store_call *call, enum outcome outcome);
/* Every job counts as a user of its slot. */
void job_start(struct maildir_store *store, struct job *job, struct slot *slot);
/*
 * Works here and now, on any thread, when `may_work` says that it is quick and
 * nobody is in the slot; job_tried follows, on the thread that starts
 * operations. False: it has to be started.
 */
bool job_try(struct job *job, struct slot *slot,
	bool (*may_work)(const struct job *job));
void job_tried(struct maildir_store *store, struct job *job);
/* Both, on that thread, when nobody else uses the slot: what is under way of the
   mailbox must not be overtaken. */
bool job_do_here(struct maildir_store *store, struct job *job,
	struct slot *slot, bool (*may_work)(const struct job *job));
/*
 * Answers when memory is short. Session or append are kept with the job: the
 * caller may set the call's pointer to NULL (release, abort) before it runs.
 */
void job_start_call(struct maildir_store *store, struct slot *slot,
	struct store_call *call, struct store_session *session,
	struct store_append *append, enum outcome (*work)(struct job *job));
/* After each job of the store that has ended. */
void job_ended(struct maildir_store *store);
/* When no job is under way. */
void job_free_store(struct maildir_store *store);

/* The part of the operations that brings messages in: append.c. */
void maildir_append_begin(struct store *base, struct store_append_call *call);
void maildir_append_write(struct store *base, struct store_append_call *call);
void maildir_append_commit(struct store *base, struct store_append_call *call);
void maildir_append_abort(struct store *base, struct store_append **append);

#endif
