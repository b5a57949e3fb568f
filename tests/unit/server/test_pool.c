/* SPDX-License-Identifier: ISC */
#include "server/pool.h"

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
	table_release(&pool.lanes);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_within_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
