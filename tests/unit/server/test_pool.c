/* SPDX-License-Identifier: ISC */
#include "server/pool_share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>

#define KEYS 8
#define JOBS 200 /* of each key */

struct counted {
	struct executor_job job; /* first */
	int key, number;
};

static struct {
	_Atomic int running[KEYS]; /* at the same time */
	int worked[KEYS], done[KEYS];
	_Atomic int overlaps;
	uv_thread_t owner;
} seen;

static void
work(struct executor_job *job)
{
	struct counted *counted = (struct counted *)job;

	if (++seen.running[counted->key] != 1)
		seen.overlaps++;
	if (seen.worked[counted->key]++ != counted->number)
		seen.overlaps++;
	usleep(10);
	seen.running[counted->key]--;
}

static void
done(struct executor_job *job)
{
	struct counted *counted = (struct counted *)job;
	uv_thread_t self = uv_thread_self();

	assert_true(uv_thread_equal(&self, &seen.owner));
	assert_int_equal(seen.done[counted->key]++, counted->number);
	free(counted);
}

static void
keeps_order_within_a_key(void **state)
{
	struct pool pool;
	uv_loop_t loop;

	seen.owner = uv_thread_self();
	assert_int_equal(uv_loop_init(&loop), 0);
	pool_init(&pool, &loop);
	for (int number = 0; number < JOBS; number++) {
		for (int key = 0; key < KEYS; key++) {
			struct counted *counted = calloc(1, sizeof(*counted));

			assert_non_null(counted);
			counted->job.work = work;
			counted->job.done = done;
			counted->key = key;
			counted->number = number;
			pool.executor.run(
				&pool.executor, (uint64_t)key, &counted->job);
		}
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(seen.overlaps, 0);
	for (int key = 0; key < KEYS; key++)
		assert_int_equal(seen.done[key], JOBS);
	assert_int_equal(pool.lanes.count, 0);
	pool_release(&pool);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* ---- shared work ---- */

#define PIECES	2000
#define HELPERS 3

struct sharing {
	struct executor_share share;
	struct executor_job job;
	struct pool *pool;
	_Atomic int taken, finished, inside, most_inside;
	_Atomic bool is_over;
	int finished_at_return;
	bool was_done;
};

static void
take_pieces(struct executor_share *share)
{
	struct sharing *sharing = (struct sharing *)share;
	int inside = ++sharing->inside;

	assert_false(sharing->is_over);
	if (inside > sharing->most_inside)
		sharing->most_inside = inside;
	while (sharing->taken++ < PIECES) {
		usleep(20);
		sharing->finished++;
	}
	sharing->inside--;
}

static void
share_work(struct executor_job *job)
{
	struct sharing *sharing =
		(struct sharing *)((char *)job - offsetof(struct sharing, job));

	pool_share(&sharing->pool->executor, &sharing->share);
	sharing->finished_at_return = sharing->finished;
	assert_int_equal(sharing->inside, 0);
	sharing->is_over = true;
}

static void
shared_done(struct executor_job *job)
{
	struct sharing *sharing =
		(struct sharing *)((char *)job - offsetof(struct sharing, job));

	sharing->was_done = true;
}

/* Two jobs share at once, each with several threads; all of it is done when
   sharing returns, and nobody is at work any more. */
static void
shares_work(void **state)
{
	struct sharing sharings[2] = {0};
	struct pool pool;
	uv_loop_t loop;

	assert_int_equal(uv_loop_init(&loop), 0);
	pool_init(&pool, &loop);
	pool.helpers = HELPERS;
	for (int i = 0; i < 2; i++) {
		sharings[i].share.work = take_pieces;
		sharings[i].pool = &pool;
		sharings[i].job.work = share_work;
		sharings[i].job.done = shared_done;
		pool.executor.run(
			&pool.executor, (uint64_t)i, &sharings[i].job);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	for (int i = 0; i < 2; i++) {
		assert_true(sharings[i].was_done);
		assert_int_equal(sharings[i].finished_at_return, PIECES);
	}
	/* Helpers came to at least one of them. */
	assert_true(sharings[0].most_inside > 1 || sharings[1].most_inside > 1);
	pool_release(&pool);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_within_a_key),
		cmocka_unit_test(shares_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
