/* SPDX-License-Identifier: ISC */
/* From the greeting to the lists: what to say next, and what -ERR means. */
#include "base/log.h"
#include "collect/collection.h"

#include <stdio.h>
#include <string.h>

bool
session_asked(struct collection *c, enum outcome outcome)
{
	if (outcome == OK)
		return true;
	collection_fail(c, outcome,
		outcome == ERR_PEER
			? "the login name or the password holds a character "
			  "that POP3 cannot send, or is too long"
			: "too much is under way");
	return false;
}

/* ---- login ---- */

static void
log_in(struct collection *c)
{
	uint32_t can = pop3_client_capabilities(c->client);

	c->stage = STAGE_LOGIN;
	c->has_pipelining =
		(can & POP3_CAN_PIPELINING) && !remembering_is_lockstep(c);
	/* Else a server may send a surrogate instead of the message. It costs
	   no round trip when it goes along with the login. */
	if ((can & POP3_CAN_UTF8) && c->has_pipelining &&
		!session_asked(c, pop3_client_utf8(c->client)))
		return;
	login_begin(c);
}

static void on_capabilities(struct collection *c);

void
session_ask_capabilities(struct collection *c, bool is_secured)
{
	bool is_known = remembering_assume_capabilities(c);

	c->stage = STAGE_CAPABILITIES;
	if (is_known && !is_secured &&
		c->account->tls == ACCOUNT_TLS_STARTTLS) {
		c->stage = STAGE_STLS;
		session_asked(c, pop3_client_stls(c->client));
	} else if (is_known)
		on_capabilities(c);
	else
		session_asked(c, pop3_client_capa(c->client));
}

static void
on_capabilities(struct collection *c)
{
	bool wants_tls = c->account->tls == ACCOUNT_TLS_STARTTLS;

	if (!wants_tls || c->is_secured) {
		remembering_capabilities(c);
		log_in(c);
		return;
	}
	/* Without the TLS that was asked for, no secret (CVE-2021-22946). */
	if (!(pop3_client_capabilities(c->client) & POP3_CAN_STLS)) {
		collection_fail(c, ERR_DENIED,
			"the server offers no STLS, or somebody on the way "
			"took the offer out: the password is not sent in "
			"clear");
		return;
	}
	c->stage = STAGE_STLS;
	session_asked(c, pop3_client_stls(c->client));
}

static void
ask_for_lists(struct collection *c)
{
	if (session_asked(c, pop3_client_uidl(c->client)) && c->has_pipelining)
		session_asked(c, pop3_client_list(c->client));
}

static void
ask_for_last(struct collection *c)
{
	session_asked(c,
		pop3_client_uidl_one(c->client, (uint32_t)c->memory.messages));
}

void
session_ask_mailbox(struct collection *c)
{
	c->skips_list = remembering_may_skip_list(c);
	if (!session_asked(c, pop3_client_stat(c->client)) ||
		!c->has_pipelining)
		return;
	if (c->skips_list)
		ask_for_last(c);
	else
		ask_for_lists(c);
}

static void
on_logged_in(struct collection *c)
{
	if (!login_is_trusted(c))
		return;
	remembering_logged_in(c);
	if (c->options->is_login_only) {
		messages_quit(c);
		return;
	}
	if (!c->login.is_ahead)
		session_ask_mailbox(c);
	c->stage = c->skips_list ? STAGE_LOOKING : STAGE_LISTING;
	c->lists_awaited = 2;
}

/* ---- lists ---- */

static void
on_stat(struct collection *c)
{
	uint32_t count = pop3_client_count(c->client);

	c->stat_octets = pop3_client_octets(c->client);
	if (!listing_begin(c, count))
		return;
	if (c->stage == STAGE_LOOKING) {
		c->is_changed = count != c->memory.messages ||
				c->stat_octets != c->memory.octets;
		if (c->has_pipelining)
			return; /* the UIDL of the last is under way */
		if (!c->is_changed) {
			ask_for_last(c);
			return;
		}
		c->stage = STAGE_LISTING;
	}
	if (c->has_pipelining)
		return;
	if (count == 0)
		messages_begin(c);
	else
		session_asked(c, pop3_client_uidl(c->client));
}

/* The same number, the same size, the same last one: nothing is new. */
static void
on_looked(struct collection *c, bool is_refused)
{
	struct bytes uidl = pop3_client_data(c->client);

	if (!is_refused && !c->is_changed &&
		bytes_equal(uidl,
			bytes_of(c->memory.uidl, c->memory.uidl_octets))) {
		c->counts.listed_messages = c->memory.messages;
		c->counts.listed_octets = c->memory.octets;
		collection_tell(c, ENGINE_PLANNED, NULL);
		messages_quit(c);
		return;
	}
	c->stage = STAGE_LISTING;
	ask_for_lists(c);
}

static void
on_uidl(struct collection *c)
{
	if (c->stage == STAGE_LOOKING)
		on_looked(c, false);
	else
		listing_add_uidl(c, pop3_client_msgno(c->client),
			pop3_client_data(c->client));
}

static void
on_list_end(struct collection *c)
{
	c->lists_awaited--;
	if (c->lists_awaited == 0)
		messages_begin(c);
	else if (!c->has_pipelining)
		session_asked(c, pop3_client_list(c->client));
}

/* ---- -ERR ---- */

enum outcome
session_outcome(const struct collection *c)
{
	switch (pop3_client_code(c->client)) {
	case POP3_CODE_IN_USE:
		return ERR_BUSY;
	case POP3_CODE_LOGIN_DELAY:
	case POP3_CODE_SYS_TEMP:
		return ERR_TRY_LATER;
	case POP3_CODE_SYS_PERM:
		return ERR_BROKEN;
	case POP3_CODE_AUTH:
		return ERR_DENIED;
	case POP3_CODE_NONE:
	case POP3_CODE_OTHER:
	default:
		return c->stage == STAGE_LOGIN ? ERR_DENIED : ERR_TRY_LATER;
	}
}

static const char *
advice(const struct collection *c, enum outcome outcome)
{
	switch (outcome) {
	case ERR_BUSY:
		return " (another program is collecting this mailbox: try "
		       "later)";
	case ERR_DENIED:
		return c->stage == STAGE_LOGIN ? login_advice(c) : "";
	case OK:
	case ERR_PEER:
	case ERR_TOO_SOON:
	case ERR_TRY_LATER:
	case ERR_NO_SPACE:
	case ERR_OVER_QUOTA:
	case ERR_SOFT_QUOTA:
	case ERR_BROKEN:
	case ERR_GONE:
	default:
		return "";
	}
}

static const char *
what_was_refused(enum pop3_client_request request)
{
	switch (request) {
	case POP3_REQUEST_GREETING:
		return "the server takes no connection";
	case POP3_REQUEST_STLS:
		return "the server refuses TLS";
	case POP3_REQUEST_USER:
	case POP3_REQUEST_PASS:
	case POP3_REQUEST_APOP:
	case POP3_REQUEST_AUTH:
		return "the login was refused";
	case POP3_REQUEST_UIDL:
		return "the server refused to list its messages by UIDL";
	case POP3_REQUEST_QUIT:
		return "the server did not finish; what is still there will be "
		       "deleted next time";
	case POP3_REQUEST_CAPA:
	case POP3_REQUEST_UTF8:
	case POP3_REQUEST_STAT:
	case POP3_REQUEST_LIST:
	case POP3_REQUEST_UIDL_ONE:
	case POP3_REQUEST_RETR:
	case POP3_REQUEST_TOP:
	case POP3_REQUEST_DELE:
	case POP3_REQUEST_NOOP:
	case POP3_REQUEST_RSET:
	default:
		return "the server refused to list its messages";
	}
}

/* A server that does not announce it need not have it. */
static bool
has_no_uidl(const struct collection *c)
{
	enum pop3_code code = pop3_client_code(c->client);

	return pop3_client_request_of(c->client) == POP3_REQUEST_UIDL &&
	       !(pop3_client_capabilities(c->client) & POP3_CAN_UIDL) &&
	       (code == POP3_CODE_NONE || code == POP3_CODE_OTHER);
}

static void
on_refused(struct collection *c)
{
	struct bytes text = pop3_client_data(c->client);
	enum outcome outcome = session_outcome(c);
	char said[LOG_QUOTED_OCTETS];
	const char *why = "";

	if (c->stage == STAGE_LOGIN) {
		outcome = login_outcome(c, outcome);
		why = login_reason(c);
		if (outcome == ERR_DENIED)
			login_denied(c);
	}
	if (text.octets > 120)
		text.octets = 120;
	collection_fail(c, outcome, "%s: %.140s%s%.200s%s",
		what_was_refused(pop3_client_request_of(c->client)),
		text.octets ? log_quote(said, text) : "-ERR",
		why[0] ? "; " : "", why, advice(c, outcome));
}

/* ---- events ---- */

void
session_event(struct collection *c, enum pop3_client_event event)
{
	struct pop3_client *client = c->client;

	switch (event) {
	case POP3_CLIENT_GREETED:
		login_greeted(c);
		session_ask_capabilities(c, false);
		return;
	case POP3_CLIENT_CAPABLE:
		on_capabilities(c);
		return;
	case POP3_CLIENT_TLS:
		connection_start_tls(c->connection);
		return;
	case POP3_CLIENT_CHALLENGE:
		login_challenge(c);
		return;
	case POP3_CLIENT_LOGGED_IN:
		on_logged_in(c);
		return;
	case POP3_CLIENT_STAT:
		on_stat(c);
		return;
	case POP3_CLIENT_UIDL:
		on_uidl(c);
		return;
	case POP3_CLIENT_LIST:
		listing_add_octets(c, pop3_client_msgno(client),
			pop3_client_octets(client));
		return;
	case POP3_CLIENT_LIST_END:
		on_list_end(c);
		return;
	case POP3_CLIENT_REFUSED:
		if (c->stage == STAGE_LOOKING &&
			pop3_client_request_of(client) == POP3_REQUEST_UIDL_ONE)
			on_looked(c, true);
		else if (c->stage == STAGE_LISTING && has_no_uidl(c)) {
			c->has_no_uidl = true;
			on_list_end(c);
		} else if (!messages_refused(c))
			on_refused(c);
		return;
	case POP3_CLIENT_BROKEN:
		collection_fail(c, ERR_PEER, "%s", pop3_client_error(client));
		return;
	case POP3_CLIENT_NOTHING:
	case POP3_CLIENT_MESSAGE:
	case POP3_CLIENT_OCTETS:
	case POP3_CLIENT_MESSAGE_END:
	case POP3_CLIENT_DELETED:
	case POP3_CLIENT_DONE:
	case POP3_CLIENT_QUIT:
	default:
		messages_event(c, event);
		return;
	}
}
