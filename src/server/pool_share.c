/* SPDX-License-Identifier: ISC */
#include "server/pool_share.h"

#include <stdlib.h>

/* Freed by whoever lets go of it last: the thread that shares, the list of
   what is asked, each helper. */
struct shared_work {
	struct executor_share *share; /* lives while is_over is false or
					 somebody is inside */
	struct shared_work *next;
	unsigned references;
	unsigned inside; /* helpers at work */
	bool is_over;
};

struct helper {
	uv_work_t work;
	struct pool *pool;
	struct shared_work *shared;
};

static void
let_go(struct pool *pool, struct shared_work *shared)
{
	bool is_last;

	uv_mutex_lock(&pool->mutex);
	is_last = --shared->references == 0;
	uv_mutex_unlock(&pool->mutex);
	if (is_last)
		free(shared);
}

static bool
enter(struct pool *pool, struct shared_work *shared)
{
	bool may_enter;

	uv_mutex_lock(&pool->mutex);
	may_enter = !shared->is_over;
	shared->inside += may_enter;
	uv_mutex_unlock(&pool->mutex);
	return may_enter;
}

static void
help_in_thread(uv_work_t *work)
{
	struct helper *helper = work->data;
	struct pool *pool = helper->pool;
	struct shared_work *shared = helper->shared;

	if (!enter(pool, shared))
		return;
	shared->share->work(shared->share);
	uv_mutex_lock(&pool->mutex);
	shared->inside--;
	uv_cond_broadcast(&pool->has_ended);
	uv_mutex_unlock(&pool->mutex);
}

static void
after_help(uv_work_t *work, int status)
{
	struct helper *helper = work->data;

	let_go(helper->pool, helper->shared);
	free(helper);
}

/* Without memory there is one helper less. */
static void
send_helper(struct pool *pool, struct shared_work *shared)
{
	struct helper *helper = calloc(1, sizeof(*helper));

	if (!helper)
		return;
	helper->work.data = helper;
	helper->pool = pool;
	helper->shared = shared;
	uv_mutex_lock(&pool->mutex);
	shared->references++;
	uv_mutex_unlock(&pool->mutex);
	uv_queue_work(pool->loop, &helper->work, help_in_thread, after_help);
}

void
pool_send_helpers(uv_async_t *async)
{
	struct pool *pool = async->data;
	struct shared_work *shared, *next;

	uv_mutex_lock(&pool->mutex);
	next = pool->asked;
	pool->asked = NULL;
	uv_mutex_unlock(&pool->mutex);
	while ((shared = next)) {
		next = shared->next;
		for (unsigned i = 0; i < pool->helpers; i++)
			send_helper(pool, shared);
		let_go(pool, shared);
	}
}

static void
ask_for_helpers(struct pool *pool, struct shared_work *shared)
{
	uv_mutex_lock(&pool->mutex);
	shared->next = pool->asked;
	pool->asked = shared;
	uv_mutex_unlock(&pool->mutex);
	uv_async_send(&pool->is_asked);
}

void
pool_share(struct executor *executor, struct executor_share *share)
{
	struct pool *pool = (struct pool *)executor;
	struct shared_work *shared = calloc(1, sizeof(*shared));

	if (!shared) {
		share->work(share);
		return;
	}
	shared->share = share;
	shared->references = 2;
	ask_for_helpers(pool, shared);
	share->work(share);
	uv_mutex_lock(&pool->mutex);
	shared->is_over = true;
	while (shared->inside > 0)
		uv_cond_wait(&pool->has_ended, &pool->mutex);
	uv_mutex_unlock(&pool->mutex);
	let_go(pool, shared);
}
