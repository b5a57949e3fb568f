/* SPDX-License-Identifier: ISC */
/* Jobs of one key in their order, those of different keys in any. */
#include "chance.h"
#include "clock.h"
#include "office.h"
#include "store/executor.h"

#include <stdlib.h>

struct task {
	struct task *next;
	struct executor_job *job;
	uint64_t key;
	struct event event;
	bool is_worked;
};

static struct task *first, **last = &first;
static unsigned slowness = 1;

static void
start(struct task *task)
{
	uint64_t most = chance_one_in(20) ? slowness * SECOND : 2 * MILLISECOND;

	event_start(&task->event, chance_between(5 * MICROSECOND, most));
}

static struct task *
next_of(uint64_t key)
{
	struct task *task = first;

	while (task && (task->key != key || task->is_worked))
		task = task->next;
	return task;
}

static void
take_out(struct task *task)
{
	struct task **at = &first;

	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	if (last == &task->next)
		last = at;
}

static void
work(struct task *task)
{
	struct task *next;

	task->job->work(task->job);
	task->is_worked = true;
	next = next_of(task->key);
	if (next)
		start(next);
}

/* Answers of one key come in their order, too. */
static struct task *
first_worked(uint64_t key)
{
	struct task *task = first;

	while (task->key != key)
		task = task->next;
	return task;
}

static void
end(struct task *task)
{
	struct executor_job *job = task->job;

	event_stop(&task->event);
	take_out(task);
	free(task);
	job->done(job);
}

static void
on_event(void *context)
{
	struct task *task = context;

	if (!task->is_worked) {
		work(task);
		event_start(&task->event, chance_below(MILLISECOND));
		return;
	}
	if (first_worked(task->key) != task) {
		event_start(&task->event, chance_below(MILLISECOND));
		return;
	}
	end(task);
}

static void
run(struct executor *executor, uint64_t key, struct executor_job *job)
{
	struct task *task = calloc(1, sizeof(*task));
	bool is_next;

	if (!task)
		abort();
	task->job = job;
	task->key = key;
	event_init(&task->event, on_event, task);
	is_next = next_of(key) == NULL;
	*last = task;
	last = &task->next;
	if (is_next)
		start(task);
}

struct executor simulated_executor = {.run = run};

void
executor_drain(void)
{
	while (first) {
		struct task *task = first;

		event_stop(&task->event);
		if (!task->is_worked)
			work(task);
		end(task);
	}
}

void
executor_set_slowness(unsigned new_slowness)
{
	slowness = new_slowness;
}
