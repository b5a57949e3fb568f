/* SPDX-License-Identifier: ISC */
/* Messages are asked for, arrive, are stored, and only then deleted. */
#include "base/clock.h"
#include "base/log.h"
#include "collect/collection.h"
#include "collect/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS_MAXIMUM	 1000
#define DELETIONS_AT_ONCE	 4000
#define PORTION_MINIMUM_MESSAGES 100
#define PORTION_MAXIMUM_MESSAGES 1000

/* ---- what arrives ---- */

static void
sink_failed(struct collection *c, enum outcome outcome)
{
	collection_fail(c, outcome, "cannot file mail in %.200s: %s",
		c->sink_path,
		outcome == ERR_NO_SPACE ? "the disk is full"
					: outcome_name(outcome));
}

static void
on_message(struct collection *c)
{
	struct listed *one;
	enum outcome outcome;

	window_received(&c->window, clock_monotonic_ms(), 0);
	c->receiving = pop3_client_msgno(c->client) - 1;
	c->received_octets = 0;
	buffer_clear(&c->head);
	one = &c->listed[c->receiving];
	one->arrival = calloc(1, sizeof(*one->arrival));
	if (!one->arrival ||
		EVP_DigestInit_ex(c->digest, EVP_sha256(), NULL) != 1) {
		collection_fail(c, ERR_TRY_LATER, "no memory for a message");
		return;
	}
	outcome = c->sink->ops->begin(
		c->sink, &one->key, &one->arrival->delivery);
	if (outcome == OK)
		c->is_receiving = true;
	else
		sink_failed(c, outcome);
}

/* The front of a message, for what its header says. */
static void
keep_head(struct collection *c, struct bytes octets)
{
	size_t room = buffer_room(&c->head);

	if (octets.octets > room)
		octets.octets = room;
	buffer_append_bytes(&c->head, octets);
}

static void
on_octets(struct collection *c)
{
	struct bytes octets = pop3_client_data(c->client);
	struct listed *one = &c->listed[c->receiving];
	enum outcome outcome;

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
	keep_head(c, octets);
	outcome = c->sink->ops->put(c->sink, one->arrival->delivery, octets);
	if (outcome != OK)
		sink_failed(c, outcome);
}

static void
digest_header(struct collection *c, unsigned char out[LEDGER_DIGEST_OCTETS])
{
	struct bytes header = header_of(buffer_bytes(&c->head));

	/* TOP without the empty line, and with two, is the same header. */
	while (header.octets > 0 &&
		(header.at[header.octets - 1] == '\r' ||
			header.at[header.octets - 1] == '\n'))
		header.octets--;
	EVP_Digest(header.at, header.octets, out, NULL, EVP_sha256(), NULL);
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

/* Here already, under this UIDL? */
static bool
is_known(struct collection *c, const struct listed *one)
{
	return one->is_doubtful && ledger_holds(c->ledger, c->account->name,
					   one->key.uidl, one->arrival->digest);
}

static void
on_message_end(struct collection *c)
{
	struct listed *one = &c->listed[c->receiving];
	struct arrival *arrival = one->arrival;
	enum outcome outcome;

	c->is_receiving = false;
	c->asked_messages--;
	c->asked_octets -= one->octets;
	EVP_DigestFinal_ex(c->digest, arrival->digest, NULL);
	digest_header(c, arrival->header);
	one->stored_seconds = c->memory.clock_seconds;
	one->born_seconds = c->memory.clock_seconds - age_of(c);
	outcome = c->sink->ops->end(c->sink, arrival->delivery);
	if (outcome != OK) {
		sink_failed(c, outcome);
		return;
	}
	/* The ledger learns what is new of it; the sink has it already. */
	if (is_known(c, one))
		c->sink->ops->drop(c->sink, &arrival->delivery);
	one->state = MESSAGE_RECEIVED;
	c->counts.received_messages++;
	storing_add(c, c->receiving);
}

/* What the server owes: asked for, and not whole; NULL: nothing. */
static struct listed *
first_asked(const struct collection *c)
{
	for (uint32_t i = 0; i < c->plan_next; i++)
		if (c->listed[c->plan[i]].state == MESSAGE_ASKED)
			return &c->listed[c->plan[i]];
	return NULL;
}

void
messages_break(struct collection *c)
{
	struct listed *one = first_asked(c);

	c->is_receiving = false;
	if (!one)
		return;
	if (one->arrival && c->sink)
		c->sink->ops->drop(c->sink, &one->arrival->delivery);
	free(one->arrival);
	one->arrival = NULL;
	/* Also when the server hung up without a word: the next run asks for
	   the others first. */
	if (c->outcome == ERR_GONE || c->outcome == ERR_PEER)
		ledger_broke(
			c->ledger, c->account->name, &one->key, one->octets);
}

/* ---- -ERR ---- */

static void
on_refused(struct collection *c, const char *verb)
{
	struct bytes text = pop3_client_data(c->client);
	char said[LOG_QUOTED_OCTETS], line[ENGINE_TEXT_SIZE];

	if (text.octets > 120)
		text.octets = 120;
	snprintf(line, sizeof(line), "the server refused %s %u: %.160s", verb,
		pop3_client_msgno(c->client), log_quote(said, text));
	c->has_failed_messages = true;
	collection_tell(c, ENGINE_WARNING, line);
}

bool
messages_refused(struct collection *c)
{
	uint32_t msgno = pop3_client_msgno(c->client);
	struct listed *one;

	/* QUIT goes out behind the last DELE without waiting for its reply. */
	if ((c->stage != STAGE_MESSAGES && c->stage != STAGE_QUITTING) ||
		msgno == 0)
		return false;
	one = &c->listed[msgno - 1];
	switch (pop3_client_request_of(c->client)) {
	case POP3_REQUEST_RETR:
		one->state = MESSAGE_LEFT;
		c->asked_messages--;
		c->asked_octets -= one->octets;
		on_refused(c, "RETR");
		return true;
	case POP3_REQUEST_DELE:
		one->state = MESSAGE_STORED;
		on_refused(c, "DELE");
		return true;
	case POP3_REQUEST_GREETING:
	case POP3_REQUEST_CAPA:
	case POP3_REQUEST_STLS:
	case POP3_REQUEST_UTF8:
	case POP3_REQUEST_USER:
	case POP3_REQUEST_PASS:
	case POP3_REQUEST_AUTH:
	case POP3_REQUEST_STAT:
	case POP3_REQUEST_LIST:
	case POP3_REQUEST_UIDL:
	case POP3_REQUEST_UIDL_ONE:
	case POP3_REQUEST_TOP:
	case POP3_REQUEST_NOOP:
	case POP3_REQUEST_RSET:
	case POP3_REQUEST_QUIT:
	default:
		return false;
	}
}

/* ---- what goes out ---- */

static bool
may_ask(const struct collection *c)
{
	if (c->stage != STAGE_MESSAGES)
		return false;
	if (!c->has_pipelining)
		return !pop3_client_is_owed(c->client);
	return pop3_client_pending(c->client) < WINDOW_MESSAGES;
}

static void
ask_for_more(struct collection *c)
{
	while (c->plan_next < c->plan_count && may_ask(c)) {
		uint32_t index = c->plan[c->plan_next];
		struct listed *one = &c->listed[index];

		if ((c->asked_messages > 0 &&
			    c->asked_octets + one->octets > c->window.octets) ||
			c->asked_messages + c->waiting_count >= BATCH_MAXIMUM)
			return;
		if (!session_asked(c, pop3_client_retr(c->client, index + 1)))
			return;
		window_asked(&c->window, clock_monotonic_ms(),
			c->asked_messages == 0);
		one->state = MESSAGE_ASKED;
		c->asked_octets += one->octets;
		c->asked_messages++;
		c->plan_next++;
	}
}

static bool
is_all_stored(const struct collection *c)
{
	return c->plan_next == c->plan_count && c->asked_messages == 0 &&
	       c->waiting_count == 0 && !c->flush;
}

/*
 * Those that share a UIDL go together or not at all: the ordinals of the rest
 * would move, and one not collected yet would look like one that was.
 */
static void
judge_twins(struct collection *c)
{
	bool may_go = true;

	if (c->are_twins_judged || c->account->keep || !is_all_stored(c))
		return;
	c->are_twins_judged = true;
	for (uint32_t i = 0; i < c->listed_count; i++)
		if (c->listed[i].is_twin &&
			c->listed[i].state != MESSAGE_STORED)
			may_go = false;
	for (uint32_t i = 0; i < c->listed_count && may_go; i++)
		if (c->listed[i].is_twin && !policy_may_delete(c, i))
			may_go = false;
	for (uint32_t i = 0; i < c->listed_count && may_go; i++)
		if (c->listed[i].is_twin)
			c->deletable[c->deletable_count++] = i;
}

/*
 * Nothing is gone before QUIT: with PIPELINING all DELE go out at the end, in one
 * write with it, and cost no round trip of their own.
 */
static bool
may_delete(const struct collection *c)
{
	if (c->stage != STAGE_MESSAGES)
		return false;
	if (!c->has_pipelining)
		return !pop3_client_is_owed(c->client);
	return is_all_stored(c) &&
	       pop3_client_pending(c->client) < DELETIONS_AT_ONCE;
}

static void
delete_some(struct collection *c)
{
	judge_twins(c);
	while (c->deletable_next < c->deletable_count && may_delete(c)) {
		uint32_t index = c->deletable[c->deletable_next++];

		if (!session_asked(c, pop3_client_dele(c->client, index + 1)))
			return;
		c->listed[index].state = MESSAGE_DELETING;
	}
}

void
messages_quit(struct collection *c)
{
	c->stage = STAGE_QUITTING;
	session_asked(c, pop3_client_quit(c->client));
}

void
messages_go_on(struct collection *c)
{
	if (c->stage != STAGE_MESSAGES)
		return;
	ask_for_more(c);
	storing_flush(
		c, c->plan_next == c->plan_count && c->asked_messages == 0);
	delete_some(c);
	if (c->stage == STAGE_MESSAGES && is_all_stored(c) &&
		c->deletable_next == c->deletable_count &&
		(c->has_pipelining || !pop3_client_is_owed(c->client)))
		messages_quit(c);
}

/* ---- beginning and end ---- */

static bool
begin_run(struct collection *c)
{
	/* A mark stays until a run has come to a good end. */
	enum outcome outcome;

	if (c->is_run_open)
		return true; /* not the first session of this run */
	outcome = ledger_begin_run(c->ledger, c->account->name, &c->is_behind);

	if (outcome != OK) {
		collection_fail(c, outcome, "the ledger cannot be changed: %s",
			outcome_name(outcome));
		return false;
	}
	c->is_run_open = true;
	return delivering_open(c);
}

void
messages_begin(struct collection *c)
{
	if (!c->options->is_dry_run && !begin_run(c))
		return;
	if (!listing_end(c))
		return;
	policy_begin(c);
	if (c->options->is_dry_run) {
		policy_plan(c);
		collection_tell(c, ENGINE_PLANNED, NULL);
		messages_quit(c);
		return;
	}
	collection_tell(c, ENGINE_PLANNED, NULL);
	c->stage = STAGE_MESSAGES;
	for (uint32_t i = 0; i < c->listed_count; i++)
		if (!c->listed[i].is_twin &&
			c->listed[i].state == MESSAGE_STORED &&
			policy_may_delete(c, i))
			c->deletable[c->deletable_count++] = i;
}

/*
 * Some servers show about 250 messages a session and the rest in the next one.
 * A session that brought that many, and not so many that nothing can be hidden,
 * is followed by another one.
 */
static bool
is_more_likely(const struct collection *c)
{
	uint64_t brought = c->counts.stored_messages - c->session_stored;

	if (brought == 0 || c->options->is_dry_run ||
		c->account->sessions == SESSIONS_ONE ||
		c->memory.login_delay_seconds > 0 ||
		c->sessions >= SESSIONS_MAXIMUM)
		return false;
	return c->account->sessions == SESSIONS_ALL ||
	       (brought >= PORTION_MINIMUM_MESSAGES &&
		       c->listed_count < PORTION_MAXIMUM_MESSAGES);
}

static void
on_quit(struct collection *c)
{
	struct message_key *keys =
		calloc((size_t)c->listed_count + 1, sizeof(*keys));
	enum outcome outcome = keys ? OK : ERR_TRY_LATER;
	uint32_t count = 0;

	for (uint32_t i = 0; i < c->listed_count && keys; i++)
		if (c->listed[i].state == MESSAGE_DELETED)
			keys[count++] = c->listed[i].key;
	if (count > 0)
		outcome = ledger_deleted(
			c->ledger, c->account->name, keys, count);
	free(keys);
	c->counts.deleted_messages += count;
	if (outcome == OK && c->listed && !c->options->is_dry_run &&
		c->stage == STAGE_QUITTING && c->lists_awaited == 0)
		remembering_listing(c);
	c->wants_again = outcome == OK && is_more_likely(c);
	if (outcome != OK)
		collection_fail(c, outcome, "the ledger cannot be changed: %s",
			outcome_name(outcome));
	else
		collection_end(c);
}

void
messages_event(struct collection *c, enum pop3_client_event event)
{
	switch (event) {
	case POP3_CLIENT_MESSAGE:
		on_message(c);
		return;
	case POP3_CLIENT_OCTETS:
		on_octets(c);
		return;
	case POP3_CLIENT_MESSAGE_END:
		on_message_end(c);
		return;
	case POP3_CLIENT_DELETED:
		c->listed[pop3_client_msgno(c->client) - 1].state =
			MESSAGE_DELETED;
		return;
	case POP3_CLIENT_QUIT:
		on_quit(c);
		return;
	case POP3_CLIENT_NOTHING:
	case POP3_CLIENT_GREETED:
	case POP3_CLIENT_CAPABLE:
	case POP3_CLIENT_TLS:
	case POP3_CLIENT_CHALLENGE:
	case POP3_CLIENT_LOGGED_IN:
	case POP3_CLIENT_STAT:
	case POP3_CLIENT_UIDL:
	case POP3_CLIENT_LIST:
	case POP3_CLIENT_LIST_END:
	case POP3_CLIENT_DONE:
	case POP3_CLIENT_REFUSED:
	case POP3_CLIENT_BROKEN:
	default:
		return;
	}
}
