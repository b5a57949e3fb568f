/* SPDX-License-Identifier: ISC */
#include "store/executor.h"

static void
run_inline(struct executor *executor, uint64_t key, struct executor_job *job)
{
	job->work(job);
	job->done(job);
}

void
executor_share(struct executor *executor, struct executor_share *share)
{
	if (executor->share)
		executor->share(executor, share);
	else
		share->work(share);
}

struct executor executor_inline = {.run = run_inline};
