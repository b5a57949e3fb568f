/* SPDX-License-Identifier: ISC */
/*
 * Each kind of question has threads of its own: whatever hangs, the others go
 * on. Time is watched here, since nothing can be said to a module that hangs.
 */
#include "base/clock.h"
#include "base/log.h"
#include "server/lookup_role.h"
#include "server/lookup_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#define TICK_MS	 250
#define GRACE_MS 2000

struct jobs {
	struct lookup_job *first, *last;
	size_t count;
};

static const char *const kind_names[LOOKUP_KINDS] = {
	[LOOKUP_PASSWORD] = "password",
	[LOOKUP_USER] = "user",
	[LOOKUP_TOKEN] = "token",
};

static struct {
	struct lane {
		struct jobs waiting, running;
		size_t threads, late;
		uint64_t timeout_ms;
	} lanes[LOOKUP_KINDS];
	uv_timer_t timer;
} pool;

/* ---- lists ---- */

static void
append(struct jobs *jobs, struct lookup_job *job)
{
	job->next = NULL;
	job->previous = jobs->last;
	if (jobs->last)
		jobs->last->next = job;
	else
		jobs->first = job;
	jobs->last = job;
	jobs->count++;
}

static void
take_out(struct jobs *jobs, struct lookup_job *job)
{
	if (job->previous)
		job->previous->next = job->next;
	else
		jobs->first = job->next;
	if (job->next)
		job->next->previous = job->previous;
	else
		jobs->last = job->previous;
	jobs->count--;
}

static void
free_job(struct lookup_job *job)
{
	secret_release(&job->secret);
	free(job);
}

/* ---- threads ---- */

static void
in_thread(uv_work_t *work)
{
	lookup_work(work->data);
}

static void start_some(struct lane *lane);

static void
after_work(uv_work_t *work, int status)
{
	struct lookup_job *job = work->data;
	struct lane *lane = &pool.lanes[job->kind];

	take_out(&lane->running, job);
	if (job->is_late)
		lane->late--;
	else
		lookup_done(job);
	free_job(job);
	start_some(lane);
}

static void
start_some(struct lane *lane)
{
	while (lane->waiting.first && lane->running.count < lane->threads) {
		struct lookup_job *job = lane->waiting.first;

		take_out(&lane->waiting, job);
		append(&lane->running, job);
		job->work.data = job;
		/* Fails only without a callback. */
		uv_queue_work(&lookup.loop, &job->work, in_thread, after_work);
	}
}

/* ---- time ---- */

static void
drop_late(struct lane *lane, uint64_t now_ms)
{
	struct lookup_job *job;

	while ((job = lane->waiting.first) && job->due_ms <= now_ms) {
		take_out(&lane->waiting, job);
		lookup_answer(job, ERR_TRY_LATER);
		free_job(job);
	}
	for (job = lane->running.first; job; job = job->next) {
		if (job->is_late || job->due_ms > now_ms)
			continue;
		job->is_late = true;
		lane->late++;
		log_event(LOG_LEVEL_ERROR, "lookup-late",
			"what=%s late=%zu threads=%zu", kind_names[job->kind],
			lane->late, lane->threads);
		lookup_answer(job, ERR_TRY_LATER);
	}
}

static void
on_tick(uv_timer_t *timer)
{
	uint64_t now_ms = clock_monotonic_ms();

	for (unsigned i = 0; i < LOOKUP_KINDS; i++) {
		drop_late(&pool.lanes[i], now_ms);
		if (pool.lanes[i].late < pool.lanes[i].threads)
			continue;
		log_event(LOG_LEVEL_ERROR, "lookup-stuck",
			"what=%s why=\"no thread comes back; starting anew\"",
			kind_names[i]);
		/* What runs in the threads would hold exit(3) up. */
		_exit(EX_TEMPFAIL);
	}
}

/* ---- for lookup_role.c ---- */

void
lookup_pool_init(const struct server_settings *settings)
{
	struct lane *passwords = &pool.lanes[LOOKUP_PASSWORD];
	struct lane *users = &pool.lanes[LOOKUP_USER];
	struct lane *tokens = &pool.lanes[LOOKUP_TOKEN];
	size_t threads = 0;
	char text[16];

	passwords->threads = settings->pam.threads;
	users->threads = LOOKUP_USER_THREADS;
	passwords->timeout_ms = users->timeout_ms =
		settings->pam.timeout_seconds * 1000;
	tokens->threads = LOOKUP_TOKEN_THREADS;
	/* libcurl stops by itself before that. */
	tokens->timeout_ms = settings->oauth.timeout_seconds * 1000 + GRACE_MS;
	for (unsigned i = 0; i < LOOKUP_KINDS; i++)
		threads += pool.lanes[i].threads;
	snprintf(text, sizeof(text), "%zu", threads);
	setenv("UV_THREADPOOL_SIZE", text, 1);
}

void
lookup_pool_start(void)
{
	uv_timer_init(&lookup.loop, &pool.timer);
	uv_timer_start(&pool.timer, on_tick, TICK_MS, TICK_MS);
}

void
lookup_pool_take(struct lookup_job *job)
{
	struct lane *lane = &pool.lanes[job->kind];

	if (job->kind == LOOKUP_TOKEN && lookup_tokens_known(job)) {
		lookup_done(job);
		free_job(job);
		return;
	}
	if (lane->waiting.count >= LOOKUP_WAITING_MAXIMUM) {
		lookup_answer(job, ERR_TRY_LATER);
		free_job(job);
		return;
	}
	job->due_ms = clock_monotonic_ms() + lane->timeout_ms;
	append(&lane->waiting, job);
	start_some(lane);
}
