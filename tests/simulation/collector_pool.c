/* SPDX-License-Identifier: ISC */
/* libuv's thread pool, for the collector: work is done and answered some time.
   The linker puts it in the place of uv_queue_work. */
#include "chance.h"
#include "clock.h"
#include "collector.h"

#include <stdlib.h>
#include <uv.h>

int __wrap_uv_queue_work(uv_loop_t *loop, uv_work_t *request, uv_work_cb work,
	uv_after_work_cb after);

/* One account is collected at a time: one flush at most is under way. */
static struct {
	struct event event;
	uv_work_t *request; /* NULL: none */
	uv_work_cb work;
	uv_after_work_cb after;
	bool is_worked;
} pool;

static void
go_on(void *context)
{
	uv_work_t *request = pool.request;

	if (!pool.is_worked) {
		pool.is_worked = true;
		pool.work(request);
		event_start(&pool.event, chance_between(0, MILLISECOND));
		return;
	}
	pool.request = NULL;
	pool.after(request, 0);
}

int
__wrap_uv_queue_work(uv_loop_t *loop, uv_work_t *request, uv_work_cb work,
	uv_after_work_cb after)
{
	if (pool.request)
		abort();
	event_init(&pool.event, go_on, NULL);
	pool.request = request;
	pool.work = work;
	pool.after = after;
	pool.is_worked = false;
	event_start(&pool.event, chance_between(0, 50 * MILLISECOND));
	return 0;
}

void
pool_drain(void)
{
	while (pool.request) {
		event_stop(&pool.event);
		go_on(NULL);
	}
}
