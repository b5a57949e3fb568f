/* SPDX-License-Identifier: ISC */
/* What becomes of a message by the rules, and what that leaves in the ledger. */
#include "base/clock.h"
#include "collect/collection.h"
#include "collect/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A key of its own: the whole message may come later. */
#define STUB_ORDINAL	    0x40000000u
#define NOTES_AT_ONCE	    1024
#define SKIPPED_FOR_SECONDS 86400 /* when a rule looks at the age */

void
sorting_begin(struct collection *c)
{
	c->rules_mark = rules_mark(c->options->rules, c->account->name);
	c->have_rules_age = rules_have_age(c->options->rules, c->account->name);
}

bool
sorting_is_skipped(const struct collection *c, const struct ledger_entry *entry)
{
	return memcmp(entry->digest, &c->rules_mark, sizeof(c->rules_mark)) ==
		       0 &&
	       (!c->have_rules_age ||
		       entry->stored_seconds + SKIPPED_FOR_SECONDS >
			       c->memory.clock_seconds);
}

/* ---- asking ---- */

static void
set_age(struct rule_facts *facts, const struct collection *c)
{
	uint64_t arrived, now = clock_wall_seconds();

	if (!header_arrived(facts->header, &arrived) || arrived > now)
		return;
	facts->has_age = true;
	facts->is_sure = c->memory.is_steady;
	facts->age_seconds = now - arrived;
}

static enum fate
fate_of(const struct collection *c, const struct listed *one)
{
	const struct rule *rule = c->verdict.rule;

	if (!rule)
		return FATE_FILE;
	switch ((enum rule_action)rule->action) {
	case RULE_SKIP:
		return FATE_SKIP;
	case RULE_HEADERS:
		return one->wants_body ? FATE_FILE : FATE_HEADERS;
	case RULE_DELETE:
		return FATE_DELETE;
	case RULE_FILE:
	case RULE_PIPE:
	default:
		return FATE_FILE;
	}
}

void
sorting_ask(struct collection *c, uint32_t index, bool has_header)
{
	struct listed *one = &c->listed[index];
	struct rule_facts facts = {
		.account = c->account->name,
		.envelope = c->account->envelope,
		.envelope_skip = c->account->envelope_skip,
		.has_header = has_header,
		.octets = one->octets,
	};

	if (has_header) {
		facts.header = header_of(buffer_bytes(&c->head));
		set_age(&facts, c);
	}
	rules_judge(c->options->rules, &facts, &c->verdict);
	one->fate = fate_of(c, one);
}

/* ---- what is not collected whole ---- */

static struct message_key
stub_key(const struct listed *one)
{
	return (struct message_key){
		one->key.uidl, one->key.ordinal + STUB_ORDINAL};
}

/* Its first line, without the end. */
static void
make_stub_front(const struct listed *one, char out[SINK_FRONT_SIZE])
{
	snprintf(out, SINK_FRONT_SIZE,
		"X-Restante-Header-Only: %llu octets are on the server",
		(unsigned long long)one->octets);
}

enum outcome
sorting_replace_stub(const struct listed *one)
{
	const struct arrival *arrival = one->arrival;
	const struct sink_ops *ops = arrival->sink->ops;
	const struct message_key key = stub_key(one);
	char front[SINK_FRONT_SIZE];

	if (!one->wants_body || !ops->replace)
		return OK;
	make_stub_front(one, front);
	return ops->replace(arrival->sink, arrival->delivery, &key, front);
}

static enum outcome
put_stub(struct collection *c, struct listed *one)
{
	struct arrival *arrival = one->arrival;
	const struct sink_ops *ops = arrival->sink->ops;
	struct bytes header = header_of(buffer_bytes(&c->head));
	char front[SINK_FRONT_SIZE];
	enum outcome outcome;

	make_stub_front(one, front);
	outcome = ops->put(
		arrival->sink, arrival->delivery, bytes_of_string(front));
	if (outcome == OK)
		outcome = ops->put(arrival->sink, arrival->delivery,
			bytes_of_string("\r\n"));
	if (outcome == OK)
		outcome = ops->put(arrival->sink, arrival->delivery, header);
	if (outcome == OK && !header_is_whole(header))
		outcome = ops->put(arrival->sink, arrival->delivery,
			bytes_of_string("\r\n"));
	if (outcome == OK)
		outcome = ops->end(arrival->sink, arrival->delivery);
	return outcome;
}

/* The header that is in `head` is filed as a message. */
static void
file_stub(struct collection *c, uint32_t index)
{
	struct listed *one = &c->listed[index];
	const struct message_key key = stub_key(one);
	enum outcome outcome;

	one->arrival = calloc(1, sizeof(*one->arrival));
	if (!one->arrival) {
		collection_fail(c, ERR_TRY_LATER, "no memory for a message");
		return;
	}
	one->arrival->is_header_only = true;
	outcome = arriving_open(c, one, &key);
	if (outcome == OK)
		outcome = put_stub(c, one);
	if (outcome != OK) {
		arriving_sink_failed(c, one->arrival->sink, outcome);
		arriving_free(c, one);
		return;
	}
	arriving_digest_header(c, one->arrival->header);
	memcpy(one->arrival->digest, one->arrival->header,
		sizeof(one->arrival->digest));
	one->stored_seconds = one->born_seconds = c->memory.clock_seconds;
	one->state = MESSAGE_RECEIVED;
	storing_add(c, index);
}

void
sorting_settle(struct collection *c, uint32_t index)
{
	struct listed *one = &c->listed[index];

	one->state = MESSAGE_SKIPPED;
	switch (one->fate) {
	case FATE_SKIP:
		one->needs_note = true;
		c->counts.skipped_messages++;
		return;
	case FATE_HEADERS:
		if (!c->only_looks)
			file_stub(c, index);
		c->counts.header_messages++;
		return;
	case FATE_DELETE:
		/* The rest of those that share a UIDL would change places. */
		if (one->is_twin)
			return;
		one->state = MESSAGE_DISCARDED;
		c->counts.discarded_messages++;
		return;
	case FATE_FILE:
	default:
		return;
	}
}

/* ---- the ledger ---- */

static enum outcome
note_some(struct collection *c, struct ledger_message *notes, uint32_t *next)
{
	size_t count = 0;

	for (; *next < c->listed_count && count < NOTES_AT_ONCE; (*next)++) {
		struct listed *one = &c->listed[*next];
		struct ledger_message *note = &notes[count];

		if (!one->needs_note)
			continue;
		one->needs_note = false;
		*note = (struct ledger_message){
			.key = one->key,
			.octets = one->octets,
			.stored_seconds = c->memory.clock_seconds,
			.state = LEDGER_SKIPPED,
		};
		memcpy(note->digest, &c->rules_mark, sizeof(c->rules_mark));
		count++;
	}
	return count == 0 ? OK
			  : ledger_commit(
				    c->ledger, c->account->name, notes, count);
}

bool
sorting_note(struct collection *c)
{
	struct ledger_message *notes;
	enum outcome outcome = OK;
	uint32_t next = 0;

	if (c->counts.skipped_messages == 0 || c->only_looks)
		return true;
	notes = calloc(NOTES_AT_ONCE, sizeof(*notes));
	if (!notes)
		outcome = ERR_TRY_LATER;
	while (outcome == OK && next < c->listed_count)
		outcome = note_some(c, notes, &next);
	free(notes);
	if (outcome != OK)
		collection_fail(c, outcome, "the ledger cannot be written: %s",
			outcome_name(outcome));
	return outcome == OK;
}
