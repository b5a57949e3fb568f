/* SPDX-License-Identifier: ISC */
/* The part of the operations that brings messages in. */
#include <stdlib.h>

#include "store/mbox/job.h"
#include "store/quota.h"

static void
free_append(struct store_append *append)
{
	free(append->end);
	free(append);
}

static enum outcome
start_append(struct mbox_store *store, struct store_append_call *call)
{
	struct store_append *append = calloc(1, sizeof(*append));
	enum outcome outcome = ERR_TRY_LATER;

	if (append)
		append->end = calloc(1, sizeof(*append->end));
	if (append && append->end)
		outcome = mbox_init(&append->arriving.mbox, &store->settings,
			call->mailbox);
	if (outcome == OK) {
		append->key = mbox_key(call->mailbox);
		append->arriving.quota = quota_of(&store->settings.quota, call);
		outcome = mbox_arriving_begin(&append->arriving);
	}
	if (outcome == OK)
		call->append = append;
	else if (append)
		free_append(append);
	return outcome;
}

/* Nothing of it needs the disk, so nothing needs to wait. */
void
mbox_append_begin(struct store *base, struct store_append_call *call)
{
	mbox_answer(&call->call, start_append((struct mbox_store *)base, call));
}

static enum outcome
write_work(struct mbox_job *job)
{
	struct store_append_call *call = (struct store_append_call *)job->call;

	return mbox_arriving_write(&job->append->arriving, call->chunk);
}

void
mbox_append_write(struct store *base, struct store_append_call *call)
{
	mbox_job_start_call((struct mbox_store *)base, &call->call, NULL,
		call->append, write_work);
}

static void
end_finish(struct mbox_job *job)
{
	mbox_arriving_end(&job->append->arriving);
	free(job->append);
}

/* The job was made with the append: ending one never lacks memory. */
static void
run_last(struct mbox_store *store, struct store_append *append,
	struct store_call *call, enum outcome (*work)(struct mbox_job *job))
{
	struct mbox_job *job = append->end;

	*job = (struct mbox_job){
		.append = append,
		.call = call,
		.work = work,
		.finish = end_finish,
	};
	append->end = NULL;
	if (call)
		job->scan = mbox_kept_take(store, append->arriving.mbox.name);
	mbox_job_start(store, job, &append->arriving.mbox, append->key);
}

static enum outcome
commit_work(struct mbox_job *job)
{
	struct store_append_call *call = (struct store_append_call *)job->call;

	return mbox_arriving_commit(
		&job->append->arriving, &job->scan, call->uidl);
}

void
mbox_append_commit(struct store *base, struct store_append_call *call)
{
	struct store_append *append = call->append;

	call->append = NULL;
	run_last((struct mbox_store *)base, append, &call->call, commit_work);
}

static enum outcome
abort_work(struct mbox_job *job)
{
	return OK;
}

void
mbox_append_abort(struct store *base, struct store_append **append)
{
	struct store_append *gone = *append;

	if (!gone)
		return;
	*append = NULL;
	run_last((struct mbox_store *)base, gone, NULL, abort_work);
}
