/* SPDX-License-Identifier: ISC */
/*
 * pool_share - work that one job shares with other threads of the pool. Only
 * the loop may give libuv work, so the job asks it by uv_async; what is done
 * before help comes is done alone, and nobody waits for help that has not
 * begun.
 */
#ifndef SERVER_POOL_SHARE_H
#define SERVER_POOL_SHARE_H

#include "server/pool.h"

/* On the loop. */
void pool_send_helpers(uv_async_t *async);
/* On the job's thread. */
void pool_share(struct executor *executor, struct executor_share *share);

#endif
