/* SPDX-License-Identifier: ISC */
/*
 * Headers that are looked at before anything is received, by TOP: where a server
 * has no UIDL they name its messages; where all UIDLs were changed they tell
 * what is here already; and rules ask for them where that saves a download.
 */
#include "base/clock.h"
#include "collect/collection.h"
#include "collect/header.h"
#include "store/uidl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNDER_WAY 256
/* So many that look like what is here are downloaded again without a word. */
#define ALIKE_MAXIMUM 20
#define VALUE_SIZE    1024

/* ---- who ---- */

/* Rules that the size decides need no header. */
static bool
settle_early(struct collection *c, uint32_t index)
{
	struct listed *one = &c->listed[index];

	sorting_ask(c, index, false);
	if (!c->verdict.is_known)
		return false;
	if (one->fate == FATE_HEADERS)
		return false;
	if (one->fate != FATE_FILE)
		sorting_settle(c, index);
	return true;
}

static bool
is_needed(struct collection *c, uint32_t index)
{
	struct listed *one = &c->listed[index];

	if (c->options->only_uidl.octets > 0)
		return bytes_equal(one->key.uidl, c->options->only_uidl);
	if (one->state != MESSAGE_WANTED || one->wants_body ||
		one->key.uidl.octets == 0)
		return false;
	if (c->is_renamed || c->is_observing)
		return true;
	if (settle_early(c, index))
		return false;
	return c->verdict.needs_header || one->fate == FATE_HEADERS;
}

/* ---- asking ---- */

static bool
may_ask(const struct collection *c)
{
	if (c->stage != STAGE_HEADERS)
		return false;
	return c->has_pipelining ? pop3_client_pending(c->client) < UNDER_WAY
				 : !pop3_client_is_owed(c->client);
}

static void heading_end(struct collection *c);

void
heading_go_on(struct collection *c)
{
	while (c->plan_next < c->plan_count && may_ask(c)) {
		uint32_t index = c->plan[c->plan_next++];

		if (!session_asked(c, pop3_client_top(c->client, index + 1, 0)))
			return;
		c->asked_messages++;
	}
	if (c->stage == STAGE_HEADERS && c->plan_next == c->plan_count &&
		c->asked_messages == 0)
		heading_end(c);
}

static bool
make_room(struct collection *c)
{
	/* One more: of none there may be no memory either. */
	if (c->is_naming)
		c->names = calloc(c->listed_count + 1, NAME_OCTETS);
	if (c->is_renamed)
		c->adoptions = calloc(c->plan_count + 1, sizeof(*c->adoptions));
	if ((!c->is_naming || c->names) && (!c->is_renamed || c->adoptions))
		return true;
	collection_fail(c, ERR_TRY_LATER, "no memory for headers");
	return false;
}

void
heading_begin(struct collection *c)
{
	c->plan_count = c->plan_next = 0;
	for (uint32_t i = 0; i < c->listed_count; i++)
		if (c->is_naming || is_needed(c, i))
			c->plan[c->plan_count++] = i;
	if (c->stage == STAGE_ENDED || !make_room(c))
		return;
	c->stage = STAGE_HEADERS;
	heading_go_on(c);
}

/* ---- names ---- */

/* Of the header alone, so that the same message has it again. */
static void
name_it(struct collection *c, struct listed *one, char name[NAME_OCTETS])
{
	unsigned char digest[LEDGER_DIGEST_OCTETS];

	arriving_digest_header(c, digest);
	name[0] = '~';
	uidl_print(digest, name + 1);
	one->key.uidl = bytes_of(name, NAME_OCTETS - 1);
}

/* Where there is no TOP: the message is here, and named by its header. */
bool
naming_late(struct collection *c, uint32_t index)
{
	struct listed *one = &c->listed[index];

	if (!c->names)
		c->names = calloc(c->listed_count, NAME_OCTETS);
	if (!c->names) {
		collection_fail(c, ERR_TRY_LATER, "no memory for headers");
		return false;
	}
	name_it(c, one, c->names + (size_t)index * NAME_OCTETS);
	for (uint32_t i = 0; i < c->listed_count; i++)
		if (i != index &&
			bytes_equal(c->listed[i].key.uidl, one->key.uidl)) {
			one->key.ordinal++;
			one->is_twin = c->listed[i].is_twin = true;
		}
	return listing_doubt(c, one);
}

static void
end_naming(struct collection *c)
{
	uint32_t named = 0;

	for (uint32_t i = 0; i < c->listed_count; i++)
		named += c->listed[i].key.uidl.octets > 0;
	c->is_naming = false;
	if (named == 0 && c->listed_count > 0 && c->account->keep)
		collection_fail(c, ERR_PEER,
			"the server has neither UIDL nor TOP: what was "
			"collected cannot be told from what is new; with keep "
			"= no it can be collected");
	else
		messages_listed(c);
}

/* ---- all UIDLs are new ---- */

/* A header that two messages could have tells nothing. */
static bool
is_distinct(struct bytes header)
{
	char value[VALUE_SIZE];

	return header_value(header, "Message-ID", value, sizeof(value)) ||
	       header_value(header, "Received", value, sizeof(value));
}

/* Is it perhaps here? It is decided for all at once. */
static bool
is_adoptable(struct collection *c, const struct listed *one)
{
	struct ledger_message *message = &c->adoptions[c->adoption_count];

	*message =
		(struct ledger_message){.key = one->key, .octets = one->octets};
	if (!is_distinct(header_of(buffer_bytes(&c->head))))
		return false;
	arriving_digest_header(c, message->header);
	if (!ledger_match(c->ledger, c->account->name, message, listing_has, c))
		return false;
	c->adoption_count++;
	return true;
}

/* What is adoptable stands in the order of the plan, *at a place in it. */
static struct listed *
listed_of(struct collection *c, const struct message_key *key, uint32_t *at)
{
	while (*at < c->plan_count) {
		struct listed *one = &c->listed[c->plan[(*at)++]];

		if (one->key.uidl.at == key->uidl.at)
			return one;
	}
	return NULL;
}

static bool
adopt(struct collection *c, uint32_t *out_count)
{
	bool *is_found = calloc(c->adoption_count + 1, sizeof(bool));
	enum outcome outcome = is_found ? OK : ERR_TRY_LATER;
	uint32_t count = 0, at = 0;

	if (outcome == OK && c->adoption_count > 0)
		outcome =
			ledger_adopt(c->ledger, c->account->name, c->adoptions,
				c->adoption_count, listing_has, c, is_found);
	for (uint32_t i = 0; i < c->adoption_count && outcome == OK; i++) {
		struct listed *one = listed_of(c, &c->adoptions[i].key, &at);

		if (!is_found[i] || !one)
			continue;
		count++;
		if (!listing_look_up(c, one))
			break;
	}
	free(is_found);
	if (outcome != OK)
		collection_fail(c, outcome, "the ledger cannot be changed: %s",
			outcome_name(outcome));
	*out_count = count;
	return c->outcome == OK;
}

static int
by_size(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, two = *(const uint64_t *)b;

	return one < two ? -1 : one > two;
}

/* Of those that are still wanted, how many have the size of one that is here? */
static uint32_t
count_alike(struct collection *c, size_t *out_here, uint32_t *out_wanted)
{
	struct buffer sizes;
	uint32_t alike = 0;

	*out_wanted = 0;
	buffer_init(&sizes, LEDGER_SIZES_MAXIMUM_OCTETS);
	ledger_sizes(c->ledger, c->account->name, &sizes);
	for (uint32_t i = 0; i < c->listed_count; i++) {
		if (c->listed[i].state != MESSAGE_WANTED)
			continue;
		(*out_wanted)++;
		alike += sizes.octets > 0 &&
			 bsearch(&c->listed[i].octets,
				 sizes.memory + sizes.start,
				 sizes.octets / sizeof(uint64_t),
				 sizeof(uint64_t), by_size) != NULL;
	}
	*out_here = sizes.octets / sizeof(uint64_t);
	buffer_release(&sizes);
	return alike;
}

static void
end_renamed(struct collection *c)
{
	char text[ENGINE_TEXT_SIZE];
	uint32_t adopted, alike, wanted;
	size_t here;

	if (!adopt(c, &adopted))
		return;
	if (adopted > 0) {
		snprintf(text, sizeof(text),
			"the server gave its messages new UIDLs; %u that %s "
			"here already %s told by header and size and not "
			"collected again",
			adopted, adopted == 1 ? "is" : "are",
			adopted == 1 ? "was" : "were");
		collection_tell(c, ENGINE_WARNING, text);
	}
	/* A list that is much shorter than what was here is of new mail. */
	alike = count_alike(c, &here, &wanted);
	if (alike > ALIKE_MAXIMUM && alike * 2 >= wanted &&
		(size_t)c->listed_count * 2 >= here &&
		!c->options->accepts_new_uidls)
		collection_fail(c, ERR_PEER,
			"the server gave its messages new UIDLs, and %u of %u "
			"have the size of one that is here, but another "
			"header: \"restante fetch --accept-new-uidls %s\" "
			"receives them again; what is the same is not filed "
			"twice",
			alike, wanted, c->account->name);
}

/* ---- what comes ---- */

static void
tell_observed(struct collection *c, uint32_t index, bool has_header)
{
	const struct listed *one = &c->listed[index];
	struct bytes header = header_of(buffer_bytes(&c->head));
	char from[VALUE_SIZE] = "", subject[VALUE_SIZE] = "";
	char date[VALUE_SIZE] = "", uidl[MESSAGE_KEY_UIDL_MAXIMUM_OCTETS + 1];
	struct engine_message message = {
		.number = index + 1,
		.octets = one->octets,
		.uidl = uidl,
		.from = from,
		.subject = subject,
		.date = date,
		.rule = c->verdict.rule ? c->verdict.rule->name : "",
		.action = c->verdict.rule ? rule_action_name(c->verdict.rule)
					  : "file",
		.folder = c->verdict.folder,
		.header = header,
		.has_header = has_header,
	};

	header_value(header, "From", from, sizeof(from));
	header_value(header, "Subject", subject, sizeof(subject));
	header_value(header, "Date", date, sizeof(date));
	if (!bytes_to_string(one->key.uidl, uidl, sizeof(uidl)))
		uidl[0] = '\0';
	c->message = &message;
	collection_tell(c, ENGINE_MESSAGE, NULL);
	c->message = NULL;
}

static void
on_header(struct collection *c)
{
	uint32_t index = c->receiving;
	struct listed *one = &c->listed[index];

	if (c->is_naming) {
		name_it(c, one, c->names + (size_t)index * NAME_OCTETS);
		return;
	}
	if (c->is_renamed && !c->only_looks && is_adoptable(c, one))
		return;
	sorting_ask(c, index, true);
	if (c->is_observing)
		tell_observed(c, index, true);
	if (one->fate != FATE_FILE)
		sorting_settle(c, index);
}

static void
on_octets(struct collection *c)
{
	struct bytes octets = pop3_client_data(c->client);

	c->received_octets += octets.octets;
	/* Some servers send the whole message. */
	if (c->received_octets > c->account->maximum_message_octets)
		collection_fail(c, ERR_PEER,
			"the header of message %u does not end at "
			"maximum-message",
			c->receiving + 1);
	else
		arriving_keep_head(c, octets);
}

void
heading_event(struct collection *c, enum pop3_client_event event)
{
	if (event == POP3_CLIENT_MESSAGE) {
		c->receiving = pop3_client_msgno(c->client) - 1;
		c->received_octets = 0;
		buffer_clear(&c->head);
		c->is_head_whole = false;
	} else if (event == POP3_CLIENT_OCTETS)
		on_octets(c);
	else if (event == POP3_CLIENT_MESSAGE_END) {
		c->asked_messages--;
		on_header(c);
	}
}

/* There is no TOP, or not of this one: it is asked for whole. */
void
heading_refused(struct collection *c)
{
	uint32_t index = pop3_client_msgno(c->client) - 1;

	c->asked_messages--;
	if (c->is_naming || c->options->only_uidl.octets == 0)
		return;
	buffer_clear(&c->head);
	sorting_ask(c, index, false);
	tell_observed(c, index, false);
}

static void
heading_end(struct collection *c)
{
	if (c->is_naming) {
		end_naming(c);
		return;
	}
	if (c->is_renamed && !c->only_looks)
		end_renamed(c);
	if (c->stage != STAGE_ENDED)
		messages_plan(c);
}

void
heading_release(struct collection *c)
{
	free(c->names);
	free(c->adoptions);
	c->names = NULL;
	c->adoptions = NULL;
	c->adoption_count = 0;
	c->is_naming = c->is_renamed = false;
}
