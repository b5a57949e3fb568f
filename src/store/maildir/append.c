/* SPDX-License-Identifier: ISC */
#include "store/maildir/append.h"

#include <stddef.h>
#include <stdlib.h>

#include "store/quota.h"

/* As those in group.c. */
#define PLACING_KEY 0x72656c6900000000ull

static enum outcome
append_begin_work(struct job *job)
{
	struct mailbox *mailbox = &job->slot->mailbox;
	struct store_quota quota = quota_of(&mailbox->settings->quota,
		(const struct store_append_call *)job->call);

	return delivery_begin(
		&job->append->delivery, mailbox, &quota, !job->is_open);
}

static void
append_begin_finish(struct job *job)
{
	struct store_append_call *call = (struct store_append_call *)job->call;
	struct store_append *append = job->append;

	if (job->outcome == OK) {
		call->append = append;
		return;
	}
	slots_put(&job->store->slots, append->slot);
	free(append);
}

static void
begin_by_job(struct maildir_store *store, struct store_append *append,
	struct store_append_call *call)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job) {
		slots_put(&store->slots, append->slot);
		free(append);
		job_answer(&call->call, ERR_TRY_LATER);
		return;
	}
	job->call = &call->call;
	job->append = append;
	job->is_open = append->slot->is_held;
	job->work = append_begin_work;
	job->finish = append_begin_finish;
	job_start(store, job, append->slot);
}

/* Without a job, when nothing has to be looked at. */
static bool
begin_here(struct maildir_store *store, struct store_append *append,
	struct store_append_call *call)
{
	struct store_quota quota = quota_of(&store->settings.quota, call);
	struct slot *slot = append->slot;
	bool has_begun;

	if (!slot_try_enter(slot))
		return false;
	has_begun =
		delivery_begin_held(&append->delivery, &slot->mailbox, &quota);
	slot_leave(slot);
	return has_begun;
}

void
maildir_append_begin(struct store *base, struct store_append_call *call)
{
	struct maildir_store *store = (struct maildir_store *)base;
	struct store_append *append = calloc(1, sizeof(*append));
	enum outcome outcome = ERR_TRY_LATER;

	if (append)
		outcome =
			slots_get(&store->slots, call->mailbox, &append->slot);
	if (outcome != OK) {
		free(append);
		job_answer(&call->call, outcome);
	} else if (begin_here(store, append, call)) {
		call->append = append;
		job_answer(&call->call, OK);
	} else {
		begin_by_job(store, append, call);
	}
}

static enum outcome
append_write_work(struct job *job)
{
	struct store_append_call *call = (struct store_append_call *)job->call;

	return delivery_write(&job->append->delivery, call->chunk);
}

static void
append_written(struct job *job)
{
	job->append->writes--;
}

/* What stays in memory is put there here and now: a thread woken for that
   costs more than it does. */
void
maildir_append_write(struct store *base, struct store_append_call *call)
{
	struct store_append *append = call->append;
	struct job *job;

	if (append->writes == 0 &&
		delivery_may_hold(&append->delivery, call->chunk)) {
		job_answer(&call->call,
			delivery_write(&append->delivery, call->chunk));
		return;
	}
	job = calloc(1, sizeof(*job));
	if (!job) {
		job_answer(&call->call, ERR_TRY_LATER);
		return;
	}
	append->writes++;
	job->call = &call->call;
	job->append = append;
	job->work = append_write_work;
	job->finish = append_written;
	job_start((struct maildir_store *)base, job, append->slot);
}

static void
append_end(struct job *job)
{
	struct maildir_store *store = job->store;
	struct store_append *append = job->append;
	struct slot *slot = append->slot;

	free(append);
	slots_put(&store->slots, slot);
}

static struct job
last_job(struct store_append *append, enum outcome (*work)(struct job *job),
	void (*finish)(struct job *job))
{
	return (struct job){
		.append = append,
		.work = work,
		.finish = finish,
		.is_embedded = true,
	};
}

/* The job is part of the append: ending one never lacks memory. */
static void
run(struct maildir_store *store, struct store_append *append,
	enum outcome (*work)(struct job *job), void (*finish)(struct job *job))
{
	append->end = last_job(append, work, finish);
	append->end.is_open = append->slot->is_held;
	job_start(store, &append->end, append->slot);
}

static void
answer(struct job *job)
{
	struct store_call *call = &job->append->call->call;
	enum outcome outcome = job->outcome;

	append_end(job);
	job_answer(call, outcome);
}

static enum outcome
plain_work(struct job *job)
{
	struct store_append *append = job->append;

	return delivery_commit(&append->delivery, append->call->uidl);
}

void
append_plainly(struct maildir_store *store, struct store_append *append)
{
	run(store, append, plain_work, answer);
}

/* Refused: then it must not come with a replay either. */
static enum outcome
place_work(struct job *job)
{
	struct store_append *append = job->append;
	struct delivery_log *log = &job->store->group.logs[append->log].log;
	enum outcome outcome =
		delivery_place(&append->delivery, append->call->uidl);

	if (outcome != OK && delivery_log_void(log, append->offset) != OK)
		mailbox_notice(append->delivery.mailbox,
			"a message that was refused stays in the delivery "
			"journal, which cannot be written");
	return outcome;
}

static void
placed(struct job *job)
{
	struct maildir_store *store = job->store;
	unsigned log = job->append->log;

	answer(job);
	group_placed(store, log);
}

static bool
is_quick(const struct job *job)
{
	return delivery_is_quick(&job->append->delivery);
}

static struct store_append *
of_placing(struct executor_job *job)
{
	return (struct store_append *)((char *)job -
				       offsetof(struct store_append, placing));
}

void
append_place_here(struct maildir_store *store, struct store_append *first)
{
	for (struct store_append *a = first; a; a = a->next) {
		a->end = last_job(a, place_work, placed);
		a->end.store = store;
		a->is_placed = job_try(&a->end, a->slot, is_quick);
	}
}

void
append_placed(struct maildir_store *store, struct store_append *next)
{
	while (next) {
		struct store_append *append = next;

		next = append->next;
		if (append->is_placed)
			job_tried(store, &append->end);
		else
			run(store, append, place_work, placed);
	}
}

static void
place_several(struct executor_job *job)
{
	struct store_append *first = of_placing(job);

	append_place_here(first->store, first);
}

static void
several_placed(struct executor_job *job)
{
	struct store_append *first = of_placing(job);
	struct maildir_store *store = first->store;

	append_placed(store, first);
	job_ended(store);
}

/* By a key of its own: it waits for nobody. */
void
append_place(struct maildir_store *store, struct store_append *first)
{
	first->store = store;
	first->placing.work = place_several;
	first->placing.done = several_placed;
	store->jobs++;
	store->executor->run(store->executor,
		PLACING_KEY + first->offset * DELIVERY_LOGS + first->log,
		&first->placing);
}

static enum outcome
append_commit_work(struct job *job)
{
	struct store_append *append = job->append;
	enum outcome outcome =
		delivery_finish(&append->delivery, !job->is_open);

	append->is_for_group =
		outcome == OK && delivery_is_held(&append->delivery);
	if (append->is_for_group)
		return OK;
	return delivery_commit(&append->delivery, append->call->uidl);
}

static void
append_committed(struct job *job)
{
	if (job->append->is_for_group)
		group_join(job->store, job->append);
	else
		answer(job);
}

void
maildir_append_commit(struct store *base, struct store_append_call *call)
{
	struct store_append *append = call->append;

	call->append = NULL;
	append->call = call;
	if (append->writes == 0 && delivery_finish_held(&append->delivery)) {
		append->is_for_group = true;
		group_join((struct maildir_store *)base, append);
		return;
	}
	run((struct maildir_store *)base, append, append_commit_work,
		append_committed);
}

static enum outcome
append_abort_work(struct job *job)
{
	delivery_abort(&job->append->delivery);
	return OK;
}

void
maildir_append_abort(struct store *base, struct store_append **append)
{
	struct store_append *gone = *append;

	if (!gone)
		return;
	*append = NULL;
	run((struct maildir_store *)base, gone, append_abort_work, append_end);
}
