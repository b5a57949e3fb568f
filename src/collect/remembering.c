/* SPDX-License-Identifier: ISC */
/* What one run leaves for the next: capabilities, the mailbox as it was, logins
 * that were refused, the account's clock. */
#include "base/clock.h"
#include "collect/collection.h"
#include "store/uidl.h"

#include <stdio.h>
#include <string.h>

/* CAPA is asked again after this, and after whatever went wrong. */
#define CAPABILITIES_SECONDS (7 * 86400)
#define DAY_SECONDS	     UINT64_C(86400)
#define LOCKSTEP_SECONDS     (30 * 86400)
/* Equal sizes can hide a change: the whole list is looked at daily. */
#define LISTING_SECONDS 86400
/* A short list comes in the same round trip: nothing is saved. */
#define LISTING_MINIMUM_MESSAGES 16
/* A password that was refused is not tried again for this long, doubled. */
#define REFUSED_SECONDS		(15 * 60)
#define REFUSED_MAXIMUM_SECONDS 86400
/* A gap in which nothing was collected, or a clock that was set: not counted. */
#define CLOCK_GAP_SECONDS   (7 * 86400)
#define MARK_MAXIMUM_OCTETS 66000
#define MARK_FACTOR	    0x9e3779b97f4a7c15u

/* Was `then` at most `seconds` ago? A clock that went back says no. */
static bool
is_recent(uint64_t now, uint64_t then, uint64_t seconds)
{
	return then > 0 && then <= now && now - then < seconds;
}

/* ---- beginning ---- */

static void
advance_clock(struct ledger_memory *memory, uint64_t now)
{
	memory->is_steady =
		is_recent(now, memory->clock_wall_seconds, CLOCK_GAP_SECONDS);
	if (memory->is_steady)
		memory->clock_seconds +=
			(int64_t)(now - memory->clock_wall_seconds);
	memory->clock_wall_seconds = now;
}

/* 16 bits: enough to see that the password was changed, too few to find it. */
static uint64_t
mark_of(const struct collection *c)
{
	unsigned char digest[UIDL_DIGEST_OCTETS] = {0};
	struct buffer text;

	buffer_init(&text, MARK_MAXIMUM_OCTETS);
	if (buffer_append(
		    &text, c->account->name, strlen(c->account->name) + 1) &&
		buffer_append_bytes(&text, secret_bytes(c->password)))
		uidl_digest(buffer_bytes(&text), digest);
	buffer_wipe(&text);
	return (uint64_t)digest[0] << 8 | digest[1];
}

static uint64_t
refused_for(const struct ledger_memory *memory)
{
	uint64_t seconds = REFUSED_SECONDS;

	for (uint64_t i = 1; i < memory->refusals; i++)
		if (seconds < REFUSED_MAXIMUM_SECONDS)
			seconds *= 2;
	return seconds < REFUSED_MAXIMUM_SECONDS ? seconds
						 : REFUSED_MAXIMUM_SECONDS;
}

/* Must this login wait? Then the run has failed. */
static bool
must_wait(struct collection *c, uint64_t now)
{
	const struct ledger_memory *memory = &c->memory;
	uint64_t seconds = refused_for(memory);

	if (c->options->is_retry)
		return false;
	if (memory->refusals > 0 && memory->refused_mark == mark_of(c) &&
		is_recent(now, memory->refused_at_seconds, seconds)) {
		collection_fail(c, ERR_DENIED,
			"the server refused this password; it is tried again "
			"in %llu s, a new one at once, and by fetch --retry",
			(unsigned long long)(memory->refused_at_seconds +
					     seconds - now));
		return true;
	}
	if (!is_recent(
		    now, memory->login_at_seconds, memory->login_delay_seconds))
		return false;
	collection_fail(c, ERR_TRY_LATER,
		"the server wants %llu s between two logins (LOGIN-DELAY): "
		"%llu s are left",
		(unsigned long long)memory->login_delay_seconds,
		(unsigned long long)(memory->login_at_seconds +
				     memory->login_delay_seconds - now));
	return true;
}

bool
remembering_begin(struct collection *c)
{
	uint64_t now = clock_wall_seconds();
	enum outcome outcome;

	if (!c->ledger)
		return true;
	outcome = ledger_recall(
		c->ledger, c->account->name, &c->memory, &c->was_running);
	if (outcome != OK) {
		collection_fail(c, outcome, "the ledger cannot be read: %s",
			outcome_name(outcome));
		return false;
	}
	c->is_recalled = true;
	snprintf(c->server, sizeof(c->server), "%s %.250s:%u",
		account_tls_name(c->account), c->account->host,
		account_port(c->account));
	if (strcmp(c->server, c->memory.server) != 0)
		c->memory = (struct ledger_memory){
			.clock_seconds = c->memory.clock_seconds,
			.clock_wall_seconds = c->memory.clock_wall_seconds,
		};
	snprintf(c->memory.server, sizeof(c->memory.server), "%s", c->server);
	advance_clock(&c->memory, now);
	return !must_wait(c, now);
}

/* ---- capabilities ---- */

bool
remembering_assume_capabilities(struct collection *c)
{
	const struct ledger_memory *memory = &c->memory;

	if (!c->is_recalled || c->has_failed_once ||
		!is_recent(clock_wall_seconds(), memory->asked_at_seconds,
			CAPABILITIES_SECONDS))
		return false;
	c->is_assumed = pop3_client_assume(
		c->client, (uint32_t)memory->capabilities, memory->mechanisms);
	return c->is_assumed;
}

void
remembering_doubt_capabilities(struct collection *c)
{
	c->is_assumed = false;
	c->memory.asked_at_seconds = 0;
}

/* Somebody who could take SCRAM out of the list would be told the password. */
static void
warn_of_downgrade(struct collection *c, const char *mechanisms)
{
	if (!strstr(c->memory.mechanisms, "SCRAM-") ||
		strstr(mechanisms, "SCRAM-"))
		return;
	collection_tell(c, ENGINE_WARNING,
		"the server offered SCRAM until now and does not any more: if "
		"your provider has not changed it, somebody may be in between; "
		"with login = scram-sha-256 the password is never sent");
}

/* RFC 2449 section 6.7. Once, and again when it changes: it is no news. */
static void
warn_of_expiry(struct collection *c, uint32_t days)
{
	bool is_news =
		c->memory.capabilities == 0 || c->memory.expire_days != days;
	char text[ENGINE_TEXT_SIZE];

	if (!is_news || days == POP3_CLIENT_EXPIRE_NEVER ||
		!account_leaves_mail(c->account, days * DAY_SECONDS))
		return;
	if (days == 0)
		snprintf(text, sizeof(text),
			"the server lets no mail stay that was collected "
			"(EXPIRE 0): do not count on finding it there again");
	else
		snprintf(text, sizeof(text),
			"the server deletes mail after %u days (EXPIRE): what "
			"is to stay longer is here alone, and what rules leave "
			"there goes",
			days);
	collection_tell(c, ENGINE_WARNING, text);
}

void
remembering_capabilities(struct collection *c)
{
	struct ledger_memory *memory = &c->memory;
	const char *mechanisms = pop3_client_mechanisms(c->client);

	if (c->is_assumed || strlen(mechanisms) >= sizeof(memory->mechanisms))
		return;
	warn_of_downgrade(c, mechanisms);
	warn_of_expiry(c, pop3_client_expire_days(c->client));
	memory->asked_at_seconds = clock_wall_seconds();
	memory->capabilities = pop3_client_capabilities(c->client);
	memory->login_delay_seconds =
		pop3_client_login_delay_seconds(c->client);
	memory->expire_days = pop3_client_expire_days(c->client);
	snprintf(memory->mechanisms, sizeof(memory->mechanisms), "%s",
		mechanisms);
}

bool
remembering_is_lockstep(const struct collection *c)
{
	uint64_t now = clock_wall_seconds();
	uint64_t until = c->memory.lockstep_until_seconds;

	return until > now && until - now <= LOCKSTEP_SECONDS;
}

void
remembering_lost_pipeline(struct collection *c)
{
	c->memory.lockstep_until_seconds =
		clock_wall_seconds() + LOCKSTEP_SECONDS;
}

/* ---- logins ---- */

void
remembering_logged_in(struct collection *c)
{
	c->memory.login_at_seconds = clock_wall_seconds();
	c->memory.refusals = 0;
}

void
remembering_refused(struct collection *c)
{
	/* Perhaps it was a mechanism that the server has no more. */
	if (c->is_assumed) {
		c->memory.asked_at_seconds = 0;
		return;
	}
	c->memory.refusals++;
	c->memory.refused_at_seconds = clock_wall_seconds();
	c->memory.refused_mark = mark_of(c);
}

/* ---- the mailbox ---- */

/* A number that changes with what is to become of messages that are known. */
static uint64_t
mark_of_settings(const struct collection *c)
{
	const struct collect_account *account = c->account;
	const uint64_t values[] = {account->keep, account->delete_after_seconds,
		account->delete_older_seconds, account->keep_newest,
		account->quota_octets, account->maximum_deletions};
	uint64_t mark = c->rules_mark;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		mark = mark * MARK_FACTOR + values[i];
	return mark >> 1; /* the ledger's numbers have a sign */
}

bool
remembering_may_skip_list(const struct collection *c)
{
	const struct ledger_memory *memory = &c->memory;

	return c->is_recalled && !c->was_running && c->sessions == 1 &&
	       !c->only_looks && !c->options->wants_bodies &&
	       !c->options->wants_quarantined &&
	       memory->settings_mark == mark_of_settings(c) &&
	       memory->uidl_octets > 0 &&
	       memory->messages >= LISTING_MINIMUM_MESSAGES &&
	       memory->messages <= POP3_CLIENT_MESSAGES_MAXIMUM &&
	       (memory->due_seconds == 0 ||
		       memory->due_seconds > memory->clock_seconds) &&
	       is_recent(clock_wall_seconds(), memory->listed_at_seconds,
		       LISTING_SECONDS);
}

/* The last that stays; NULL: there is one whose UIDL is not known, or none. */
static const struct listed *
find_last(const struct collection *c)
{
	for (uint32_t i = c->listed_count; i > 0; i--)
		if (c->listed[i - 1].state != MESSAGE_DELETED)
			return &c->listed[i - 1];
	return NULL;
}

/* False: something is not here, or is still to go: the list must be seen. */
static bool
is_settled(const struct collection *c)
{
	for (uint32_t i = 0; i < c->listed_count; i++)
		if (c->listed[i].state != MESSAGE_STORED &&
			c->listed[i].state != MESSAGE_SKIPPED &&
			c->listed[i].state != MESSAGE_DELETED)
			return false;
	return !c->has_failed_messages && c->outcome == OK;
}

void
remembering_listing(struct collection *c)
{
	struct ledger_memory *memory = &c->memory;
	const struct listed *last = find_last(c);

	memory->listed_at_seconds = 0;
	memory->uidl_octets = 0;
	if (!last || !is_settled(c) || c->has_no_uidl ||
		last->key.uidl.octets > sizeof(memory->uidl) ||
		last->key.uidl.octets == 0)
		return;
	memory->messages = c->listed_count;
	memory->octets = c->stat_octets;
	for (uint32_t i = 0; i < c->listed_count; i++)
		if (c->listed[i].state == MESSAGE_DELETED) {
			memory->messages--;
			memory->octets -= c->listed[i].octets;
		}
	memcpy(memory->uidl, last->key.uidl.at, last->key.uidl.octets);
	memory->uidl_octets = last->key.uidl.octets;
	memory->listed_at_seconds = clock_wall_seconds();
	memory->due_seconds = c->due_seconds;
	memory->settings_mark = mark_of_settings(c);
}

void
remembering_end(struct collection *c)
{
	/* What was not as it was expected to be is asked for again. */
	if (c->outcome == ERR_PEER || c->outcome == ERR_GONE)
		c->memory.asked_at_seconds = 0;
	if (c->is_recalled && !c->only_looks)
		ledger_remember(c->ledger, c->account->name, &c->memory);
}
