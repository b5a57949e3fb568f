/* SPDX-License-Identifier: ISC */
#include "collect/engine.h"
#include "collect/collection.h"
#include "collect/secret_task.h"
#include "collect/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* What an answer to QUIT may take when all is to end. */
#define STOP_SECONDS 5

/* One account's. */
struct run {
	struct engine *engine;
	struct run *next;
	struct collection collection;
	struct secret password, deliver_password;
	struct secret_task *reading; /* the passwords, in a thread */
	struct trust *trust, *deliver_trust;
	int lock; /* -1: none */
	enum outcome *out_outcome;
	uv_timer_t release; /* its memory goes when nobody is within a call */
};

struct engine {
	const struct engine_options *options;
	struct engine_options own; /* the same, with events that pass by here */
	struct ledger *ledger;
	uv_loop_t *loop;
	struct run *runs;
	struct trust *trusts;
	bool is_stopping;
};

bool
engine_quarantine_path(
	const char *state, const char *account, char *out, size_t size)
{
	return snprintf(out, size, "%s/quarantine/%s", state, account) <
	       (int)size;
}

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

static bool
find_trust(struct run *run, const struct trust_wants *wants, struct trust **out,
	struct tls_context **out_context)
{
	struct collection *c = &run->collection;
	char error[TLS_ERROR_SIZE];
	enum outcome outcome =
		trust_take(&run->engine->trusts, wants, out, error);

	if (outcome == OK)
		*out_context = trust_context(*out);
	else
		collection_fail(c, outcome, "%s", error);
	return outcome == OK;
}

static bool
set_tls(struct run *run)
{
	struct collection *c = &run->collection;
	const struct collect_account *account = c->account;
	const struct trust_wants wants = trust_of_account(account);
	const struct trust_wants deliver = {
		account->deliver_ca_file, "", "", ""};

	if (account->tls != ACCOUNT_TLS_NONE &&
		!find_trust(run, &wants, &run->trust, &c->tls))
		return false;
	/* Of the sink, when it speaks with a server over TLS. */
	return !account->deliver_server[0] ||
	       account->deliver_tls == ACCOUNT_TLS_NONE ||
	       find_trust(run, &deliver, &run->deliver_trust, &c->deliver_tls);
}

/* ---- the end ---- */

static void
on_released(uv_handle_t *handle)
{
	struct run *run = handle->data;
	struct run **at = &run->engine->runs;

	while (*at != run)
		at = &(*at)->next;
	*at = run->next;
	collection_release(&run->collection);
	secret_release(&run->password);
	secret_release(&run->deliver_password);
	trust_give_back(&run->engine->trusts, &run->trust);
	trust_give_back(&run->engine->trusts, &run->deliver_trust);
	free(run);
}

static void
on_release(uv_timer_t *timer)
{
	struct run *run = timer->data;

	/* Stopped while its QUIT waits for an answer: that was long enough. */
	if (!run->collection.is_finished)
		collection_fail(&run->collection, ERR_TRY_LATER,
			"stopped before the server had answered QUIT");
	else
		uv_close((uv_handle_t *)timer, on_released);
}

static struct run *
run_of(struct engine *engine, const char *name)
{
	struct run *run = engine->runs;

	while (run->collection.account->name != name)
		run = run->next;
	return run;
}

static void
on_event(const struct engine_event *event, void *context)
{
	struct engine *engine = context;
	struct run *run;

	if (event->kind == ENGINE_ENDED) {
		run = run_of(engine, event->account);
		if (run->out_outcome)
			*run->out_outcome = event->outcome;
		/* Another program may have it at once. */
		if (run->lock >= 0)
			close(run->lock);
		run->lock = -1;
		uv_timer_start(&run->release, on_release, 0, 0);
	}
	if (engine->options->on_event)
		engine->options->on_event(event, engine->options->context);
}

void
engine_stop(struct engine *engine)
{
	struct run *next;

	engine->is_stopping = true;
	for (struct run *run = engine->runs; run; run = next) {
		struct collection *c = &run->collection;

		next = run->next;
		if (run->reading)
			secret_task_cancel(run->reading);
		else if (c->is_finished)
			continue;
		else if (c->stage == STAGE_QUITTING)
			uv_timer_start(&run->release, on_release,
				STOP_SECONDS * 1000, 0);
		else
			collection_fail(
				c, ERR_TRY_LATER, "stopped before it was over");
	}
}

/* ---- the beginning ---- */

static void
on_passwords(enum outcome outcome, const char *error, void *context)
{
	struct run *run = context;

	run->reading = NULL;
	if (run->engine->is_stopping)
		collection_fail(&run->collection, ERR_TRY_LATER,
			"stopped before it had begun");
	else if (outcome == OK)
		collection_start(&run->collection);
	else
		collection_fail(&run->collection, outcome, "%s", error);
}

static void
read_passwords(struct run *run)
{
	struct collection *c = &run->collection;
	char error[INI_ERROR_SIZE] = "";
	enum outcome outcome;

	if (secret_source_may_wait(c->account)) {
		run->reading = secret_task_start(run->engine->loop, c->account,
			&run->password, &run->deliver_password, on_passwords,
			run);
		if (!run->reading)
			collection_fail(c, ERR_TRY_LATER, "no memory");
		return;
	}
	outcome = secret_source_read_both(c->account, &run->password,
		&run->deliver_password, NULL, error);
	on_passwords(outcome, error, run);
}

static void
start(struct run *run)
{
	struct engine *engine = run->engine;
	struct collection *c = &run->collection;

	if (!engine->options->is_login_only) {
		run->lock = lock(engine, c);
		if (run->lock < 0)
			return;
		/* The account's lines in it belong to whoever has the lock. */
		c->ledger = engine->ledger;
	}
	if (set_tls(run))
		read_passwords(run);
}

bool
engine_begin(struct engine *engine, const struct engine_account *account)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run)
		return false;
	run->engine = engine;
	run->lock = -1;
	run->out_outcome = account->out_outcome;
	if (account->password) {
		run->password = *account->password;
		*account->password = (struct secret){0};
	}
	run->collection.options = &engine->own;
	run->collection.account = account->account;
	run->collection.password = &run->password;
	run->collection.deliver_password = &run->deliver_password;
	run->collection.loop = engine->loop;
	uv_timer_init(engine->loop, &run->release);
	run->release.data = run;
	run->next = engine->runs;
	engine->runs = run;
	start(run);
	return true;
}

/* ---- all of them ---- */

struct engine *
engine_new(uv_loop_t *loop, const struct engine_options *options,
	struct ledger *ledger)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return NULL;
	*engine = (struct engine){.options = options,
		.own = *options,
		.ledger = ledger,
		.loop = loop};
	engine->own.on_event = on_event;
	engine->own.context = engine;
	return engine;
}

size_t
engine_count(const struct engine *engine)
{
	size_t count = 0;

	for (const struct run *run = engine->runs; run; run = run->next)
		count++;
	return count;
}

void
engine_free(struct engine **engine)
{
	free(*engine);
	*engine = NULL;
}

enum outcome
engine_run(const struct engine_options *options, struct ledger *ledger,
	const struct engine_account *accounts, size_t count,
	char error[ENGINE_TEXT_SIZE])
{
	struct engine *engine = NULL;
	bool is_begun = true;
	uv_loop_t loop;

	if (uv_loop_init(&loop) == 0) {
		engine = engine_new(&loop, options, ledger);
		for (size_t i = 0; engine && i < count && is_begun; i++)
			is_begun = engine_begin(engine, &accounts[i]);
		if (engine && !is_begun)
			engine_stop(engine);
		uv_run(&loop, UV_RUN_DEFAULT);
		uv_loop_close(&loop);
	}
	if (!engine || !is_begun) {
		snprintf(error, ENGINE_TEXT_SIZE, "no memory");
		engine_free(&engine);
		return ERR_TRY_LATER;
	}
	engine_free(&engine);
	return OK;
}
