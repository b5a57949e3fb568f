/* SPDX-License-Identifier: ISC */
/*
 * What has arrived becomes durable, a batch at a time in the thread pool: first
 * the sink, then the ledger. Receiving never waits for the disk.
 */
#include "collect/collection.h"

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
flush_sink(struct flush *flush)
{
	struct collection *c = flush->collection;
	struct sink_delivery *deliveries[BATCH_MAXIMUM];
	enum outcome outcomes[BATCH_MAXIMUM];
	size_t of[BATCH_MAXIMUM] = {0}, count = 0;

	for (size_t i = 0; i < flush->count; i++) {
		struct listed *one = &c->listed[flush->indexes[i]];

		flush->outcomes[i] = OK;
		if (!one->arrival->delivery)
			continue; /* the sink has it already */
		of[count] = i;
		deliveries[count++] = one->arrival->delivery;
	}
	if (count > 0)
		c->sink->ops->flush(c->sink, deliveries, count, outcomes);
	for (size_t i = 0; i < count; i++)
		flush->outcomes[of[i]] = outcomes[i];
}

static void
work(uv_work_t *request)
{
	struct flush *flush = request->data;
	struct collection *c = flush->collection;
	struct ledger_message *messages = flush->messages;
	size_t count = 0;

	flush_sink(flush);
	for (size_t i = 0; i < flush->count; i++) {
		const struct listed *one = &c->listed[flush->indexes[i]];

		if (flush->outcomes[i] != OK)
			continue;
		messages[count] = (struct ledger_message){
			.key = one->key, .octets = one->octets};
		memcpy(messages[count++].digest, one->arrival->digest,
			LEDGER_DIGEST_OCTETS);
	}
	if (count > 0)
		flush->ledger_outcome = ledger_commit(
			c->ledger, c->account->name, messages, count);
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
	if (!c->account->keep && !one->is_twin)
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

static void
after_work(uv_work_t *request, int status)
{
	struct flush *flush = request->data;
	struct collection *c = flush->collection;
	enum outcome first = flush->ledger_outcome;
	const char *who = first != OK ? "the ledger" : "the Maildir";

	for (size_t i = 0; i < flush->count; i++) {
		enum outcome outcome = flush->outcomes[i];

		if (outcome == OK)
			outcome = flush->ledger_outcome;
		if (first == OK)
			first = outcome;
		settle(c, flush->indexes[i], outcome);
	}
	free_flush(&c->flush);
	collection_tell(c, ENGINE_STORED, NULL);
	c->is_behind |= first != OK;
	if (first != OK)
		collection_fail(c, first, "%s cannot be written: %s", who,
			first == ERR_NO_SPACE ? "the disk is full"
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
