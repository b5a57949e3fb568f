/* SPDX-License-Identifier: ISC */
/*
 * What has arrived becomes durable, a batch at a time in the thread pool: first
 * the sink, then the ledger. Receiving never waits for the disk.
 */
#include "collect/collection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many may be refused by a sink that has taken none, and it is theirs. */
#define REFUSED_ALONE_MAXIMUM 3

void
storing_add(struct collection *c, uint32_t index)
{
	c->waiting[c->waiting_count++] = index;
	c->waiting_octets += c->listed[index].octets;
}

/* ---- in the thread pool; the loop touches none of this meanwhile ---- */

/* [from, to): those of one sink. */
static void
flush_sink(struct flush *flush, size_t from, size_t to)
{
	struct collection *c = flush->collection;
	struct sink_delivery *deliveries[BATCH_MAXIMUM];
	enum outcome outcomes[BATCH_MAXIMUM];
	size_t of[BATCH_MAXIMUM] = {0}, count = 0;
	struct sink *sink = NULL;

	for (size_t i = from; i < to; i++) {
		struct arrival *arrival = c->listed[flush->indexes[i]].arrival;

		flush->outcomes[i] = OK;
		if (!arrival->delivery)
			continue; /* the sink has it already */
		sink = arrival->sink;
		of[count] = i;
		deliveries[count++] = arrival->delivery;
	}
	if (count > 0)
		sink->ops->flush(sink, deliveries, count, outcomes);
	for (size_t i = 0; i < count; i++) {
		flush->outcomes[of[i]] = outcomes[i];
		if (outcomes[i] != OK) {
			flush->failed = sink;
			memcpy(flush->error, sink->error, sizeof(flush->error));
		}
	}
}

static enum ledger_state
state_of(const struct flush *flush, size_t i)
{
	const struct listed *one =
		&flush->collection->listed[flush->indexes[i]];

	if (flush->are_quarantined[i])
		return LEDGER_QUARANTINED;
	return one->arrival->is_header_only ? LEDGER_HEADERS : LEDGER_STORED;
}

static void
commit(struct flush *flush, size_t from, size_t to)
{
	struct collection *c = flush->collection;
	size_t count = 0;

	for (size_t i = from; i < to; i++) {
		const struct listed *one = &c->listed[flush->indexes[i]];
		struct ledger_message *message = &flush->messages[count];

		if (flush->outcomes[i] != OK && !flush->are_quarantined[i])
			continue;
		*message = (struct ledger_message){
			.key = one->key,
			.octets = one->octets,
			.stored_seconds = one->stored_seconds,
			.born_seconds = one->born_seconds,
			.state = state_of(flush, i),
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

/* The next time it comes last. */
static void
note_refused(struct flush *flush)
{
	struct collection *c = flush->collection;

	for (size_t i = 0; i < flush->count; i++) {
		struct listed *one = &c->listed[flush->indexes[i]];

		if (flush->outcomes[i] != ERR_PEER || flush->are_quarantined[i])
			continue;
		ledger_broke(
			c->ledger, c->account->name, &one->key, one->octets);
		one->attempts++;
	}
}

static bool
is_same_folder(const struct arrival *a, const struct arrival *b)
{
	return strcmp(a->folder ? a->folder : "", b->folder ? b->folder : "") ==
	       0;
}

/* What goes to one sink at once; the ledger learns of it before the next. */
static size_t
batch_end(const struct flush *flush, size_t from)
{
	const struct listed *listed = flush->collection->listed;
	const struct arrival *first = listed[flush->indexes[from]].arrival;
	size_t to = from + 1;

	for (; to < flush->count; to++) {
		const struct arrival *next = listed[flush->indexes[to]].arrival;

		if (next->sink != first->sink ||
			(first->sink->ops->batch > 0 &&
				to - from == first->sink->ops->batch) ||
			(first->sink->ops->has_one_folder &&
				!is_same_folder(first, next)))
			break;
	}
	return to;
}

static void
file_all(struct flush *flush)
{
	size_t from = 0, to;
	bool goes_on = true;

	for (; from < flush->count && goes_on; from = to) {
		to = batch_end(flush, from);
		flush_sink(flush, from, to);
		commit(flush, from, to);
		goes_on = flush->ledger_outcome == OK;
		for (size_t i = from; i < to; i++)
			if (flush->outcomes[i] != OK &&
				!is_refused(flush->outcomes[i]))
				goes_on = false;
	}
}

/* A sink that refuses many and takes none is set up wrong: that is not theirs. */
static bool
is_about_messages(const struct flush *flush)
{
	size_t taken = flush->collection->counts.stored_messages, refused = 0;

	for (size_t i = 0; i < flush->count; i++) {
		taken += flush->outcomes[i] == OK;
		refused += flush->outcomes[i] == ERR_PEER;
	}
	return taken > 0 || refused <= REFUSED_ALONE_MAXIMUM;
}

/* What its sink refused for good, and had refused before. */
static void
put_aside(struct flush *flush)
{
	struct collection *c = flush->collection;

	for (size_t i = 0; i < flush->count; i++) {
		struct arrival *arrival = c->listed[flush->indexes[i]].arrival;
		enum outcome outcome = ERR_TRY_LATER;

		if (flush->outcomes[i] != ERR_PEER || !arrival->spare)
			continue;
		c->quarantine->ops->flush(
			c->quarantine, &arrival->spare, 1, &outcome);
		flush->are_quarantined[i] = outcome == OK;
		if (outcome == OK)
			commit(flush, i, i + 1);
	}
}

static void
work(uv_work_t *request)
{
	struct flush *flush = request->data;

	for (size_t i = 0; i < flush->count; i++)
		flush->outcomes[i] = ERR_TRY_LATER;
	file_all(flush);
	if (flush->ledger_outcome == OK && is_about_messages(flush))
		put_aside(flush);
	note_refused(flush);
}

/* ---- on the loop ---- */

static void
settle(struct collection *c, uint32_t index, enum outcome outcome,
	bool is_quarantined)
{
	struct listed *one = &c->listed[index];
	bool is_header_only = one->arrival->is_header_only;

	arriving_free(c, one);
	one->state = MESSAGE_LEFT;
	if (is_quarantined) {
		one->state = MESSAGE_SKIPPED;
		c->counts.quarantined_messages++;
	}
	if (outcome != OK)
		return;
	one->state = is_header_only ? MESSAGE_SKIPPED : MESSAGE_STORED;
	c->counts.stored_messages++;
	if (one->state == MESSAGE_STORED && !one->is_twin &&
		policy_may_delete(c, index))
		c->deletable[c->deletable_count++] = index;
}

static void
free_flush(struct flush **flush)
{
	free((*flush)->indexes);
	free((*flush)->outcomes);
	free((*flush)->are_quarantined);
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
tell_quarantined(struct collection *c, const struct flush *flush, size_t count)
{
	char text[ENGINE_TEXT_SIZE];

	if (count == 0)
		return;
	snprintf(text, sizeof(text),
		"%zu message%s refused again (%.150s) and put into quarantine, "
		"%.180s",
		count, count == 1 ? " was" : "s were", flush->error,
		c->quarantine_path);
	c->has_failed_messages = true;
	collection_tell(c, ENGINE_WARNING, text);
}

static void
after_work(uv_work_t *request, int status)
{
	struct flush *flush = request->data;
	struct collection *c = flush->collection;
	enum outcome first = flush->ledger_outcome;
	bool is_ledger = first != OK;
	const char *place = routing_place(c, flush->failed);
	const char *kind = flush->failed && strcmp(flush->failed->ops->name,
						    "maildir") == 0
				   ? "the Maildir "
				   : "";
	char error[SINK_ERROR_SIZE];
	size_t refused = 0, quarantined = 0;

	for (size_t i = 0; i < flush->count; i++) {
		enum outcome outcome = flush->outcomes[i];

		if (outcome == OK)
			outcome = flush->ledger_outcome;
		if (flush->are_quarantined[i] && !is_ledger)
			quarantined++;
		else if (is_refused(outcome))
			refused++;
		else if (first == OK)
			first = outcome;
		settle(c, flush->indexes[i], outcome,
			flush->are_quarantined[i] && !is_ledger);
	}
	tell_refused(c, flush, refused);
	tell_quarantined(c, flush, quarantined);
	memcpy(error, flush->error, sizeof(error));
	free_flush(&c->flush);
	collection_tell(c, ENGINE_STORED, NULL);
	c->is_behind |= first != OK;
	if (is_ledger)
		collection_fail(c, first, "the ledger cannot be written: %s",
			first == ERR_NO_SPACE ? "the disk is full"
					      : outcome_name(first));
	else if (first != OK)
		collection_fail(c, first, "%s%.200s cannot be written: %s",
			kind, place,
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
	flush->are_quarantined = calloc(count, sizeof(*flush->are_quarantined));
	flush->messages = calloc(count, sizeof(*flush->messages));
	if (!flush->indexes || !flush->outcomes || !flush->are_quarantined ||
		!flush->messages) {
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
