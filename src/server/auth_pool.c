/* SPDX-License-Identifier: ISC */
/*
 * Passwords are hashed in a few threads. Whoever is known goes first, then
 * networks without a failure, then the rest, each network in turn; and one
 * thread is never given to the rest.
 */
#include "accounts/password.h"
#include "server/auth_role.h"
#include "server/auth_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLASS_SUSPICIOUS (FAIR_CLASSES - 1)

static struct {
	struct fair_queue queue;
	unsigned threads, busy;
} pool;

void
auth_pool_init(unsigned threads)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	char text[16];

	/* Half of the machine: the sessions need the rest. */
	if (threads == 0)
		threads = cores > 4 ? (unsigned)cores / 2 : AUTH_THREADS_LEAST;
	if (threads < AUTH_THREADS_LEAST)
		threads = AUTH_THREADS_LEAST;
	pool.threads = threads;
	snprintf(text, sizeof(text), "%u", threads);
	setenv("UV_THREADPOOL_SIZE", text, 1);
}

static void
hash_in_thread(uv_work_t *work)
{
	struct auth_exchange *x = work->data;

	x->outcome = password_find(secret_bytes(&x->password), &x->account,
		x->has_device ? x->device : NULL, &x->which);
}

static void start_some(void);

static void
after_hash(uv_work_t *work, int status)
{
	struct auth_exchange *x = work->data;
	struct auth_client *client = x->client;

	pool.busy--;
	client->checks--;
	x->stage = AUTH_TALKING;
	auth_checked(x);
	auth_client_free_when_unused(client);
	start_some();
}

static void
start(struct auth_exchange *x)
{
	x->work.data = x;
	x->stage = AUTH_HASHING;
	auth_guard_begin(x);
	pool.busy++;
	x->client->checks++;
	/* Fails only without a callback. */
	uv_queue_work(&auth.loop, &x->work, hash_in_thread, after_hash);
}

/* The suspicious leave a thread to the others. */
static unsigned
worst_class(void)
{
	return pool.busy + 1 < pool.threads ? CLASS_SUSPICIOUS
					    : CLASS_SUSPICIOUS - 1;
}

/* What has failed since it came may hold it back now. */
static void
start_some(void)
{
	struct fair_item *item;

	while (pool.busy < pool.threads &&
		(item = fair_queue_pop(&pool.queue, worst_class()))) {
		struct auth_exchange *x =
			table_object(item, struct auth_exchange, item);

		x->stage = AUTH_TALKING;
		if (!auth_guard_is_free(x))
			auth_guard_admit(x, x->admitted);
		else if (auth_check_prepare(x))
			start(x);
		else
			auth_refuse(x, ERR_TRY_LATER);
	}
}

bool
auth_pool_submit(struct auth_exchange *x)
{
	unsigned class = auth_guard_class(x);
	size_t most = class == CLASS_SUSPICIOUS ? AUTH_QUEUE_MAXIMUM
						: 2 * AUTH_QUEUE_MAXIMUM;

	if (pool.queue.count >= most ||
		!fair_queue_push(&pool.queue, &x->item, class,
			penalties_lane(auth.penalties, x->network)))
		return false;
	x->stage = AUTH_QUEUED;
	account_release(&x->account);
	start_some();
	return true;
}

void
auth_pool_forget(struct auth_exchange *x)
{
	if (x->stage == AUTH_QUEUED)
		fair_queue_remove(&pool.queue, &x->item);
}
