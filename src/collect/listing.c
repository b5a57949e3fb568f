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
/* One in so many may be known when all UIDLs were changed. */
#define RENAMED_SHARE 10

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
listing_forget(struct collection *c)
{
	/* Received and never stored: no memory for a flush. */
	for (uint32_t i = 0; i < c->waiting_count; i++)
		arriving_free(c, &c->listed[c->waiting[i]]);
	free(c->listed);
	free(c->plan);
	free(c->waiting);
	free(c->deletable);
	free(c->order);
	buffer_release(&c->uidls);
	c->listed = NULL;
	c->plan = c->waiting = c->deletable = c->order = NULL;
	c->listed_count = c->waiting_count = c->order_count = 0;
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
static bool
sort(struct collection *c)
{
	uint32_t named = 0;

	for (uint32_t i = 0; i < c->listed_count; i++)
		named += c->listed[i].key.uidl.octets > 0;
	c->order = calloc((size_t)named + 1, sizeof(*c->order));
	if (!c->order)
		return false;
	for (uint32_t i = 0; i < c->listed_count; i++)
		if (c->listed[i].key.uidl.octets > 0)
			c->order[c->order_count++] = i;
	qsort_r(c->order, c->order_count, sizeof(*c->order), by_uidl,
		c->listed);
	return true;
}

static void
set_ordinals(struct collection *c)
{
	for (uint32_t i = 1; i < c->order_count; i++) {
		struct listed *one = &c->listed[c->order[i]];
		struct listed *before = &c->listed[c->order[i - 1]];

		if (compare(one->key.uidl, before->key.uidl) != 0)
			continue;
		one->key.ordinal = before->key.ordinal + 1;
		one->is_twin = before->is_twin = true;
	}
}

/* ---- the ledger ---- */

bool
listing_has(struct bytes uidl, void *context)
{
	const struct collection *c = context;
	uint32_t low = 0, high = c->order_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		uint32_t index = c->order[middle];
		int side = compare(c->listed[index].key.uidl, uidl);

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
forget(struct collection *c)
{
	uint64_t now = clock_wall_seconds();

	if (!c->is_run_open || c->order_count == 0 ||
		c->order_count < c->listed_count || now < FORGET_SECONDS)
		return OK;
	return ledger_forget(c->ledger, c->account->name, now - FORGET_SECONDS,
		listing_has, c);
}

static enum message_state
state_of(const struct collection *c, struct listed *one,
	const struct ledger_entry *entry)
{
	bool is_same = entry->octets == one->octets;

	switch (entry->state) {
	case LEDGER_STORED:
		if (is_same)
			return MESSAGE_STORED;
		one->is_doubtful = true;
		return MESSAGE_WANTED;
	case LEDGER_DELETED:
		/* Its UIDL may have been used again. It is filed unless its
		   digest is known. */
		one->is_doubtful = true;
		return MESSAGE_WANTED;
	case LEDGER_HEADERS:
		one->wants_body = is_same && c->options->wants_bodies;
		return is_same && !one->wants_body ? MESSAGE_SKIPPED
						   : MESSAGE_WANTED;
	case LEDGER_SKIPPED:
		return is_same && sorting_is_skipped(c, entry) ? MESSAGE_SKIPPED
							       : MESSAGE_WANTED;
	case LEDGER_IMPORTED:
		return MESSAGE_SKIPPED;
	case LEDGER_QUARANTINED:
		return is_same && !c->options->wants_quarantined
			       ? MESSAGE_SKIPPED
			       : MESSAGE_WANTED;
	case LEDGER_UNKNOWN:
	case LEDGER_SEEN:
	default:
		return MESSAGE_WANTED;
	}
}

static bool
find(struct collection *c, const struct listed *one, struct ledger_entry *out)
{
	enum outcome outcome = OK;

	*out = (struct ledger_entry){.state = LEDGER_UNKNOWN};
	if (c->ledger)
		outcome = ledger_find(
			c->ledger, c->account->name, &one->key, out);
	if (outcome != OK)
		collection_fail(c, outcome, "the ledger cannot be read: %s",
			outcome_name(outcome));
	return outcome == OK;
}

/* WORKAROUND(getmail): its file has "-" for each "/". It is taken for this one
 * unless the server has a message of that very UIDL. */
static bool
find_by_getmail(struct collection *c, const struct listed *one,
	struct ledger_entry *entry)
{
	unsigned char uidl[MESSAGE_KEY_UIDL_MAXIMUM_OCTETS];
	struct bytes text = bytes_of(uidl, one->key.uidl.octets);
	struct listed other = {.key = {text, 0}};
	struct ledger_entry found;

	if (!bytes_has(one->key.uidl, '/') || one->is_twin)
		return true;
	for (size_t i = 0; i < text.octets; i++)
		uidl[i] =
			one->key.uidl.at[i] == '/' ? '-' : one->key.uidl.at[i];
	if (listing_has(text, c))
		return true;
	if (!find(c, &other, &found))
		return false;
	if (found.state == LEDGER_IMPORTED)
		*entry = found;
	return true;
}

bool
listing_look_up(struct collection *c, struct listed *one)
{
	struct ledger_entry entry;

	if (!find(c, one, &entry))
		return false;
	if (entry.state == LEDGER_UNKNOWN && !find_by_getmail(c, one, &entry))
		return false;
	one->attempts = entry.attempts;
	one->born_seconds = entry.born_seconds;
	one->stored_seconds = entry.stored_seconds;
	one->state = state_of(c, one, &entry);
	if (entry.state == LEDGER_UNKNOWN)
		c->unknown_count++;
	else
		c->known_count++;
	return true;
}

bool
listing_doubt(struct collection *c, struct listed *one)
{
	struct ledger_entry entry;

	if (!find(c, one, &entry))
		return false;
	one->attempts = entry.attempts;
	one->is_doubtful =
		entry.state == LEDGER_STORED || entry.state == LEDGER_DELETED;
	return true;
}

/* ---- the plan ---- */

/* What broke before comes last, so that it does not block the rest. */
void
listing_plan(struct collection *c)
{
	c->plan_count = c->plan_next = 0;
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

/* No header came by TOP: names are made when the messages come. */
static bool
is_naming_late(const struct collection *c)
{
	return c->has_no_uidl && c->order_count == 0;
}

static bool
choose(struct collection *c)
{
	uint32_t nameless = 0, large = 0;

	c->counts.listed_octets = 0;

	for (uint32_t i = 0; i < c->listed_count; i++) {
		struct listed *one = &c->listed[i];

		c->counts.listed_octets += one->octets;
		if (one->key.uidl.octets == 0 && is_naming_late(c))
			one->state = MESSAGE_WANTED;
		else if (one->key.uidl.octets == 0) {
			nameless++;
			continue;
		} else if (!listing_look_up(c, one))
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

/*
 * Almost nothing of the list is known, and as much as is listed is here: all
 * UIDLs may have been changed.
 */
static bool
is_renamed(const struct collection *c)
{
	uint64_t stored;

	/* Some servers show another part of the mailbox to each session. */
	if (!c->ledger || c->unknown_count == 0 || c->sessions > 1 ||
		(uint64_t)c->known_count * RENAMED_SHARE >
			(uint64_t)c->known_count + c->unknown_count)
		return false;
	stored = ledger_count(c->ledger, c->account->name, LEDGER_STORED);
	return stored > 0 && stored * 2 >= c->unknown_count;
}

bool
listing_end(struct collection *c)
{
	enum outcome outcome;

	if (!c->has_no_uidl)
		set_uidls(c);
	if (!sort(c))
		return no_memory(c);
	set_ordinals(c);
	outcome = forget(c);
	if (outcome != OK) {
		collection_fail(c, outcome, "the ledger cannot be changed: %s",
			outcome_name(outcome));
		return false;
	}
	c->counts.listed_messages = c->listed_count;
	c->known_count = c->unknown_count = 0;
	if (!choose(c))
		return false;
	c->is_renamed = is_renamed(c);
	return true;
}
