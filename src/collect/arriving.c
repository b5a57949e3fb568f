/* SPDX-License-Identifier: ISC */
/*
 * A message that arrives: its header is kept, the rules are asked when that is
 * whole, and from then on its octets go where they say.
 */
#include "base/clock.h"
#include "collect/collection.h"
#include "collect/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
arriving_sink_failed(
	struct collection *c, const struct sink *sink, enum outcome outcome)
{
	collection_fail(c, outcome, "cannot file mail in %.200s: %s",
		routing_place(c, sink),
		outcome == ERR_NO_SPACE ? "the disk is full"
					: outcome_name(outcome));
}

/* ---- the header ---- */

/* The front of a message, for what its header says. */
void
arriving_keep_head(struct collection *c, struct bytes octets)
{
	size_t room = buffer_room(&c->head), held = c->head.octets;

	if (octets.octets > room)
		octets.octets = room;
	buffer_append_bytes(&c->head, octets);
	if (!c->is_head_whole)
		c->is_head_whole = header_ends(buffer_bytes(&c->head), held) ||
				   buffer_room(&c->head) == 0;
}

/* Fields that servers put in or change after the message came. */
static bool
is_changing(struct bytes line)
{
	static const char *const names[] = {
		"Status:", "X-Status:", "X-UIDL:", "X-Keywords:", "X-UID:"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t octets = strlen(names[i]);

		if (line.octets >= octets &&
			bytes_equal_ignoring_case(bytes_of(line.at, octets),
				bytes_of_string(names[i])))
			return true;
	}
	return false;
}

/* Line ends do not count: TOP may end in one more than RETR. */
void
arriving_digest_header(
	struct collection *c, unsigned char out[LEDGER_DIGEST_OCTETS])
{
	struct bytes rest = header_of(buffer_bytes(&c->head));

	memset(out, 0, LEDGER_DIGEST_OCTETS);
	if (EVP_DigestInit_ex(c->header_digest, EVP_sha256(), NULL) != 1)
		return;
	while (rest.octets > 0) {
		struct bytes line = bytes_cut(&rest, '\n');

		if (line.octets > 0 && line.at[line.octets - 1] == '\r')
			line.octets--;
		if (line.octets == 0)
			break;
		if (is_changing(line))
			continue;
		EVP_DigestUpdate(c->header_digest, line.at, line.octets);
		EVP_DigestUpdate(c->header_digest, "\n", 1);
	}
	EVP_DigestFinal_ex(c->header_digest, out, NULL);
}

/* How old it was when it came here; 0 when the clock is in doubt. */
static int64_t
age_of(const struct collection *c)
{
	uint64_t now = clock_wall_seconds(), arrived;

	if (!c->memory.is_steady ||
		!header_arrived(header_of(buffer_bytes(&c->head)), &arrived) ||
		arrived > now)
		return 0;
	return (int64_t)(now - arrived);
}

/* ---- beginning ---- */

void
arriving_begin(struct collection *c)
{
	struct listed *one;

	window_received(&c->window, clock_monotonic_ms(), 0);
	c->receiving = pop3_client_msgno(c->client) - 1;
	c->received_octets = 0;
	buffer_clear(&c->head);
	c->is_head_whole = c->is_filing = false;
	one = &c->listed[c->receiving];
	one->arrival = calloc(1, sizeof(*one->arrival));
	if (!one->arrival ||
		EVP_DigestInit_ex(c->digest, EVP_sha256(), NULL) != 1)
		collection_fail(c, ERR_TRY_LATER, "no memory for a message");
	else
		c->is_receiving = true;
}

/* A copy goes to quarantine when it has been refused before, and again. */
static enum outcome
begin_spare(struct collection *c, struct listed *one)
{
	struct sink *quarantine;
	enum outcome outcome;

	if (one->attempts < QUARANTINE_ATTEMPTS)
		return OK;
	quarantine = routing_quarantine(c);
	if (!quarantine)
		return c->outcome;
	outcome = quarantine->ops->begin(
		quarantine, &one->key, &one->arrival->spare);
	if (outcome == OK)
		outcome = quarantine->ops->put(quarantine, one->arrival->spare,
			buffer_bytes(&c->head));
	return outcome;
}

static enum outcome
set_folder(struct collection *c, struct arrival *arrival)
{
	char text[ENGINE_TEXT_SIZE];
	enum outcome outcome = OK;

	if (!c->verdict.folder[0])
		return OK;
	outcome = arrival->sink->ops->file_into(
		arrival->sink, arrival->delivery, c->verdict.folder);
	if (outcome == ERR_PEER) {
		snprintf(text, sizeof(text),
			"rule %.60s: there can be no folder %.120s; the "
			"message is filed without it",
			c->verdict.rule->name, c->verdict.folder);
		collection_tell(c, ENGINE_WARNING, text);
		return OK;
	}
	if (outcome == OK)
		arrival->folder = strdup(c->verdict.folder);
	return outcome == OK && !arrival->folder ? ERR_TRY_LATER : outcome;
}

enum outcome
arriving_open(
	struct collection *c, struct listed *one, const struct message_key *key)
{
	struct arrival *arrival = one->arrival;
	enum outcome outcome;

	arrival->sink = routing_sink(c, c->verdict.rule);
	if (!arrival->sink)
		return c->outcome;
	outcome = arrival->sink->ops->begin(
		arrival->sink, key, &arrival->delivery);
	return outcome == OK ? set_folder(c, arrival) : outcome;
}

/* The header is here: where do the octets go? */
static void
begin_filing(struct collection *c)
{
	struct listed *one = &c->listed[c->receiving];
	enum outcome outcome;

	c->is_filing = true;
	if (one->key.uidl.octets == 0 && !naming_late(c, c->receiving))
		return;
	sorting_ask(c, c->receiving, true);
	if (one->fate != FATE_FILE)
		return; /* its octets go nowhere */
	outcome = arriving_open(c, one, &one->key);
	if (outcome == OK)
		outcome = sorting_replace_stub(one);
	if (outcome == OK)
		outcome = one->arrival->sink->ops->put(one->arrival->sink,
			one->arrival->delivery, buffer_bytes(&c->head));
	if (outcome == OK)
		outcome = begin_spare(c, one);
	if (outcome != OK)
		arriving_sink_failed(c, one->arrival->sink, outcome);
}

/* ---- octets ---- */

static void
put(struct collection *c, struct arrival *arrival, struct bytes octets)
{
	enum outcome outcome = OK;

	if (arrival->delivery)
		outcome = arrival->sink->ops->put(
			arrival->sink, arrival->delivery, octets);
	if (outcome == OK && arrival->spare)
		outcome = c->quarantine->ops->put(
			c->quarantine, arrival->spare, octets);
	if (outcome != OK)
		arriving_sink_failed(c, arrival->sink, outcome);
}

void
arriving_octets(struct collection *c)
{
	struct bytes octets = pop3_client_data(c->client);
	struct listed *one = &c->listed[c->receiving];
	size_t held = c->head.octets;

	window_received(&c->window, clock_monotonic_ms(), octets.octets);
	c->received_octets += octets.octets;
	c->counts.received_octets += octets.octets;
	if (c->received_octets > c->account->maximum_message_octets) {
		collection_fail(c, ERR_PEER,
			"message %u was listed with %llu octets and does not "
			"end at maximum-message",
			c->receiving + 1, (unsigned long long)one->octets);
		return;
	}
	EVP_DigestUpdate(c->digest, octets.at, octets.octets);
	if (c->is_filing) {
		put(c, one->arrival, octets);
		return;
	}
	arriving_keep_head(c, octets);
	if (!c->is_head_whole)
		return;
	/* What did not fit into the head comes behind it. */
	octets = bytes_after(octets, c->head.octets - held);
	begin_filing(c);
	if (c->stage != STAGE_ENDED && octets.octets > 0)
		put(c, one->arrival, octets);
}

/* ---- its end ---- */

/* Here already, under this UIDL, or, when all were changed, under another? */
static bool
is_known(struct collection *c, const struct listed *one)
{
	if (c->is_renamed && ledger_holds_anywhere(c->ledger, c->account->name,
				     one->arrival->digest))
		return true;
	return one->is_doubtful && ledger_holds(c->ledger, c->account->name,
					   one->key.uidl, one->arrival->digest);
}

static enum outcome
end_deliveries(struct collection *c, struct arrival *arrival)
{
	enum outcome outcome =
		arrival->sink->ops->end(arrival->sink, arrival->delivery);

	if (outcome == OK && arrival->spare)
		outcome =
			c->quarantine->ops->end(c->quarantine, arrival->spare);
	return outcome;
}

static void
end_filed(struct collection *c, struct listed *one)
{
	struct arrival *arrival = one->arrival;
	enum outcome outcome = end_deliveries(c, arrival);

	if (outcome != OK) {
		arriving_sink_failed(c, arrival->sink, outcome);
		return;
	}
	/* The ledger learns what is new of it; the sink has it already. */
	if (is_known(c, one))
		arriving_drop_deliveries(c, arrival);
	one->state = MESSAGE_RECEIVED;
	storing_add(c, c->receiving);
}

void
arriving_end(struct collection *c)
{
	struct listed *one = &c->listed[c->receiving];

	if (!c->is_filing)
		begin_filing(c); /* no header, or nothing behind it */
	if (c->stage == STAGE_ENDED)
		return;
	c->is_receiving = false;
	c->asked_messages--;
	c->asked_octets -= one->octets;
	c->counts.received_messages++;
	EVP_DigestFinal_ex(c->digest, one->arrival->digest, NULL);
	arriving_digest_header(c, one->arrival->header);
	one->stored_seconds = c->memory.clock_seconds;
	one->born_seconds = c->memory.clock_seconds - age_of(c);
	if (one->fate == FATE_FILE) {
		end_filed(c, one);
		return;
	}
	arriving_free(c, one);
	sorting_settle(c, c->receiving);
	if (one->state == MESSAGE_DISCARDED && policy_may_discard(c))
		c->deletable[c->deletable_count++] = c->receiving;
}

/* ---- what is given up ---- */

void
arriving_drop_deliveries(struct collection *c, struct arrival *arrival)
{
	if (arrival->delivery)
		arrival->sink->ops->drop(arrival->sink, &arrival->delivery);
	if (arrival->spare)
		c->quarantine->ops->drop(c->quarantine, &arrival->spare);
}

void
arriving_free(struct collection *c, struct listed *one)
{
	if (!one->arrival)
		return;
	arriving_drop_deliveries(c, one->arrival);
	free(one->arrival->folder);
	free(one->arrival);
	one->arrival = NULL;
}
