/* SPDX-License-Identifier: ISC */
/*
 * Bearer tokens: the role lookup finds out whose one is, here it is seen whether
 * that lets somebody in. They wait their turn and for what failed before them as
 * passwords do.
 */
#include "base/clock.h"
#include "base/log.h"
#include "sasl/server.h"
#include "server/auth_state.h"
#include "server/protocol.h"

#include <stdio.h>
#include <string.h>

/* ---- the end ---- */

void
auth_token_refuse(struct auth_exchange *x)
{
	const char *scope = auth.boot->settings.oauth.scope;
	struct buffer challenge;

	buffer_init(&challenge, PIECE_OCTETS);
	buffer_wipe(&x->front);
	secret_release(&x->password);
	account_release(&x->account);
	x->is_token_refused = true;
	if (sasl_server_refuse_token(x->sasl, scope, &challenge) ==
		SASL_CHALLENGE)
		auth_challenge(x, buffer_bytes(&challenge));
	else
		auth_refuse(x, ERR_DENIED);
	buffer_release(&challenge);
}

/* ---- whose it is ---- */

/* The client may have named an alias. */
static bool
is_claimed_by(struct auth_exchange *x)
{
	struct account claimed;

	if (!x->claimed[0] || strcmp(x->claimed, x->account.name) == 0)
		return true;
	return auth_account_find(bytes_of_string(x->claimed), &x->system,
		       &claimed) == OK &&
	       strcmp(claimed.name, x->account.name) == 0;
}

/* An account there is: a token makes none. */
static enum outcome
may_enter(struct auth_exchange *x)
{
	const char *why = NULL;
	char user[LOG_QUOTED_OCTETS], id[SESSION_ID_SIZE];

	if (!x->is_known)
		why = "no such account";
	else if (x->account.is_disabled)
		why = "the account is disabled";
	else if (!is_claimed_by(x))
		why = "the client named another user";
	if (!why)
		return OK;
	log_event(LOG_LEVEL_INFO, "token", "id=%s addr=%s user=%s why=\"%s\"",
		auth_session_id(x, id), x->address,
		log_quote(user, bytes_of_string(x->tried)), why);
	return ERR_DENIED;
}

static void go_on(struct auth_system *system);

/* False: the system is asked, and go_on follows. */
static bool
conclude(struct auth_exchange *x)
{
	enum outcome outcome = auth_check_find_all(x);

	x->stage = AUTH_TALKING;
	if (outcome == ERR_TRY_LATER && auth_system_wait(&x->system, go_on)) {
		/* It has been begun, and so it must end. */
		x->stage = AUTH_ASKING;
		return false;
	}
	auth_check_finish(x, outcome == OK ? may_enter(x) : ERR_TRY_LATER);
	return true;
}

static void
go_on(struct auth_system *system)
{
	struct auth_exchange *x =
		table_object(system, struct auth_exchange, system);
	struct auth_client *client = x->client;

	if (!conclude(x))
		return;
	client->checks--;
	auth_client_free_when_unused(client);
}

void
auth_token_checked(struct auth_exchange *x)
{
	struct auth_client *client = x->client;

	if (x->outcome != OK)
		auth_check_finish(x, x->outcome);
	else if (!conclude(x))
		client->checks++;
}

/* ---- the beginning ---- */

static void
judge(struct auth_exchange *x)
{
	if (!password_cache_prove(auth.cache, x->subject, NULL, 0,
		    secret_bytes(&x->password), &x->proof) ||
		!auth_pool_submit(x))
		auth_refuse(x, ERR_TRY_LATER);
}

/* Whom failures are counted against: who is named, else nobody but the network.
 */
static void
set_subject(struct auth_exchange *x, struct bytes user)
{
	if (user.octets == 0)
		snprintf(x->tried, sizeof(x->tried), "token from %.100s",
			x->address);
	else
		auth_set_tried(x, user);
	if (user.octets > 0 && !accounts_canonical_name(user, x->claimed))
		snprintf(x->claimed, sizeof(x->claimed), "?");
	snprintf(x->account.name, sizeof(x->account.name), "%.*s",
		(int)sizeof(x->account.name) - 1, x->tried);
}

/* The session offers it with TLS alone: a token is as good as a password. */
void
auth_token_begin(struct auth_exchange *x)
{
	struct bytes token = sasl_server_password(x->sasl);

	if (!x->is_tls || !server_settings_has_tokens(&auth.boot->settings)) {
		auth_refuse(x, ERR_PEER);
	} else if (token.octets == 0) {
		auth_token_refuse(x);
	} else if (!secret_set(&x->password, token)) {
		auth_refuse(x, ERR_TRY_LATER);
	} else {
		x->is_token = true;
		set_subject(x, sasl_server_authcid(x->sasl));
		auth_guard_admit(x, judge);
	}
}
