/* SPDX-License-Identifier: ISC */
/*
 * pool - an executor on libuv's threads: jobs of one key in order, jobs of
 * different keys at once.
 */
#ifndef SERVER_POOL_H
#define SERVER_POOL_H

#include "server/table.h"
#include "store/executor.h"

#include <uv.h>

struct pool {
	struct executor executor; /* first */
	uv_loop_t *loop;
	struct table lanes; /* one for each key with work */
};

void pool_init(struct pool *pool, uv_loop_t *loop);

#endif
