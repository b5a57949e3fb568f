/* SPDX-License-Identifier: ISC */
#include "store/mbox/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

void
mbox_answer(struct store_call *call, enum outcome outcome)
{
	call->outcome = outcome;
	call->done(call);
}

uint64_t
mbox_key(const char *mailbox)
{
	return XXH3_64bits(mailbox, strlen(mailbox));
}

/* ---- what is remembered ---- */

struct mbox_kept *
mbox_kept_get(struct mbox_store *store, const char *mailbox)
{
	struct mbox_kept *kept =
		&store->kept[mbox_key(mailbox) % MBOX_KEPT_MAXIMUM];

	if (strcmp(kept->name, mailbox) == 0)
		return kept;
	if (kept->scan)
		store->kept_messages -= kept->scan->count;
	mbox_scan_free(&kept->scan);
	*kept = (struct mbox_kept){0};
	snprintf(kept->name, sizeof(kept->name), "%s", mailbox);
	return kept;
}

struct mbox_scan *
mbox_kept_take(struct mbox_store *store, const char *mailbox)
{
	struct mbox_kept *kept = mbox_kept_get(store, mailbox);
	struct mbox_scan *scan = kept->scan;

	if (scan)
		store->kept_messages -= scan->count;
	kept->scan = NULL;
	return scan;
}

void
mbox_kept_put(
	struct mbox_store *store, const char *mailbox, struct mbox_scan **scan)
{
	struct mbox_kept *kept;

	if (!*scan)
		return;
	kept = mbox_kept_get(store, mailbox);
	if (kept->scan || (*scan)->count > MBOX_KEPT_MESSAGES_MAXIMUM -
						   store->kept_messages) {
		mbox_scan_free(scan);
		return;
	}
	store->kept_messages += (*scan)->count;
	kept->scan = *scan;
	*scan = NULL;
}

/* ---- jobs ---- */

void
mbox_job_free_store(struct mbox_store *store)
{
	struct files *files = store->settings.files;

	for (unsigned i = 0; store->kept && i < MBOX_KEPT_MAXIMUM; i++)
		mbox_scan_free(&store->kept[i].scan);
	free(store->kept);
	locks_release(&store->locks);
	files->close(files, &store->settings.mail_root);
	files->close(files, &store->settings.state_root);
	free(store->template);
	free(store->hostname);
	free(store);
}

/* The notice is taken along: another job of the mailbox may be at work by the
   time `finish` runs. */
static void
job_work(struct executor_job *executor_job)
{
	struct mbox_job *job = (struct mbox_job *)executor_job;

	job->outcome = job->work(job);
	memcpy(job->notice, job->mbox->notice, sizeof(job->notice));
	job->mbox->notice[0] = '\0';
}

static void
job_done(struct executor_job *executor_job)
{
	struct mbox_job *job = (struct mbox_job *)executor_job;
	struct mbox_store *store = job->store;
	struct store_call *call = job->call;
	enum outcome outcome = job->outcome;

	if (job->notice[0] != '\0' && store->notice)
		store->notice(job->mbox->name, job->notice);
	mbox_kept_put(store, job->mbox->name, &job->scan);
	if (job->finish)
		job->finish(job);
	free(job);
	if (call)
		mbox_answer(call, outcome);
	if (--store->jobs == 0 && store->is_ending)
		mbox_job_free_store(store);
}

void
mbox_job_start(struct mbox_store *store, struct mbox_job *job,
	struct mbox *mbox, uint64_t key)
{
	job->executor_job.work = job_work;
	job->executor_job.done = job_done;
	job->store = store;
	job->mbox = mbox;
	store->jobs++;
	store->executor->run(store->executor, key, &job->executor_job);
}

void
mbox_job_start_call(struct mbox_store *store, struct store_call *call,
	struct store_session *session, struct store_append *append,
	enum outcome (*work)(struct mbox_job *job))
{
	struct mbox_job *job = calloc(1, sizeof(*job));

	if (!job) {
		mbox_answer(call, ERR_TRY_LATER);
		return;
	}
	job->call = call;
	job->session = session;
	job->append = append;
	job->work = work;
	if (session)
		mbox_job_start(
			store, job, &session->session.mbox, session->key);
	else
		mbox_job_start(store, job, &append->arriving.mbox, append->key);
}
