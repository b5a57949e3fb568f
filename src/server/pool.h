/* SPDX-License-Identifier: ISC */
/*
 * pool - an executor on libuv's threads: jobs of one key in order, jobs of
 * different keys at once. Work that a job shares is done by as many threads as
 * there are processors.
 */
#ifndef SERVER_POOL_H
#define SERVER_POOL_H

#include "server/table.h"
#include "store/executor.h"

#include <uv.h>

/* Jobs of one key that a thread does before any of them is done: what comes
   first waits for the others to be answered. */
#define POOL_TAKEN_MAXIMUM 32
/* Threads that one job may have besides its own. */
#define POOL_HELPERS_MAXIMUM 7

struct shared_work;

struct pool {
	struct executor executor; /* first */
	uv_loop_t *loop;
	struct table lanes; /* one for each key with work */
	unsigned helpers;
	uv_async_t is_asked; /* work is shared */
	uv_mutex_t mutex;    /* over what follows, and all that is shared */
	uv_cond_t has_ended;
	struct shared_work *asked;
};

void pool_init(struct pool *pool, uv_loop_t *loop);
/* When nothing is under way; the loop has the rest of it to do. */
void pool_release(struct pool *pool);

#endif
