/* SPDX-License-Identifier: ISC */
/*
 * What has arrived becomes durable, a batch at a time in the thread pool: first
 * the sink, then the ledger. Receiving never waits for the disk.
 */
#include "collect/collection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
storing_add(struct collection *c, uint32_t index)
{
	c->waiting[c->waiting_count++] = index;
	c->waiting_octets += c->listed[index].octets;
}

/* ---- in the thread pool; the loop touches none of this meanwhile ---- */

static void
flush_sink(struct flush *flush, size_t from, size_t to)
{
	struct collection *c = flush->collection;
	struct sink_delivery *deliveries[BATCH_MAXIMUM];
	enum outcome outcomes[BATCH_MAXIMUM];
	size_t of[BATCH_MAXIMUM] = {0}, count = 0;

	for (size_t i = from; i < to; i++) {
		struct listed *one = &c->listed[flush->indexes[i]];

		flush->outcomes[i] = OK;
		if (!one->arrival->delivery)
			continue; /* the sink has it already */
		of[count] = i;
		deliveries[count++] = one->arrival->delivery;
	}
	if (count > 0)
		c->sink->ops->flush(c->sink, deliveries, count, outcomes);
	for (size_t i = 0; i < count; i++) {
		flush->outcomes[of[i]] = outcomes[i];
		if (outcomes[i] != OK)
			memcpy(flush->error, c->sink->error,
				sizeof(flush->error));
	}
}

static void
commit(struct flush *flush, size_t from, size_t to)
{
	struct collection *c = flush->collection;
	size_t count = 0;

	for (size_t i = from; i < to; i++) {
		const struct listed *one = &c->listed[flush->indexes[i]];
		struct ledger_message *message = &flush->messages[count];

		if (flush->outcomes[i] != OK)
			continue;
		*message = (struct ledger_message){
			.key = one->key,
			.octets = one->octets,
			.stored_seconds = one->stored_seconds,
			.born_seconds = one->born_seconds,
		};
		memcpy(message->digest, one->arrival->digest,
			LEDGER_DIGEST_OCTETS);
		memcpy(message->header, one->arrival->header,
			LEDGER_DIGEST_OCTETS);
		count++;
	}
	if (count > 0)
		flush->ledger_outcome = ledger_commit(
			c->ledger, c->account->name, flush->messages, count);
}

/* Refused by a sink that took others: about this message alone. */
static bool
is_refused(enum outcome outcome)
{
	return outcome == ERR_PEER || outcome == ERR_BUSY;
}

/* The next time it comes last; when that did not help it is put aside. */
static void
note_refused(struct flush *flush, size_t from, size_t to)
{
	struct collection *c = flush->collection;

	for (size_t i = from; i < to; i++) {
		struct listed *one = &c->listed[flush->indexes[i]];

		if (flush->outcomes[i] != ERR_PEER)
			continue;
		ledger_broke(
			c->ledger, c->account->name, &one->key, one->octets);
		one->attempts++;
	}
}

/* What goes to the sink at once; the ledger learns of it before the next. */
static size_t
batch_end(const struct flush *flush, size_t from)
{
	const struct sink_ops *ops = flush->collection->sink->ops;

	if (ops->batch == 0 || from + ops->batch > flush->count)
		return flush->count;
	return from + ops->batch;
}

static void
work(uv_work_t *request)
{
	struct flush *flush = request->data;
	size_t from = 0, to;
	bool goes_on = true;

	for (size_t i = 0; i < flush->count; i++)
		flush->outcomes[i] = ERR_TRY_LATER;
	for (; from < flush->count && goes_on; from = to) {
		to = batch_end(flush, from);
		flush_sink(flush, from, to);
		commit(flush, from, to);
		note_refused(flush, from, to);
		goes_on = flush->ledger_outcome == OK;
		for (size_t i = from; i < to; i++)
			if (flush->outcomes[i] != OK &&
				!is_refused(flush->outcomes[i]))
				goes_on = false;
	}
}

/* ---- on the loop ---- */

static void
settle(struct collection *c, uint32_t index, enum outcome outcome)
{
	struct listed *one = &c->listed[index];

	c->sink->ops->drop(c->sink, &one->arrival->delivery);
	free(one->arrival);
	one->arrival = NULL;
	if (outcome != OK) {
		one->state = MESSAGE_LEFT;
		return;
	}
	one->state = MESSAGE_STORED;
	c->counts.stored_messages++;
	if (!one->is_twin && policy_may_delete(c, index))
		c->deletable[c->deletable_count++] = index;
}

static void
free_flush(struct flush **flush)
{
	free((*flush)->indexes);
	free((*flush)->outcomes);
	free((*flush)->messages);
	free(*flush);
	*flush = NULL;
}

/* Of one message, and the others go on. */
static void
tell_refused(struct collection *c, const struct flush *flush, size_t count)
{
	char text[ENGINE_TEXT_SIZE];

	if (count == 0)
		return;
	c->has_failed_messages = true;
	snprintf(text, sizeof(text),
		"%zu message%s refused (%.200s) and stay%s on the server",
		count, count == 1 ? " was" : "s were", flush->error,
		count == 1 ? "s" : "");
	collection_tell(c, ENGINE_WARNING, text);
}

static void
after_work(uv_work_t *request, int status)
{
	struct flush *flush = request->data;
	struct collection *c = flush->collection;
	enum outcome first = flush->ledger_outcome;
	bool is_ledger = first != OK;
	char error[SINK_ERROR_SIZE];
	size_t refused = 0;

	for (size_t i = 0; i < flush->count; i++) {
		enum outcome outcome = flush->outcomes[i];

		if (outcome == OK)
			outcome = flush->ledger_outcome;
		if (is_refused(outcome))
			refused++;
		else if (first == OK)
			first = outcome;
		settle(c, flush->indexes[i], outcome);
	}
	tell_refused(c, flush, refused);
	memcpy(error, flush->error, sizeof(error));
	free_flush(&c->flush);
	collection_tell(c, ENGINE_STORED, NULL);
	c->is_behind |= first != OK;
	if (is_ledger)
		collection_fail(c, first, "the ledger cannot be written: %s",
			first == ERR_NO_SPACE ? "the disk is full"
					      : outcome_name(first));
	else if (first != OK)
		collection_fail(c, first, "%.200s cannot be written: %s",
			strcmp(c->sink->ops->name, "maildir") == 0
				? "the Maildir"
				: c->sink_path,
			error[0]		? error
			: first == ERR_NO_SPACE ? "the disk is full"
						: outcome_name(first));
	collection_flushed(c);
}

/* Out of `waiting`; NULL: no memory. */
static struct flush *
take_batch(struct collection *c)
{
	struct flush *flush = calloc(1, sizeof(*flush));
	uint32_t count = c->waiting_count < BATCH_MAXIMUM ? c->waiting_count
							  : BATCH_MAXIMUM;

	if (!flush)
		return NULL;
	flush->indexes = calloc(count, sizeof(*flush->indexes));
	flush->outcomes = calloc(count, sizeof(*flush->outcomes));
	flush->messages = calloc(count, sizeof(*flush->messages));
	if (!flush->indexes || !flush->outcomes || !flush->messages) {
		free_flush(&flush);
		return NULL;
	}
	memcpy(flush->indexes, c->waiting, count * sizeof(*flush->indexes));
	flush->count = count;
	flush->collection = c;
	flush->work.data = flush;
	c->waiting_count -= count;
	memmove(c->waiting, c->waiting + count,
		c->waiting_count * sizeof(*c->waiting));
	c->waiting_octets = 0; /* what is left goes with the next */
	return flush;
}

void
storing_flush(struct collection *c, bool all)
{
	if (c->flush || c->waiting_count == 0 ||
		(!all && c->waiting_count < BATCH_MESSAGES &&
			c->waiting_octets < BATCH_OCTETS))
		return;
	c->flush = take_batch(c);
	if (!c->flush ||
		uv_queue_work(c->loop, &c->flush->work, work, after_work) != 0)
		collection_fail(
			c, ERR_TRY_LATER, "no memory to store what arrived");
}
