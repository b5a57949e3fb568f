/* SPDX-License-Identifier: ISC */
#include "store/maildir/job.h"

#include <stdlib.h>
#include <string.h>

void
job_free_store(struct maildir_store *store)
{
	slots_release(&store->slots);
	watches_free(&store->watches);
	group_close(&store->group);
	store->settings.files->close(
		store->settings.files, &store->settings.mail_root);
	store->settings.files->close(
		store->settings.files, &store->settings.state_root);
	free(store->template);
	free(store->hostname);
	free(store);
}

void
job_ended(struct maildir_store *store)
{
	if (--store->jobs == 0 && store->is_ending)
		job_free_store(store);
}

void
job_answer(struct store_call *call, enum outcome outcome)
{
	call->outcome = outcome;
	call->done(call);
}

/* The notice is taken along: another job of the mailbox may be at work by the
   time `finish` runs. */
static void
work_inside(struct job *job)
{
	struct mailbox *mailbox = &job->slot->mailbox;

	job->outcome = job->work(job);
	job->notice = mailbox->notice;
	mailbox->notice = NULL;
}

static void
job_work(struct executor_job *executor_job)
{
	struct job *job = (struct job *)executor_job;

	slot_enter(job->slot);
	work_inside(job);
	slot_leave(job->slot);
}

static void
job_done(struct executor_job *executor_job)
{
	struct job *job = (struct job *)executor_job;
	struct maildir_store *store = job->store;
	struct store_call *call = job->call;
	enum outcome outcome = job->outcome;
	struct slot *slot = job->slot;
	bool is_embedded = job->is_embedded;

	if (job->notice && store->notice)
		store->notice(slot->mailbox.name, job->notice);
	free(job->notice);
	if (job->finish)
		job->finish(job);
	if (!is_embedded)
		free(job);
	slots_put(&store->slots, slot);
	if (call)
		job_answer(call, outcome);
	job_ended(store);
}

static void
count(struct maildir_store *store, struct job *job, struct slot *slot)
{
	job->store = store;
	job->slot = slot;
	slot->users++;
	store->jobs++;
}

bool
job_try(struct job *job, struct slot *slot,
	bool (*may_work)(const struct job *job))
{
	bool has_worked;

	if (!slot_try_enter(slot))
		return false;
	job->slot = slot;
	has_worked = may_work(job);
	if (has_worked)
		work_inside(job);
	slot_leave(slot);
	return has_worked;
}

void
job_tried(struct maildir_store *store, struct job *job)
{
	count(store, job, job->slot);
	job_done(&job->executor_job);
}

bool
job_do_here(struct maildir_store *store, struct job *job, struct slot *slot,
	bool (*may_work)(const struct job *job))
{
	if (slot->users > 1 || !job_try(job, slot, may_work))
		return false;
	job_tried(store, job);
	return true;
}

void
job_start(struct maildir_store *store, struct job *job, struct slot *slot)
{
	job->executor_job.work = job_work;
	job->executor_job.done = job_done;
	job->notice = NULL;
	count(store, job, slot);
	store->executor->run(store->executor, slot->key, &job->executor_job);
}

void
job_start_call(struct maildir_store *store, struct slot *slot,
	struct store_call *call, struct store_session *session,
	struct store_append *append, enum outcome (*work)(struct job *job))
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job) {
		job_answer(call, ERR_TRY_LATER);
		return;
	}
	job->call = call;
	job->session = session;
	job->append = append;
	job->work = work;
	job_start(store, job, slot);
}
