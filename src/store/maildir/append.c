/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "store/maildir/delivery.h"
#include "store/maildir/job.h"

struct store_append {
	struct delivery delivery; /* first */
	struct slot *slot;
	struct job end; /* commit or abort */
};

static enum outcome
append_begin_work(struct job *job)
{
	return delivery_begin(&job->append->delivery, &job->slot->mailbox);
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

void
maildir_append_begin(struct store *base, struct store_append_call *call)
{
	struct maildir_store *store = (struct maildir_store *)base;
	struct job *job = calloc(1, sizeof(*job));
	struct store_append *append = calloc(1, sizeof(*append));
	enum outcome outcome = ERR_TRY_LATER;

	if (job && append)
		outcome =
			slots_get(&store->slots, call->mailbox, &append->slot);
	if (outcome != OK) {
		free(job);
		free(append);
		job_answer(&call->call, outcome);
		return;
	}
	job->call = &call->call;
	job->append = append;
	job->work = append_begin_work;
	job->finish = append_begin_finish;
	job_start(store, job, append->slot);
}

static enum outcome
append_write_work(struct job *job)
{
	struct store_append_call *call = (struct store_append_call *)job->call;

	return delivery_write(&job->append->delivery, call->chunk);
}

void
maildir_append_write(struct store *base, struct store_append_call *call)
{
	job_start_call((struct maildir_store *)base, call->append->slot,
		&call->call, NULL, call->append, append_write_work);
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

static enum outcome
append_commit_work(struct job *job)
{
	struct store_append_call *call = (struct store_append_call *)job->call;

	return delivery_commit(&job->append->delivery, call->uidl);
}

/* The job is part of the append: ending one never lacks memory. */
static void
end_append(struct maildir_store *store, struct store_append *append,
	struct store_call *call, enum outcome (*work)(struct job *job))
{
	append->end = (struct job){
		.append = append,
		.call = call,
		.work = work,
		.finish = append_end,
		.is_embedded = true,
	};
	job_start(store, &append->end, append->slot);
}

void
maildir_append_commit(struct store *base, struct store_append_call *call)
{
	struct store_append *append = call->append;

	call->append = NULL;
	end_append((struct maildir_store *)base, append, &call->call,
		append_commit_work);
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
	end_append((struct maildir_store *)base, gone, NULL, append_abort_work);
}
