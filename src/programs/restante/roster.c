/* SPDX-License-Identifier: ISC */
/* The accounts of fetch --daemon: each has its turn. */
#include "base/clock.h"
#include "programs/restante/daemon.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void on_turn(uv_timer_t *timer);

/* ---- the end ---- */

static void
release(struct roster *roster)
{
	for (size_t i = 0; i < roster->count; i++)
		secret_release(&roster->turns[i].password);
	engine_free(&roster->engine);
	report_release(&roster->report);
	collect_settings_release(&roster->settings);
	free(roster->turns);
	free(roster);
}

static void
free_roster(struct roster *roster)
{
	struct daemon *daemon = roster->daemon;

	release(roster);
	if (--daemon->rosters == 0 && !daemon->roster)
		daemon_over(daemon);
}

static void
on_closed(uv_handle_t *handle)
{
	struct roster *roster = ((struct turn *)handle->data)->roster;

	if (--roster->open_timers == 0)
		free_roster(roster);
}

/* The engine gives a run's memory back a moment after it has ended. */
static void
on_idle(uv_timer_t *timer)
{
	struct roster *roster = ((struct turn *)timer->data)->roster;

	if (engine_count(roster->engine) > 0) {
		uv_timer_start(timer, on_idle, 1, 0);
		return;
	}
	for (size_t i = 0; i < roster->count; i++)
		uv_close((uv_handle_t *)&roster->turns[i].timer, on_closed);
}

static void
free_when_idle(struct roster *roster)
{
	for (size_t i = 0; i < roster->count; i++)
		if (roster->turns[i].is_running)
			return;
	if (roster->count == 0)
		free_roster(roster);
	else
		uv_timer_start(&roster->turns[0].timer, on_idle, 0, 0);
}

void
roster_end(struct roster **roster, bool stops)
{
	struct roster *r = *roster;

	*roster = NULL;
	r->is_over = true;
	for (size_t i = 0; i < r->count; i++)
		uv_timer_stop(&r->turns[i].timer);
	if (stops)
		engine_stop(r->engine);
	free_when_idle(r);
}

/* ---- turns ---- */

static void
wait_for_turn(struct turn *turn, uint64_t wait_ms)
{
	turn->next_seconds = clock_wall_seconds() + wait_ms / 1000;
	uv_timer_start(&turn->timer, on_turn, wait_ms, 0);
	report_next(
		&turn->roster->report, turn->account->name, turn->next_seconds);
}

static void
plan_next(struct turn *turn)
{
	uint64_t random = 0, interval = turn->account->interval_seconds;

	turn->next_seconds = 0;
	if (turn->roster->is_over)
		return;
	if (turn->wants_again) {
		turn->wants_again = false;
		wait_for_turn(turn, 0);
		return;
	}
	if (interval == 0)
		return;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = clock_monotonic_ms();
	wait_for_turn(turn, schedule_wait_ms(interval, turn->failures, random));
}

static void
on_ended(struct turn *turn, const struct engine_event *event)
{
	struct roster *roster = turn->roster;
	struct daemon *daemon = roster->daemon;

	turn->is_running = false;
	turn->failures = event->outcome == OK ? 0 : turn->failures + 1;
	daemon->stored_messages += event->stored_messages;
	plan_next(turn);
	if (roster->is_over)
		free_when_idle(roster);
	daemon_tell(daemon);
}

static void
on_event(const struct engine_event *event, void *context)
{
	struct roster *roster = context;
	size_t index = 0;

	report_event(&roster->report, event);
	if (event->kind != ENGINE_ENDED)
		return;
	while (roster->turns[index].account->name != event->account)
		index++;
	on_ended(&roster->turns[index], event);
}

static void
begin(struct turn *turn)
{
	struct roster *roster = turn->roster;
	struct secret password = {0};
	struct engine_account account = {turn->account, &password, NULL};

	turn->is_running = true; /* it may have ended when it has begun */
	turn->next_seconds = 0;
	report_begin(&roster->report, turn->account);
	if ((turn->password.octets > 0 &&
		    !secret_set(&password, secret_bytes(&turn->password))) ||
		!engine_begin(roster->engine, &account)) {
		complain(0, "%s: no memory", turn->account->name);
		secret_release(&password);
		turn->is_running = false;
		turn->failures++;
		plan_next(turn);
	}
	daemon_tell(roster->daemon);
}

static void
on_turn(uv_timer_t *timer)
{
	begin(timer->data);
}

void
roster_collect(struct roster *roster)
{
	for (size_t i = 0; i < roster->count; i++) {
		struct turn *turn = &roster->turns[i];

		turn->failures = 0;
		if (turn->is_running)
			turn->wants_again = true;
		else
			wait_for_turn(turn, 0);
	}
}

/* ---- the beginning ---- */

static const struct turn *
turn_before(const struct roster *before, const char *name)
{
	for (size_t i = 0; before && i < before->count; i++)
		if (strcmp(before->turns[i].account->name, name) == 0)
			return &before->turns[i];
	return NULL;
}

/* What was due stays due; a password that was given stays known. */
static void
add_turn(struct roster *roster, const struct collect_account *account,
	const struct roster *before)
{
	struct turn *turn = &roster->turns[roster->count++];
	const struct turn *old = turn_before(before, account->name);
	uint64_t now = clock_wall_seconds(), wait_ms = 0;

	turn->roster = roster;
	turn->account = account;
	turn->timer.data = turn;
	uv_timer_init(&roster->daemon->loop, &turn->timer);
	roster->open_timers++;
	if (old && account_asks_password(account))
		secret_set(&turn->password, secret_bytes(&old->password));
	else if (!before)
		fetch_ask_password(account, &turn->password);
	/* The run of before goes on, under its lock. */
	if (old && old->is_running) {
		plan_next(turn);
		return;
	}
	if (old && old->next_seconds > now &&
		old->account->interval_seconds == account->interval_seconds)
		wait_ms = (old->next_seconds - now) * 1000;
	wait_for_turn(turn, wait_ms);
}

static bool
open_engine(struct roster *roster)
{
	account_expand(
		roster->settings.state, roster->state, sizeof(roster->state));
	roster->options = (struct engine_options){
		.state = roster->state,
		.is_retry = roster->daemon->arguments->is_retry,
		.rules = &roster->settings.rules,
		.on_event = on_event,
		.context = roster,
	};
	roster->engine = engine_new(&roster->daemon->loop, &roster->options,
		roster->daemon->ledger);
	return roster->engine != NULL;
}

struct roster *
roster_new_take(struct daemon *daemon, struct collect_settings *settings,
	const struct roster *before)
{
	struct roster *roster = calloc(1, sizeof(*roster));
	size_t count = settings->count;

	if (!roster) {
		collect_settings_release(settings);
		return NULL;
	}
	roster->daemon = daemon;
	roster->settings = *settings;
	*settings = (struct collect_settings){0};
	roster->turns = calloc(count + 1, sizeof(*roster->turns));
	if (!report_init(
		    &roster->report, daemon->arguments, &roster->settings) ||
		!roster->turns || !open_engine(roster)) {
		release(roster);
		return NULL;
	}
	daemon->rosters++;
	for (size_t i = 0; i < count; i++)
		if (fetch_is_wanted(daemon->arguments,
			    roster->settings.accounts[i].name))
			add_turn(roster, &roster->settings.accounts[i], before);
	return roster;
}
