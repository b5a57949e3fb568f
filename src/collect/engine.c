/* SPDX-License-Identifier: ISC */
#include "collect/engine.h"
#include "collect/collection.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct engine {
	const struct engine_options *options;
	struct ledger *ledger;
	uv_loop_t loop;
	size_t count;
	struct collection *collections;
	int *locks;
	struct tls_context *
		*contexts; /* [i] NULL: the same as an earlier one's */
};

/* ---- one program for an account at a time ---- */

/* -1: a failure that is told. */
static int
lock(struct engine *engine, struct collection *c)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s.lock", engine->options->state,
		c->account->name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		collection_fail(c, outcome_of_errno(errno),
			"cannot lock %.200s: %s", path, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	collection_fail(
		c, ERR_BUSY, "another restante is collecting this account");
	close(fd);
	return -1;
}

/* ---- TLS ---- */

static struct tls_context *
shared_context(const struct engine *engine, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (engine->contexts[i] &&
			strcmp(engine->collections[i].account->ca_file,
				engine->collections[index].account->ca_file) ==
				0)
			return engine->contexts[i];
	return NULL;
}

static bool
set_tls(struct engine *engine, size_t index)
{
	struct collection *c = &engine->collections[index];
	char path[PATH_MAX], error[TLS_ERROR_SIZE] = "the path is too long";
	enum outcome outcome = ERR_PEER;

	if (c->account->tls == ACCOUNT_TLS_NONE)
		return true;
	c->tls = shared_context(engine, index);
	if (c->tls)
		return true;
	if (account_expand(c->account->ca_file, path, sizeof(path)))
		outcome = tls_client_context_new(
			path[0] ? path : NULL, &engine->contexts[index], error);
	c->tls = engine->contexts[index];
	if (outcome != OK)
		collection_fail(c, outcome, "%s", error);
	return outcome == OK;
}

/* Of the sink, when it speaks with a server over TLS. */
static bool
set_deliver_tls(struct engine *engine, size_t index)
{
	struct collection *c = &engine->collections[index];
	const struct collect_account *account = c->account;
	char path[PATH_MAX], error[TLS_ERROR_SIZE] = "the path is too long";
	enum outcome outcome = ERR_PEER;

	if (!account->deliver_server[0] ||
		account->deliver_tls == ACCOUNT_TLS_NONE)
		return true;
	if (account_expand(account->deliver_ca_file, path, sizeof(path)))
		outcome = tls_client_context_new(
			path[0] ? path : NULL, &c->deliver_tls, error);
	if (outcome != OK)
		collection_fail(c, outcome, "%s", error);
	return outcome == OK;
}

/* ---- all of them ---- */

static void
start(struct engine *engine, size_t index, const struct engine_account *account)
{
	struct collection *c = &engine->collections[index];

	c->options = engine->options;
	c->account = account->account;
	c->password = account->password;
	c->deliver_password = account->deliver_password;
	c->loop = &engine->loop;
	engine->locks[index] = -1;
	if (!engine->options->is_login_only) {
		engine->locks[index] = lock(engine, c);
		if (engine->locks[index] < 0)
			return;
		/* The account's lines in it belong to whoever has the lock. */
		c->ledger = engine->ledger;
	}
	if (set_tls(engine, index) && set_deliver_tls(engine, index))
		collection_start(c);
}

static bool
make(struct engine *engine, size_t count)
{
	engine->count = count;
	engine->collections = calloc(count + 1, sizeof(*engine->collections));
	engine->locks = calloc(count + 1, sizeof(*engine->locks));
	engine->contexts = calloc(count + 1, sizeof(struct tls_context *));
	return engine->collections && engine->locks && engine->contexts &&
	       uv_loop_init(&engine->loop) == 0;
}

static void
release(struct engine *engine)
{
	free(engine->collections);
	free(engine->locks);
	free(engine->contexts);
}

enum outcome
engine_run(const struct engine_options *options, struct ledger *ledger,
	const struct engine_account *accounts, size_t count,
	enum outcome *outcomes, char error[ENGINE_TEXT_SIZE])
{
	struct engine engine = {.options = options, .ledger = ledger};

	if (!make(&engine, count)) {
		snprintf(error, ENGINE_TEXT_SIZE, "no memory");
		release(&engine);
		return ERR_TRY_LATER;
	}
	for (size_t i = 0; i < count; i++)
		start(&engine, i, &accounts[i]);
	uv_run(&engine.loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < count; i++) {
		outcomes[i] = engine.collections[i].outcome;
		collection_release(&engine.collections[i]);
		tls_context_free(&engine.collections[i].deliver_tls);
		tls_context_free(&engine.contexts[i]);
		if (engine.locks[i] >= 0)
			close(engine.locks[i]);
	}
	uv_loop_close(&engine.loop);
	release(&engine);
	return OK;
}
