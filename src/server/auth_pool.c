/* SPDX-License-Identifier: ISC */
/*
 * Passwords are hashed in a few threads; of those that PAM judges, and of tokens,
 * as many are asked at once as lookup has threads for. Whoever is known goes first, then
 * networks without a failure, then the rest, each network in turn; and one
 * thread is never given to the rest.
 */
#include "accounts/password.h"
#include "server/auth_role.h"
#include "server/auth_state.h"
#include "server/lookup_role.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLASS_SUSPICIOUS (FAIR_CLASSES - 1)

static struct pool {
	struct fair_queue queue;
	unsigned threads, busy;
	bool is_starting;
} hashing, asking, tokens;

static struct pool *
pool_of(const struct auth_exchange *x)
{
	if (x->is_token)
		return &tokens;
	return x->is_pam ? &asking : &hashing;
}

void
auth_pool_init(unsigned threads, unsigned lookups)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	char text[16];

	/* Half of the machine: the sessions need the rest. */
	if (threads == 0)
		threads = cores > 4 ? (unsigned)cores / 2 : AUTH_THREADS_LEAST;
	if (threads < AUTH_THREADS_LEAST)
		threads = AUTH_THREADS_LEAST;
	hashing.threads = threads;
	asking.threads = lookups;
	tokens.threads = LOOKUP_TOKEN_THREADS;
	snprintf(text, sizeof(text), "%u", threads);
	setenv("UV_THREADPOOL_SIZE", text, 1);
}

static void
hash_in_thread(uv_work_t *work)
{
	struct auth_exchange *x = work->data;

	x->outcome = password_find(secret_bytes(&x->password), &x->account,
		x->has_device ? x->device : NULL, &x->which);
	auth_upgrade_make(x);
}

static void start_some(struct pool *pool);

static void
end(struct auth_exchange *x)
{
	struct auth_client *client = x->client;
	struct pool *pool = pool_of(x);

	pool->busy--;
	client->checks--;
	x->stage = AUTH_TALKING;
	if (x->is_token)
		auth_token_checked(x);
	else
		auth_checked(x);
	auth_client_free_when_unused(client);
	start_some(pool);
}

static void
after_hash(uv_work_t *work, int status)
{
	end(work->data);
}

static void
on_judged(struct auth_lookup *lookup, enum outcome outcome, const char *user)
{
	struct auth_exchange *x =
		table_object(lookup, struct auth_exchange, lookup);

	x->outcome = outcome == OK || outcome == ERR_DENIED ? outcome
							    : ERR_TRY_LATER;
	/* A name that is too long is nobody's. */
	if (x->is_token && outcome == OK &&
		!bytes_to_string(
			bytes_of_string(user), x->tried, sizeof(x->tried)))
		x->outcome = ERR_DENIED;
	end(x);
}

static void
ask_pam(struct auth_exchange *x)
{
	struct auth_lookup_password question = {.user = x->account.name,
		.password = secret_bytes(&x->password)};
	char host[ADDRESS_TEXT_SIZE] = "";
	struct address address;

	if (address_parse(bytes_of_string(x->address), &address))
		address_host_text(&address, host);
	question.host = host;
	if (!auth_lookup_password(&x->lookup, &question, on_judged))
		on_judged(&x->lookup, ERR_TRY_LATER, "");
}

static void
ask_token(struct auth_exchange *x)
{
	if (!auth_lookup_token(
		    &x->lookup, secret_bytes(&x->password), on_judged))
		on_judged(&x->lookup, ERR_TRY_LATER, "");
}

static void
start(struct auth_exchange *x)
{
	x->stage = x->is_pam || x->is_token ? AUTH_ASKING : AUTH_HASHING;
	auth_guard_begin(x);
	pool_of(x)->busy++;
	x->client->checks++;
	if (x->stage == AUTH_ASKING) {
		if (x->is_token)
			ask_token(x);
		else
			ask_pam(x);
		return;
	}
	x->work.data = x;
	/* Settings may change while the thread is at it. */
	x->fresh_iterations = auth.boot->settings.scram_iterations;
	/* Fails only without a callback. */
	uv_queue_work(&auth.loop, &x->work, hash_in_thread, after_hash);
}

/* The suspicious leave a thread to the others, where there is another one. */
static unsigned
worst_class(const struct pool *pool)
{
	return pool->busy + 1 < pool->threads || pool->threads == 1
		       ? CLASS_SUSPICIOUS
		       : CLASS_SUSPICIOUS - 1;
}

/* What has failed since it came may hold it back now. */
static void
start_some(struct pool *pool)
{
	struct fair_item *item;

	/* One that ends at once brings us here again. */
	if (pool->is_starting)
		return;
	pool->is_starting = true;
	while (pool->busy < pool->threads &&
		(item = fair_queue_pop(&pool->queue, worst_class(pool)))) {
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
	pool->is_starting = false;
}

bool
auth_pool_submit(struct auth_exchange *x)
{
	unsigned class = auth_guard_class(x);
	struct pool *pool = pool_of(x);
	size_t most = class == CLASS_SUSPICIOUS ? AUTH_QUEUE_MAXIMUM
						: 2 * AUTH_QUEUE_MAXIMUM;

	if (pool->queue.count >= most ||
		!fair_queue_push(&pool->queue, &x->item, class,
			penalties_lane(auth.penalties, x->network)))
		return false;
	x->stage = AUTH_QUEUED;
	account_release(&x->account);
	start_some(pool);
	return true;
}

void
auth_pool_forget(struct auth_exchange *x)
{
	if (x->stage == AUTH_QUEUED)
		fair_queue_remove(&pool_of(x)->queue, &x->item);
}
