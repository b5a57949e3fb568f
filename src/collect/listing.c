/* SPDX-License-Identifier: ISC */
/* What the server lists, compared with the ledger, becomes the plan. */
#include "base/clock.h"
#include "collect/collection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UIDLS_MAXIMUM_OCTETS (1u << 30) /* of one listing */
/* What was deleted longer ago and is listed no more takes no room. */
#define FORGET_SECONDS (90 * 86400)

static bool
no_memory(struct collection *c)
{
	collection_fail(c, ERR_TRY_LATER, "no memory for the list of messages");
	return false;
}

bool
listing_begin(struct collection *c, uint32_t count)
{
	size_t room = (size_t)count + 1; /* never none */

	c->listed = calloc(room, sizeof(*c->listed));
	c->plan = calloc(room, sizeof(*c->plan));
	c->waiting = calloc(room, sizeof(*c->waiting));
	c->deletable = calloc(room, sizeof(*c->deletable));
	if (!c->listed || !c->plan || !c->waiting || !c->deletable)
		return no_memory(c);
	c->listed_count = count;
	buffer_init(&c->uidls, UIDLS_MAXIMUM_OCTETS);
	return true;
}

void
listing_release(struct collection *c)
{
	/* Received and never stored: no memory for a flush. */
	for (uint32_t i = 0; i < c->waiting_count; i++) {
		struct arrival *arrival = c->listed[c->waiting[i]].arrival;

		c->sink->ops->drop(c->sink, &arrival->delivery);
		free(arrival);
	}
	free(c->listed);
	free(c->plan);
	free(c->waiting);
	free(c->deletable);
	buffer_release(&c->uidls);
	c->listed = NULL;
	c->plan = c->waiting = c->deletable = NULL;
	c->listed_count = c->waiting_count = 0;
}

static bool
is_in_range(struct collection *c, uint32_t msgno)
{
	if (msgno >= 1 && msgno <= c->listed_count)
		return true;
	collection_fail(c, ERR_PEER,
		"the server lists message %u, but has %u by its STAT", msgno,
		c->listed_count);
	return false;
}

/* Until listing_end `at` counts from 1 at the start of `uidls`, which moves. */
bool
listing_add_uidl(struct collection *c, uint32_t msgno, struct bytes uidl)
{
	uintptr_t place = c->uidls.octets + 1;

	if (!is_in_range(c, msgno))
		return false;
	if (uidl.octets > MESSAGE_KEY_UIDL_MAXIMUM_OCTETS ||
		c->listed[msgno - 1].key.uidl.octets > 0)
		return true; /* none, or the first: counted in listing_end */
	if (!buffer_append_bytes(&c->uidls, uidl))
		return no_memory(c);
	c->listed[msgno - 1].key.uidl =
		bytes_of((const void *)place, uidl.octets);
	return true;
}

bool
listing_add_octets(struct collection *c, uint32_t msgno, uint64_t octets)
{
	if (!is_in_range(c, msgno))
		return false;
	c->listed[msgno - 1].octets = octets;
	return true;
}

/* ---- keys ---- */

static void
set_uidls(struct collection *c)
{
	const unsigned char *start = c->uidls.memory + c->uidls.start;

	for (uint32_t i = 0; i < c->listed_count; i++) {
		struct bytes *uidl = &c->listed[i].key.uidl;

		if (uidl->octets > 0)
			uidl->at = start + ((uintptr_t)uidl->at - 1);
	}
}

static int
compare(struct bytes a, struct bytes b)
{
	size_t least = a.octets < b.octets ? a.octets : b.octets;
	int order = least ? memcmp(a.at, b.at, least) : 0;

	if (order != 0 || a.octets == b.octets)
		return order;
	return a.octets < b.octets ? -1 : 1;
}

/* By UIDL, those of the same by their number. */
static int
by_uidl(const void *a, const void *b, void *context)
{
	const struct listed *listed = context;
	uint32_t one = *(const uint32_t *)a, two = *(const uint32_t *)b;
	int order = compare(listed[one].key.uidl, listed[two].key.uidl);

	if (order != 0)
		return order;
	return one < two ? -1 : 1;
}

/*
 * Those that have a UIDL, in the order of these. A server may have promised many
 * more: no memory goes to what is not listed.
 */
struct order {
	uint32_t *indexes;
	uint32_t count;
};

static bool
sort(struct collection *c, struct order *out)
{
	uint32_t named = 0;

	for (uint32_t i = 0; i < c->listed_count; i++)
		named += c->listed[i].key.uidl.octets > 0;
	out->indexes = calloc((size_t)named + 1, sizeof(*out->indexes));
	if (!out->indexes)
		return false;
	for (uint32_t i = 0; i < c->listed_count; i++)
		if (c->listed[i].key.uidl.octets > 0)
			out->indexes[out->count++] = i;
	qsort_r(out->indexes, out->count, sizeof(*out->indexes), by_uidl,
		c->listed);
	return true;
}

static void
set_ordinals(struct collection *c, const struct order *order)
{
	for (uint32_t i = 1; i < order->count; i++) {
		struct listed *one = &c->listed[order->indexes[i]];
		struct listed *before = &c->listed[order->indexes[i - 1]];

		if (compare(one->key.uidl, before->key.uidl) != 0)
			continue;
		one->key.ordinal = before->key.ordinal + 1;
		one->is_twin = before->is_twin = true;
	}
}

/* ---- the ledger ---- */

struct lookup {
	const struct listed *listed;
	struct order order;
};

static bool
is_listed(struct bytes uidl, void *context)
{
	const struct lookup *lookup = context;
	uint32_t low = 0, high = lookup->order.count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		uint32_t index = lookup->order.indexes[middle];
		int side = compare(lookup->listed[index].key.uidl, uidl);

		if (side == 0)
			return true;
		if (side < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/*
 * A list that has nothing, or less than was promised, says nothing of what is
 * gone; one that is whole may still be somebody's mistake, mended tomorrow.
 */
static enum outcome
forget(struct collection *c, struct lookup *lookup)
{
	uint64_t now = clock_wall_seconds();

	if (!c->is_run_open || lookup->order.count == 0 ||
		lookup->order.count < c->listed_count || now < FORGET_SECONDS)
		return OK;
	return ledger_forget(c->ledger, c->account->name, now - FORGET_SECONDS,
		is_listed, lookup);
}

static enum message_state
state_of(struct listed *one, const struct ledger_entry *entry)
{
	if (entry->state == LEDGER_STORED && entry->octets == one->octets)
		return MESSAGE_STORED;
	/* One that was deleted, or had another size: its UIDL may have been used
	   again. It is filed unless its digest is known. */
	one->is_doubtful =
		entry->state == LEDGER_STORED || entry->state == LEDGER_DELETED;
	return MESSAGE_WANTED;
}

static bool
look_up(struct collection *c, struct listed *one)
{
	struct ledger_entry entry = {.state = LEDGER_UNKNOWN};
	enum outcome outcome = OK;

	if (c->ledger)
		outcome = ledger_find(
			c->ledger, c->account->name, &one->key, &entry);
	if (outcome != OK) {
		collection_fail(c, outcome, "the ledger cannot be read: %s",
			outcome_name(outcome));
		return false;
	}
	one->attempts = entry.attempts;
	one->born_seconds = entry.born_seconds;
	one->stored_seconds = entry.stored_seconds;
	one->state = state_of(one, &entry);
	return true;
}

/* ---- the plan ---- */

/* What broke before comes last, so that it does not block the rest. */
static void
make_plan(struct collection *c)
{
	for (int again = 0; again < 2; again++)
		for (uint32_t i = 0; i < c->listed_count; i++) {
			const struct listed *one = &c->listed[i];

			if (one->state != MESSAGE_WANTED ||
				(one->attempts > 0) != again)
				continue;
			c->plan[c->plan_count++] = i;
			c->counts.planned_octets += one->octets;
		}
	c->counts.planned_messages += c->plan_count;
}

static void
warn_of(struct collection *c, uint32_t count, const char *what)
{
	char text[160];

	if (count == 0)
		return;
	snprintf(text, sizeof(text), "%u message%s %s: %s on the server", count,
		count == 1 ? "" : "s", what,
		count == 1 ? "it stays" : "they stay");
	collection_tell(c, ENGINE_WARNING, text);
	c->has_failed_messages = true;
}

static bool
choose(struct collection *c)
{
	uint32_t nameless = 0, large = 0;

	c->counts.listed_octets = 0;

	for (uint32_t i = 0; i < c->listed_count; i++) {
		struct listed *one = &c->listed[i];

		c->counts.listed_octets += one->octets;
		if (one->key.uidl.octets == 0) {
			nameless++;
			continue;
		}
		if (!look_up(c, one))
			return false;
		if (one->state == MESSAGE_WANTED &&
			one->octets > c->account->maximum_message_octets) {
			one->state = MESSAGE_LEFT;
			large++;
		}
	}
	warn_of(c, nameless, "without a usable UIDL");
	warn_of(c, large, "larger than maximum-message");
	return true;
}

bool
listing_end(struct collection *c)
{
	struct lookup lookup = {.listed = c->listed};
	enum outcome outcome;

	set_uidls(c);
	if (!sort(c, &lookup.order))
		return no_memory(c);
	set_ordinals(c, &lookup.order);
	outcome = forget(c, &lookup);
	free(lookup.order.indexes);
	if (outcome != OK) {
		collection_fail(c, outcome, "the ledger cannot be changed: %s",
			outcome_name(outcome));
		return false;
	}
	c->counts.listed_messages = c->listed_count;
	if (!choose(c))
		return false;
	make_plan(c);
	return true;
}
