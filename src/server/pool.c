/* SPDX-License-Identifier: ISC */
#include "server/pool.h"
#include "server/pool_share.h"

#include <stdlib.h>

/* The jobs of one key; lives while there are any. */
struct lane {
	struct table_entry entry;
	uv_work_t work;
	struct pool *pool;
	struct executor_job *first, *last;
	struct executor_job *last_taken; /* by the thread, from the first on */
};

/* All that waited when it was started: a thread that is woken for each job
   costs more than most jobs do. */
static void
work_in_thread(uv_work_t *work)
{
	struct lane *lane = work->data;
	struct executor_job *job = lane->first, *last = lane->last_taken;

	job->work(job);
	while (job != last) {
		job = job->next;
		job->work(job);
	}
}

static void after_work(uv_work_t *work, int status);

static void
start(struct lane *lane)
{
	struct executor_job *last = lane->first;

	for (unsigned n = 1; n < POOL_TAKEN_MAXIMUM && last->next; n++)
		last = last->next;
	lane->last_taken = last;
	/* Fails only for a missing function. */
	uv_queue_work(
		lane->pool->loop, &lane->work, work_in_thread, after_work);
}

static void
after_work(uv_work_t *work, int status)
{
	struct lane *lane = work->data;
	struct executor_job *job = lane->first, *next = job;
	struct executor_job *left = lane->last_taken->next;

	lane->first = left;
	if (left) {
		start(lane);
	} else {
		table_remove(&lane->pool->lanes, &lane->entry);
		free(lane);
	}
	/* Last: it may free the job or run another. */
	while ((job = next) != left) {
		next = job->next;
		job->done(job);
	}
}

static struct lane *
make_lane(struct pool *pool, uint64_t key)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	if (!lane || !table_add(&pool->lanes, &lane->entry, key)) {
		free(lane);
		return NULL;
	}
	lane->pool = pool;
	lane->work.data = lane;
	return lane;
}

static void
pool_run(struct executor *executor, uint64_t key, struct executor_job *job)
{
	struct pool *pool = (struct pool *)executor;
	struct table_entry *entry = table_find(&pool->lanes, key);
	struct lane *lane;

	job->next = NULL;
	if (entry) {
		lane = table_object(entry, struct lane, entry);
		lane->last->next = job;
		lane->last = job;
		return;
	}
	lane = make_lane(pool, key);
	if (!lane) {
		/* Without memory for a lane the work is done here and now:
		   slow, but in order and not lost. */
		job->work(job);
		job->done(job);
		return;
	}
	lane->first = lane->last = job;
	start(lane);
}

static unsigned
count_helpers(void)
{
	unsigned processors = uv_available_parallelism();

	return processors > POOL_HELPERS_MAXIMUM ? POOL_HELPERS_MAXIMUM
						 : processors - 1;
}

void
pool_init(struct pool *pool, uv_loop_t *loop)
{
	*pool = (struct pool){
		.executor = {.run = pool_run},
		.loop = loop,
		.helpers = count_helpers(),
	};
	uv_mutex_init(&pool->mutex);
	uv_cond_init(&pool->has_ended);
	uv_async_init(loop, &pool->is_asked, pool_send_helpers);
	pool->is_asked.data = pool;
	/* It alone keeps no loop going. */
	uv_unref((uv_handle_t *)&pool->is_asked);
	if (pool->helpers > 0)
		pool->executor.share = pool_share;
}

void
pool_release(struct pool *pool)
{
	uv_close((uv_handle_t *)&pool->is_asked, NULL);
	table_release(&pool->lanes);
	uv_cond_destroy(&pool->has_ended);
	uv_mutex_destroy(&pool->mutex);
}
