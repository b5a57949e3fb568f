/* SPDX-License-Identifier: ISC */
/* Who a name is, and whether the password is theirs. */
#include "base/clock.h"
#include "base/log.h"
#include "server/auth_role.h"
#include "server/auth_state.h"
#include "server/login_delay.h"

#include <stdio.h>

static bool
is_long_enough_ago(const char *user)
{
	struct policy policy =
		server_settings_policy(&auth.boot->settings, user);

	return login_delays_take(auth.delays, user,
		policy.login_delay_seconds * 1000, policy.login_burst,
		clock_monotonic_ms());
}

/* Store opens the maildrop and tells the session itself. */
static void
grant(struct auth_exchange *x)
{
	struct message message;
	bool is_sent;

	message_init(&message, MESSAGE_GRANT_OPEN, x->connection);
	message_put_u64(&message, x->client->instance);
	message_put_string(&message, x->account.name);
	is_sent = auth.store && channel_send(auth.store, &message) == OK;
	message_release(&message);
	if (is_sent)
		auth_exchange_free(x);
	else
		auth_refuse(x, ERR_TRY_LATER);
}

/* OK, also for a name that is nobody's: x->is_known. */
static enum outcome
find_account(struct auth_exchange *x)
{
	enum outcome outcome = ERR_DENIED;
	char name[ACCOUNT_NAME_SIZE];

	x->account = (struct account){0};
	if (accounts_canonical_name(bytes_of_string(x->tried), name))
		outcome = auth.accounts->ops->find(
			auth.accounts, name, &x->account);
	x->is_known = outcome == OK;
	if (outcome == OK)
		return OK;
	/* For the log and for penalties, whatever it is. */
	snprintf(x->account.name, sizeof(x->account.name), "%s", x->tried);
	if (outcome == ERR_DENIED)
		return OK;
	log_event(LOG_LEVEL_ERROR, "accounts", "why=%s", outcome_name(outcome));
	return ERR_TRY_LATER;
}

/* With the right password. */
static enum outcome
may_enter(const struct auth_exchange *x)
{
	return x->is_known && !x->account.is_disabled ? OK : ERR_DENIED;
}

/* After auth_guard_begin. */
static void
finish(struct auth_exchange *x, enum outcome outcome)
{
	auth_guard_end(x, outcome);
	if (!x->client->channel || x->is_cancelled)
		auth_exchange_free(x);
	/* After the password: nobody else learns when the owner was here. */
	else if (outcome == OK && !is_long_enough_ago(x->account.name))
		auth_refuse(x, ERR_TOO_SOON);
	else if (outcome == OK)
		grant(x);
	else
		auth_refuse(x, outcome);
}

/* Hashing takes its time: the password may have changed meanwhile. */
static enum outcome
may_still_enter(struct auth_exchange *x)
{
	uint64_t generation = x->account.generation;
	enum outcome outcome = find_account(x);

	if (outcome == OK && x->account.generation != generation)
		outcome = ERR_DENIED;
	return outcome == OK ? may_enter(x) : outcome;
}

void
auth_checked(struct auth_exchange *x)
{
	enum outcome outcome = x->outcome;

	if (outcome == OK || outcome == ERR_DENIED)
		password_cache_put(auth.cache, &x->proof, outcome == OK,
			clock_monotonic_ms());
	finish(x, outcome == OK ? may_still_enter(x) : outcome);
}

/* Nothing holds it back: what is known of the password is cheap to ask. */
static void
judge(struct auth_exchange *x)
{
	enum password_verdict verdict;
	bool is_fresh = x->is_fresh;

	x->is_fresh = false;
	if ((!is_fresh && find_account(x) != OK) ||
		!password_cache_prove(auth.cache, x->account.name,
			x->account.generation, secret_bytes(&x->password),
			&x->proof)) {
		auth_refuse(x, ERR_TRY_LATER);
		return;
	}
	verdict = password_cache_find(
		auth.cache, &x->proof, clock_monotonic_ms());
	if (verdict != PASSWORD_UNKNOWN) {
		auth_guard_begin(x);
		finish(x,
			verdict == PASSWORD_RIGHT ? may_enter(x) : ERR_DENIED);
	} else if (!auth_pool_submit(x)) {
		auth_refuse(x, ERR_TRY_LATER);
	}
}

void
auth_check(struct auth_exchange *x, struct bytes user, struct bytes password)
{
	if (!bytes_to_string(user, x->tried, sizeof(x->tried)))
		snprintf(x->tried, sizeof(x->tried), "?");
	if (find_account(x) != OK || !secret_set(&x->password, password))
		auth_refuse(x, ERR_TRY_LATER);
	else {
		x->is_fresh = true;
		auth_guard_admit(x, judge);
	}
}
