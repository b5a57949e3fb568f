/* SPDX-License-Identifier: ISC */
/* Attempts to log in that wait because of those that failed before them. */
#include "base/clock.h"
#include "base/log.h"
#include "server/auth_role.h"
#include "server/auth_state.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static struct {
	struct auth_exchange *first; /* in no order */
	size_t count;
	uint64_t due_ms; /* of the timer */
	uv_timer_t timer;
} waiting;

static struct penalty_attempt
attempt_of(const struct auth_exchange *x)
{
	return (struct penalty_attempt){.network = x->network,
		.account = x->subject,
		.arrived_ms = x->arrived_ms};
}

/* ---- the list ---- */

static void
unlink_waiting(struct auth_exchange *x)
{
	if (x->previous)
		x->previous->next = x->next;
	else
		waiting.first = x->next;
	if (x->next)
		x->next->previous = x->previous;
	x->previous = x->next = NULL;
	x->stage = AUTH_TALKING;
	waiting.count--;
}

void
auth_guard_forget(struct auth_exchange *x)
{
	if (x->stage == AUTH_WAITING)
		unlink_waiting(x);
}

static void on_due(uv_timer_t *timer);

static void
set_timer(uint64_t due_ms, uint64_t now_ms)
{
	waiting.due_ms = due_ms;
	uv_timer_start(&waiting.timer, on_due,
		due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

/* False: as many wait as may. */
static bool
wait_until(struct auth_exchange *x, uint64_t due_ms, uint64_t now_ms)
{
	if (waiting.count >= AUTH_WAITING_MAXIMUM)
		return false;
	x->stage = AUTH_WAITING;
	account_release(&x->account);
	x->due_ms = due_ms;
	x->next = waiting.first;
	if (x->next)
		x->next->previous = x;
	waiting.first = x;
	waiting.count++;
	if (waiting.count == 1 || due_ms < waiting.due_ms)
		set_timer(due_ms, now_ms);
	return true;
}

static void
try_again(struct auth_exchange *x, uint64_t now_ms)
{
	struct penalty_attempt attempt = attempt_of(x);
	uint64_t wait_ms = 0;

	if (!x->is_held)
		wait_ms = penalties_wait_ms(auth.penalties, &attempt, now_ms);
	if (wait_ms == 0) {
		unlink_waiting(x);
		x->is_fresh = false;
		x->admitted(x);
	} else {
		x->due_ms = now_ms + wait_ms;
	}
}

static void
on_due(uv_timer_t *timer)
{
	uint64_t now_ms = clock_monotonic_ms(), due_ms = UINT64_MAX;
	struct auth_exchange *next;

	/* One that is admitted may end or wait anew, at the front; it takes
	   none but itself off the list. */
	for (struct auth_exchange *x = waiting.first; x; x = next) {
		next = x->next;
		if (x->due_ms <= now_ms)
			try_again(x, now_ms);
	}
	for (struct auth_exchange *x = waiting.first; x; x = x->next)
		due_ms = x->due_ms < due_ms ? x->due_ms : due_ms;
	if (waiting.first)
		set_timer(due_ms, now_ms);
}

/* ---- for the others ---- */

bool
auth_guard_init(void)
{
	const struct server_settings *settings = &auth.boot->settings;
	unsigned char key[SIPHASH_KEY_OCTETS];

	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return false;
	uv_timer_init(&auth.loop, &waiting.timer);
	auth.penalties = penalties_new(key);
	auth.cache = password_cache_new(settings->cache_seconds * 1000);
	auth.pam_cache = password_cache_new(settings->pam.cache_seconds * 1000);
	return auth.penalties && auth.cache && auth.pam_cache;
}

void
auth_guard_renew(void)
{
	password_cache_set_keep(
		auth.cache, auth.boot->settings.cache_seconds * 1000);
}

static void
set_network(struct auth_exchange *x)
{
	struct address address;

	if (address_parse(bytes_of_string(x->address), &address))
		address_network_text(&address, x->network);
	else
		snprintf(x->network, sizeof(x->network), "%s", x->address);
}

void
auth_guard_admit(struct auth_exchange *x,
	void (*admitted)(struct auth_exchange *exchange))
{
	uint64_t now_ms = clock_monotonic_ms(), wait_ms;
	struct penalty_attempt attempt;

	if (!x->network[0]) {
		set_network(x);
		x->arrived_ms = now_ms;
	}
	snprintf(x->subject, sizeof(x->subject), "%s", x->account.name);
	x->admitted = admitted;
	x->is_held = false;
	attempt = attempt_of(x);
	wait_ms = penalties_wait_ms(auth.penalties, &attempt, now_ms);
	if (wait_ms == 0)
		admitted(x);
	else if (!wait_until(x, now_ms + wait_ms, now_ms))
		auth_refuse(x, ERR_TRY_LATER);
}

bool
auth_guard_hold(struct auth_exchange *x, uint64_t due_ms,
	void (*admitted)(struct auth_exchange *exchange))
{
	x->is_held = true;
	x->admitted = admitted;
	return wait_until(x, due_ms, clock_monotonic_ms());
}

bool
auth_guard_is_free(const struct auth_exchange *x)
{
	struct penalty_attempt attempt = attempt_of(x);

	return penalties_wait_ms(
		       auth.penalties, &attempt, clock_monotonic_ms()) == 0;
}

void
auth_guard_begin(struct auth_exchange *x)
{
	struct penalty_attempt attempt = attempt_of(x);

	penalties_begin(auth.penalties, &attempt, clock_monotonic_ms());
}

void
auth_guard_end(struct auth_exchange *x, enum outcome outcome)
{
	struct penalty_attempt attempt = attempt_of(x);
	char quoted[LOG_QUOTED_OCTETS], id[SESSION_ID_SIZE];
	uint64_t proof;

	memcpy(&proof, x->proof.octets, sizeof(proof));
	penalties_end(
		auth.penalties, &attempt, outcome, proof, clock_monotonic_ms());
	if (outcome == ERR_DENIED)
		log_event(LOG_LEVEL_WARNING, "auth-failed",
			"id=%s addr=%s user=%s", auth_session_id(x, id),
			x->address,
			log_quote(quoted, bytes_of_string(x->account.name)));
}

unsigned
auth_guard_class(struct auth_exchange *x)
{
	struct penalty_attempt attempt = attempt_of(x);
	uint64_t now_ms = clock_monotonic_ms();

	if (penalties_is_known(auth.penalties, &attempt, now_ms))
		return 0;
	return penalties_is_clean(auth.penalties, &attempt, now_ms) ? 1 : 2;
}
