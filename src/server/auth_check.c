/* SPDX-License-Identifier: ISC */
/* Who a name is, and whether the password is theirs. */
#include "base/clock.h"
#include "base/log.h"
#include "server/auth_logins.h"
#include "server/auth_role.h"
#include "server/auth_state.h"
#include "server/login_delay.h"

#include <stdio.h>
#include <string.h>

/* Of all passwords that PAM has found right. */
#define PAM_GENERATION 1

static bool
is_long_enough_ago(const char *user)
{
	struct policy policy =
		server_settings_policy(&auth.boot->settings, user);

	return login_delays_take(auth.delays, user,
		policy.login_delay_seconds * 1000, policy.login_burst,
		clock_monotonic_ms());
}

static void grant(struct auth_exchange *x);

static void
look_again(struct auth_exchange *x)
{
	if (x->is_cancelled)
		auth_exchange_free(x);
	else
		grant(x);
}

/*
 * A session that is over may not have been told of yet: its client knows it,
 * and may come again at once.
 */
static bool
waits_for_logouts(struct auth_exchange *x)
{
	uint64_t wait_ms = UINT64_C(1) << x->looks;

	if (x->looks == AUTH_LOGOUT_LOOKS)
		return false;
	if (x->looks++ == 0)
		auth_logins_ask();
	return auth_guard_hold(x, clock_monotonic_ms() + wait_ms, look_again);
}

static void
refuse_login(struct auth_exchange *x, enum outcome outcome)
{
	if (outcome == ERR_BUSY && waits_for_logouts(x))
		return;
	if (outcome == ERR_BUSY)
		auth_logins_tell_full(x);
	auth_refuse(x, outcome);
}

/* Store opens the maildrop and tells the session itself. */
static void
grant(struct auth_exchange *x)
{
	enum outcome outcome = auth_logins_add(x);
	struct message message;
	bool is_sent;

	if (outcome != OK) {
		refuse_login(x, outcome);
		return;
	}
	message_init(&message, MESSAGE_GRANT_OPEN, x->connection);
	message_put_u64(&message, x->client->instance);
	message_put_string(&message, x->account.name);
	message_put_u8(&message, x->is_read_only);
	is_sent = auth.store && channel_send(auth.store, &message) == OK;
	message_release(&message);
	if (is_sent) {
		auth_exchange_free(x);
		return;
	}
	auth_logins_remove(x->client, x->connection);
	auth_refuse(x, ERR_TRY_LATER);
}

void
auth_set_tried(struct auth_exchange *x, struct bytes name)
{
	if (!bytes_to_string(name, x->tried, sizeof(x->tried)))
		snprintf(x->tried, sizeof(x->tried), "?");
}

/* Whom nobody knows PAM's modules may know. They are asked last, so that it does
   not matter where PAM stands. */
static bool
may_be_of_pam(struct auth_exchange *x)
{
	return auth.has_pam &&
	       accounts_name(&auth.naming, bytes_of_string(x->tried),
		       x->account.name);
}

static enum outcome
note_found(struct auth_exchange *x, enum outcome outcome)
{
	x->is_known = outcome == OK;
	/* For the log and for penalties, whatever it is. */
	if (outcome != OK)
		snprintf(x->account.name, sizeof(x->account.name), "%.*s",
			(int)sizeof(x->account.name) - 1, x->tried);
	return outcome == ERR_DENIED ? OK : outcome;
}

enum outcome
auth_check_find(struct auth_exchange *x)
{
	account_release(&x->account);
	x->account = (struct account){0};
	x->is_pam = false;
	return note_found(x, auth_account_load(bytes_of_string(x->tried), NULL,
				     &x->account, &x->has_device, x->device));
}

enum outcome
auth_check_find_all(struct auth_exchange *x)
{
	enum outcome outcome;

	account_release(&x->account);
	x->account = (struct account){0};
	x->system.is_found = false;
	outcome = auth_account_load(bytes_of_string(x->tried), &x->system,
		&x->account, &x->has_device, x->device);
	x->is_pam = outcome == OK && x->system.is_found;
	if (outcome == ERR_DENIED && !x->is_token && may_be_of_pam(x)) {
		x->is_pam = true;
		outcome = OK;
	}
	return note_found(x, outcome);
}

static struct password_cache *
cache_of(const struct auth_exchange *x)
{
	return x->is_pam ? auth.pam_cache : auth.cache;
}

static bool
prove(struct auth_exchange *x)
{
	uint64_t generations[ACCOUNT_CREDENTIALS_MAXIMUM];
	const struct account *account = &x->account;
	size_t count = 0;

	for (size_t i = 0; i < account->credential_count; i++)
		if (!x->has_device ||
			strcmp(account->credentials[i].device, x->device) == 0)
			generations[count++] =
				account->credentials[i].generation;
	return password_cache_prove(cache_of(x), account->name, generations,
		count, secret_bytes(&x->password), &x->proof);
}

bool
auth_check_prepare(struct auth_exchange *x)
{
	return x->is_token || (auth_check_find_all(x) == OK && prove(x));
}

/* The one with the right password; NULL when it is gone meanwhile. */
static const struct credential *
credential_of(const struct auth_exchange *x, uint64_t generation)
{
	for (size_t i = 0; i < x->account.credential_count; i++)
		if (x->account.credentials[i].generation == generation)
			return &x->account.credentials[i];
	return NULL;
}

enum outcome
auth_check_may_enter(struct auth_exchange *x, uint64_t generation)
{
	const struct credential *credential = credential_of(x, generation);
	char host[ADDRESS_TEXT_SIZE] = "";
	struct address address;

	if (!credential)
		return ERR_DENIED;
	x->is_read_only = credential->is_read_only;
	memcpy(x->device, credential->device, sizeof(x->device));
	if (credential->networks[0] &&
		address_parse(bytes_of_string(x->address), &address))
		address_host_text(&address, host);
	return account_may_use(
		&x->account, credential, host, clock_wall_seconds());
}

/* With the right password; PAM has said whether he may. */
static enum outcome
may_enter(struct auth_exchange *x, uint64_t generation)
{
	return x->is_pam ? OK : auth_check_may_enter(x, generation);
}

static void
refuse_denied(struct auth_exchange *x)
{
	auth_refuse(x, ERR_DENIED);
}

/* Where PAM judges, or hashes are those of another server, not sooner and not
   later than that of anybody else. */
static void
deny(struct auth_exchange *x)
{
	uint64_t ran_ms = clock_monotonic_ms() - x->judged_ms;
	uint64_t steps = ran_ms / AUTH_REFUSAL_STEP_MS + 1;

	if (!auth.has_foreign_hashes ||
		!auth_guard_hold(x, x->judged_ms + steps * AUTH_REFUSAL_STEP_MS,
			refuse_denied))
		refuse_denied(x);
}

/* After the proof: nobody else learns when the owner was here. */
void
auth_check_let_in(struct auth_exchange *x)
{
	if (is_long_enough_ago(x->account.name))
		grant(x);
	else
		auth_refuse(x, ERR_TOO_SOON);
}

void
auth_check_finish(struct auth_exchange *x, enum outcome outcome)
{
	auth_guard_end(x, outcome);
	if (!x->client->channel || x->is_cancelled)
		auth_exchange_free(x);
	else if (outcome == OK)
		auth_check_let_in(x);
	else if (outcome == ERR_DENIED && x->is_token)
		auth_token_refuse(x);
	else if (outcome == ERR_DENIED)
		deny(x);
	else
		auth_refuse(x, outcome);
}

/* Hashing takes its time: the password may have changed meanwhile. */
static enum outcome
may_still_enter(struct auth_exchange *x, uint64_t generation)
{
	enum outcome outcome = x->is_pam ? OK : auth_check_find_all(x);

	return outcome == OK ? may_enter(x, generation) : outcome;
}

void
auth_checked(struct auth_exchange *x)
{
	enum outcome outcome = x->outcome;
	uint64_t generation = 0;

	if (outcome == OK)
		generation =
			x->is_pam ? PAM_GENERATION
				  : x->account.credentials[x->which].generation;
	/* What PAM finds wrong now may be right in a minute: nobody tells us of
	   a new password. */
	if (outcome == OK || (outcome == ERR_DENIED && !x->is_pam))
		password_cache_put(cache_of(x), &x->proof, generation,
			clock_monotonic_ms());
	if (outcome == OK)
		outcome = may_still_enter(x, generation);
	if (outcome == OK)
		auth_upgrade_keep(x, generation);
	auth_check_finish(x, outcome);
}

/* Nothing holds it back: what is known of the password is cheap to ask. */
static void
judge(struct auth_exchange *x)
{
	enum password_verdict verdict;
	bool is_fresh = x->is_fresh;
	uint64_t generation = 0;

	x->is_fresh = false;
	x->judged_ms = clock_monotonic_ms();
	if ((!is_fresh && auth_check_find_all(x) != OK) || !prove(x)) {
		auth_refuse(x, ERR_TRY_LATER);
		return;
	}
	verdict = password_cache_find(
		cache_of(x), &x->proof, x->judged_ms, &generation);
	if (verdict != PASSWORD_UNKNOWN) {
		auth_guard_begin(x);
		auth_check_finish(x, verdict == PASSWORD_RIGHT
					     ? may_enter(x, generation)
					     : ERR_DENIED);
	} else if (!auth_pool_submit(x)) {
		auth_refuse(x, ERR_TRY_LATER);
	}
}

static void
go_on(struct auth_system *system)
{
	struct auth_exchange *x =
		table_object(system, struct auth_exchange, system);
	enum outcome outcome = auth_check_find_all(x);

	x->stage = AUTH_TALKING;
	if (outcome == OK) {
		x->is_fresh = true;
		auth_guard_admit(x, judge);
	} else if (auth_system_wait(system, go_on)) {
		x->stage = AUTH_FINDING;
	} else {
		auth_refuse(x, ERR_TRY_LATER);
	}
}

void
auth_check(struct auth_exchange *x, struct bytes user, struct bytes password)
{
	auth_set_tried(x, user);
	if (secret_set(&x->password, password))
		go_on(&x->system);
	else
		auth_refuse(x, ERR_TRY_LATER);
}
