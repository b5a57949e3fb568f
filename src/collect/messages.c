/* SPDX-License-Identifier: ISC */
/* Messages are asked for, stored, and only then deleted. */
#include "base/clock.h"
#include "base/log.h"
#include "collect/collection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS_MAXIMUM	 1000
#define DELETIONS_AT_ONCE	 4000
#define PORTION_MINIMUM_MESSAGES 100
#define PORTION_MAXIMUM_MESSAGES 1000

/* ---- what the server owes ---- */

/* Asked for, and not whole; NULL: nothing. */
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
	arriving_free(c, one);
	if (one->key.uidl.octets == 0)
		return; /* no name yet */
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

	if (c->stage == STAGE_HEADERS &&
		pop3_client_request_of(c->client) == POP3_REQUEST_TOP) {
		heading_refused(c);
		return true;
	}
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
		one->state = one->fate == FATE_DELETE ? MESSAGE_LEFT
						      : MESSAGE_STORED;
		on_refused(c, "DELE");
		return true;
	case POP3_REQUEST_GREETING:
	case POP3_REQUEST_CAPA:
	case POP3_REQUEST_STLS:
	case POP3_REQUEST_UTF8:
	case POP3_REQUEST_USER:
	case POP3_REQUEST_PASS:
	case POP3_REQUEST_APOP:
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
	if (c->stage == STAGE_HEADERS)
		heading_go_on(c);
	if (c->stage != STAGE_MESSAGES)
		return;
	ask_for_more(c);
	storing_flush(
		c, c->plan_next == c->plan_count && c->asked_messages == 0);
	delete_some(c);
	if (c->stage == STAGE_MESSAGES && is_all_stored(c) &&
		c->deletable_next == c->deletable_count &&
		(c->has_pipelining || !pop3_client_is_owed(c->client)) &&
		sorting_note(c))
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
	return routing_open(c);
}

static void
choose_deletions(struct collection *c)
{
	for (uint32_t i = 0; i < c->listed_count; i++) {
		const struct listed *one = &c->listed[i];

		if ((!one->is_twin && one->state == MESSAGE_STORED &&
			    policy_may_delete(c, i)) ||
			(one->state == MESSAGE_DISCARDED &&
				policy_may_discard(c)))
			c->deletable[c->deletable_count++] = i;
	}
}

void
messages_plan(struct collection *c)
{
	listing_plan(c);
	policy_begin(c);
	if (c->only_looks) {
		policy_plan(c);
		collection_tell(c, ENGINE_PLANNED, NULL);
		messages_quit(c);
		return;
	}
	collection_tell(c, ENGINE_PLANNED, NULL);
	c->stage = STAGE_MESSAGES;
	choose_deletions(c);
}

void
messages_listed(struct collection *c)
{
	if (listing_end(c))
		heading_begin(c);
}

void
messages_begin(struct collection *c)
{
	if (!c->only_looks && !begin_run(c))
		return;
	c->is_naming = c->has_no_uidl && c->listed_count > 0;
	if (c->is_naming)
		heading_begin(c);
	else
		messages_listed(c);
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

	if (brought == 0 || c->only_looks ||
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
	if (outcome == OK && c->listed && !c->only_looks &&
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
	if (c->stage == STAGE_HEADERS) {
		heading_event(c, event);
		return;
	}
	switch (event) {
	case POP3_CLIENT_MESSAGE:
		arriving_begin(c);
		return;
	case POP3_CLIENT_OCTETS:
		arriving_octets(c);
		return;
	case POP3_CLIENT_MESSAGE_END:
		arriving_end(c);
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
