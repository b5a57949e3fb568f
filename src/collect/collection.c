/* SPDX-License-Identifier: ISC */
/* One account's run between its connection and its session. */
#include "collect/collection.h"
#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
collection_tell(
	struct collection *c, enum engine_event_kind kind, const char *text)
{
	struct engine_event event = c->counts;

	event.kind = kind;
	event.account = c->account->name;
	event.text = text ? text : "";
	event.outcome = c->outcome;
	event.message = c->message;
	if (c->options->on_event)
		c->options->on_event(&event, c->options->context);
}

void
collection_send(struct collection *c)
{
	if (c->stage == STAGE_ENDED || !c->connection)
		return;
	c->has_piped |= pop3_client_pending(c->client) > 1;
	connection_send(c->connection, pop3_client_output(c->client));
	connection_expect(c->connection, pop3_client_is_owed(c->client),
		pop3_client_answers(c->client));
}

/* ---- the end ---- */

static void
end_run(struct collection *c)
{
	struct ledger_run run = {
		.at_seconds = clock_wall_seconds(),
		.messages = c->counts.received_messages,
		.octets = c->counts.received_octets,
		.stored = c->counts.stored_messages,
		.on_server =
			c->counts.listed_messages - c->counts.deleted_messages,
		.is_good = c->outcome == OK,
		.is_interrupted = c->is_behind && c->outcome != OK,
	};

	if (!c->ledger || c->only_looks)
		return;
	remembering_end(c);
	snprintf(run.account, sizeof(run.account), "%s", c->account->name);
	snprintf(run.detail, sizeof(run.detail), "%.250s", c->reason);
	/* It failed before it filed anything: that is told, and the mark of one
	   that was interrupted stays. */
	if (!c->is_run_open && ledger_begin_run(c->ledger, run.account,
				       &run.is_interrupted) != OK)
		return;
	ledger_end_run(c->ledger, &run);
}

static void again(struct collection *c);

/* When nothing is under way any more. */
static void
finish(struct collection *c)
{
	if (c->stage != STAGE_ENDED || c->is_connected || c->flush ||
		c->is_finished)
		return;
	if (c->waiting_count > 0) {
		/* Whole messages: what arrived is not thrown away. */
		storing_flush(c, true);
		if (c->flush)
			return;
	}
	if (c->wants_again) {
		again(c);
		return;
	}
	c->is_finished = true;
	secret_release(c->password);
	end_run(c);
	collection_tell(c, ENGINE_ENDED, c->reason);
}

static void
end(struct collection *c)
{
	c->stage = STAGE_ENDED;
	messages_break(c);
	if (c->connection)
		connection_close(&c->connection);
	else
		finish(c);
}

void
collection_fail(
	struct collection *c, enum outcome outcome, const char *format, ...)
{
	va_list arguments;

	/* The first failure is the cause of the others. */
	if (c->outcome == OK) {
		va_start(arguments, format);
		vsnprintf(c->reason, sizeof(c->reason), format, arguments);
		va_end(arguments);
		c->outcome = outcome;
	}
	if (c->stage != STAGE_ENDED)
		end(c);
}

void
collection_end(struct collection *c)
{
	if (c->has_failed_messages && c->outcome == OK) {
		c->outcome = ERR_TRY_LATER;
		snprintf(c->reason, sizeof(c->reason),
			"not everything could be collected");
	}
	end(c);
}

void
collection_flushed(struct collection *c)
{
	if (c->stage == STAGE_ENDED) {
		finish(c);
		return;
	}
	messages_go_on(c);
	collection_send(c);
}

/* ---- the connection's events ---- */

static void
on_opened(void *context)
{
	struct collection *c = context;

	c->stage = STAGE_GREETING;
	collection_tell(
		c, ENGINE_CONNECTED, connection_tls_description(c->connection));
	collection_send(c);
}

static void
on_secured(void *context)
{
	struct collection *c = context;

	c->is_secured = true;
	pop3_client_tls_started(c->client);
	collection_tell(
		c, ENGINE_CONNECTED, connection_tls_description(c->connection));
	session_ask_capabilities(c, true);
	collection_send(c);
}

static void
on_received(void *context, struct bytes octets)
{
	struct collection *c = context;
	enum pop3_client_event event = POP3_CLIENT_DONE;

	while (c->stage != STAGE_ENDED && event != POP3_CLIENT_NOTHING) {
		event = pop3_client_take(c->client, &octets);
		session_event(c, event);
	}
	messages_go_on(c);
	if (c->stage == STAGE_MESSAGES)
		collection_tell(c, ENGINE_PROGRESS, NULL);
	collection_send(c);
}

/* It answered, then no more, while more than one command was under way, and is
 * not in the middle of a message: it threw the others away. */
static bool
has_lost_pipeline(const struct collection *c)
{
	return c->has_pipelining && !c->is_receiving && !c->has_failed_once &&
	       c->connection && connection_was_silent(c->connection) &&
	       c->stage >= STAGE_LOGIN && c->stage <= STAGE_QUITTING &&
	       pop3_client_pending(c->client) > 0 && c->has_piped;
}

static void
on_failed(void *context, enum outcome outcome, const char *reason)
{
	struct collection *c = context;

	if (has_lost_pipeline(c)) {
		remembering_lost_pipeline(c);
		collection_tell(c, ENGINE_WARNING,
			"the server loses commands that are sent without "
			"waiting for its replies: they go one by one now");
		c->wants_again = c->has_failed_once = true;
		end(c);
		return;
	}
	collection_fail(c, outcome, "%s%s", reason,
		c->stage == STAGE_QUITTING ? " before it answered QUIT" : "");
}

static void
on_closed(void *context)
{
	struct collection *c = context;

	c->is_connected = false;
	finish(c);
}

static const struct connection_events events = {
	.opened = on_opened,
	.secured = on_secured,
	.received = on_received,
	.failed = on_failed,
	.closed = on_closed,
};

/* ---- beginning ---- */

static void
open_session(struct collection *c)
{
	struct connection_options options = {
		.host = c->account->host,
		.port = account_port(c->account),
		.tls = c->tls,
		.is_tls_first = c->account->tls == ACCOUNT_TLS_IMPLICIT,
		.is_loopback_only = c->account->tls == ACCOUNT_TLS_NONE,
		.silence_seconds = c->account->timeout_seconds,
		.minimum_rate = c->account->minimum_rate,
		.maximum_seconds = c->account->session_maximum_seconds,
	};

	if (c->account->proxy[0]) {
		options.proxy = &c->proxy;
		if (!socks5_parse(c->account->proxy, &c->proxy)) {
			collection_fail(c, ERR_PEER, "the proxy is none");
			return;
		}
	}
	c->sessions++;
	c->session_stored = c->counts.stored_messages;
	c->stage = STAGE_CONNECTING;
	window_init(&c->window);
	c->client = pop3_client_new();
	if (c->client)
		c->connection = connection_open(c->loop, &options, &events, c);
	c->is_connected = c->connection != NULL;
	if (!c->connection)
		collection_fail(c, ERR_TRY_LATER, "no memory");
}

/* Everything of the session that is over is forgotten. */
static void
again(struct collection *c)
{
	c->wants_again = false;
	listing_forget(c);
	heading_release(c);
	login_release(c);
	pop3_client_free(&c->client);
	c->has_no_uidl = false;
	c->is_secured = c->has_pipelining = c->has_piped = false;
	c->is_assumed = c->is_changed = c->skips_list = c->are_twins_judged =
		false;
	c->plan_count = c->plan_next = 0;
	c->asked_messages = 0;
	c->asked_octets = c->stat_octets = c->waiting_octets = 0;
	c->deletable_count = c->deletable_next = 0;
	open_session(c);
}

void
collection_start(struct collection *c)
{
	c->digest = EVP_MD_CTX_new();
	c->header_digest = EVP_MD_CTX_new();
	c->is_observing = c->options->is_observing || c->account->observe;
	c->only_looks = c->options->is_dry_run || c->is_observing;
	sorting_begin(c);
	buffer_init(&c->head, HEAD_MAXIMUM_OCTETS);
	if (!c->digest || !c->header_digest)
		collection_fail(c, ERR_TRY_LATER, "no memory");
	else if (remembering_begin(c))
		open_session(c);
}

void
collection_release(struct collection *c)
{
	listing_forget(c);
	heading_release(c);
	routing_close(c);
	login_release(c);
	pop3_client_free(&c->client);
	EVP_MD_CTX_free(c->digest);
	explicit_bzero(&c->proxy, sizeof(c->proxy));
	EVP_MD_CTX_free(c->header_digest);
	buffer_release(&c->head);
}
