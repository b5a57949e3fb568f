/* SPDX-License-Identifier: ISC */
#include "store/executor.h"

static void
run_inline(struct executor *executor, uint64_t key, struct executor_job *job)
{
	job->work(job);
	job->done(job);
}

struct executor executor_inline = {.run = run_inline};
