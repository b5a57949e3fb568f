/* SPDX-License-Identifier: ISC */
/* The threads of the role lookup, with questions that the test answers. It is
   in the place of lookup_role.c and lookup_tokens.c. */
#include "../check.h"
#include "server/lookup_role.h"
#include "server/lookup_state.h"

#include <stdlib.h>
#include <string.h>

#define JOBS		 300
#define PASSWORD_THREADS 2

struct lookup_role lookup;

static struct {
	unsigned answered[JOBS], done[JOBS];
	unsigned sum_answered;
	size_t secret_octets; /* what the threads read */
	uv_sem_t held;	      /* passwords wait for it */
	uv_mutex_t lock;
} seen;

/* ---- what the pool calls ---- */

void
lookup_work(struct lookup_job *job)
{
	if (job->kind == LOOKUP_PASSWORD && job->user[0] == 'h')
		uv_sem_wait(&seen.held);
	uv_mutex_lock(&seen.lock);
	seen.secret_octets += secret_bytes(&job->secret).octets;
	uv_mutex_unlock(&seen.lock);
	job->outcome = ERR_DENIED;
}

void
lookup_answer(const struct lookup_job *job, enum outcome outcome)
{
	assert_in_range(job->request, 0, JOBS - 1);
	seen.answered[job->request]++;
	seen.sum_answered++;
	assert_true(outcome == ERR_TRY_LATER || outcome == job->outcome);
}

void
lookup_done(const struct lookup_job *job)
{
	seen.done[job->request]++;
	lookup_answer(job, job->outcome);
}

bool
lookup_tokens_known(struct lookup_job *job)
{
	if (strcmp(job->user, "known"))
		return false;
	job->outcome = OK;
	return true;
}

/* ---- the tests ---- */

static void
ask(enum lookup_kind kind, uint64_t request, const char *user)
{
	struct lookup_job *job = calloc(1, sizeof(*job));

	assert_non_null(job);
	job->kind = kind;
	job->request = request;
	snprintf(job->user, sizeof(job->user), "%s", user);
	assert_true(secret_set(&job->secret, bytes_of_string("secret")));
	lookup_pool_take(job);
}

/* Until so many are answered. */
static void
run(unsigned answers)
{
	while (seen.sum_answered < answers)
		uv_run(&lookup.loop, UV_RUN_ONCE);
}

static int
set_up(void **state)
{
	memset(seen.answered, 0, sizeof(seen.answered));
	memset(seen.done, 0, sizeof(seen.done));
	seen.sum_answered = 0;
	seen.secret_octets = 0;
	return 0;
}

static void
test_each_is_answered_once(void **state)
{
	for (unsigned i = 0; i < JOBS; i++)
		ask((enum lookup_kind)(i % LOOKUP_KINDS), i, "any");
	run(JOBS);
	for (unsigned i = 0; i < JOBS; i++) {
		assert_int_equal(seen.answered[i], 1);
		assert_int_equal(seen.done[i], 1);
	}
	assert_int_equal(seen.secret_octets, JOBS * strlen("secret"));
}

static void
test_known_needs_no_thread(void **state)
{
	ask(LOOKUP_TOKEN, 7, "known");
	assert_int_equal(seen.answered[7], 1);
	assert_int_equal(seen.secret_octets, 0);
}

/* One thread hangs, one is left; then both do not come back in time, which
   would end the process: so one alone. */
static void
test_one_that_hangs(void **state)
{
	ask(LOOKUP_PASSWORD, 0, "hangs");
	for (unsigned i = 1; i < 50; i++)
		ask((enum lookup_kind)(i % LOOKUP_KINDS), i, "any");
	run(50); /* that is, it was late and has its answer */
	assert_int_equal(seen.done[0], 0);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(seen.answered[i], 1);
	/* What it says when it comes back nobody waits for any more. */
	uv_sem_post(&seen.held);
	ask(LOOKUP_PASSWORD, 50, "any");
	run(51);
	while (seen.secret_octets < 51 * strlen("secret"))
		uv_run(&lookup.loop, UV_RUN_ONCE);
	assert_int_equal(seen.answered[0], 1);
	assert_int_equal(seen.done[0], 0);
}

static void
test_too_many_wait(void **state)
{
	ask(LOOKUP_PASSWORD, 0, "hangs");
	ask(LOOKUP_PASSWORD, 0, "hangs");
	for (unsigned i = 0; i < LOOKUP_WAITING_MAXIMUM; i++)
		ask(LOOKUP_PASSWORD, 1, "any");
	assert_int_equal(seen.sum_answered, 0);
	ask(LOOKUP_PASSWORD, 2, "any");
	assert_int_equal(seen.answered[2], 1);
	assert_int_equal(seen.done[2], 0);
	for (int i = 0; i < PASSWORD_THREADS; i++)
		uv_sem_post(&seen.held);
	run(LOOKUP_WAITING_MAXIMUM + 3);
	assert_int_equal(seen.done[1], LOOKUP_WAITING_MAXIMUM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_each_is_answered_once, set_up),
		cmocka_unit_test_setup(test_known_needs_no_thread, set_up),
		cmocka_unit_test_setup(test_one_that_hangs, set_up),
		cmocka_unit_test_setup(test_too_many_wait, set_up),
	};
	struct server_settings settings = {
		.pam = {.threads = PASSWORD_THREADS, .timeout_seconds = 1},
		.oauth.timeout_seconds = 5};

	uv_sem_init(&seen.held, 0);
	uv_mutex_init(&seen.lock);
	uv_loop_init(&lookup.loop);
	lookup_pool_init(&settings);
	lookup_pool_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
