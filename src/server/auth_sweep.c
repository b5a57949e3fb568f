/* SPDX-License-Identifier: ISC */
/*
 * Once an hour store is told whose mail has a retention: also who never logs in
 * has a right to it. A few names at a time, so that no queue grows.
 */
#include "base/log.h"
#include "server/auth_state.h"

#include <stdlib.h>
#include <string.h>

#define ROUND_MS      3600000
#define STEP_MS	      1000
#define STEP_NAMES    100
#define NAMES_MAXIMUM 16000000

static struct {
	uv_timer_t timer;
	char **names; /* still to be told, from the end */
	size_t count, capacity;
	bool is_started;
} sweep;

static bool
add_name(const char *name)
{
	size_t capacity = sweep.capacity * 2 + 64;
	char **more = sweep.names;

	if (sweep.count == sweep.capacity) {
		more = capacity <= NAMES_MAXIMUM
			       ? realloc(more, capacity * sizeof(*more))
			       : NULL;
		if (!more)
			return false;
		sweep.names = more;
		sweep.capacity = capacity;
	}
	sweep.names[sweep.count] = strdup(name);
	if (!sweep.names[sweep.count])
		return false;
	sweep.count++;
	return true;
}

static bool
each_account(const struct account *account, void *context)
{
	struct policy policy =
		server_settings_policy(&auth.boot->settings, account->name);

	return policy.retention_seconds == 0 || add_name(account->name);
}

static void
collect_names(void)
{
	for (size_t i = 0; i < auth.source_count; i++)
		if (auth.sources[i])
			auth.sources[i]->ops->list(
				auth.sources[i], each_account, NULL);
}

static bool
tell(const char *name)
{
	struct message message;
	bool is_sent;

	message_init(&message, MESSAGE_SWEEP, 0);
	message_put_string(&message, name);
	is_sent = auth.store && channel_send(auth.store, &message) == OK;
	message_release(&message);
	return is_sent;
}

static void
on_timer(uv_timer_t *timer)
{
	if (sweep.count == 0)
		collect_names();
	for (unsigned i = 0; i < STEP_NAMES && sweep.count > 0; i++) {
		char *name = sweep.names[sweep.count - 1];

		if (!tell(name))
			break;
		free(name);
		sweep.count--;
	}
	uv_timer_start(
		timer, on_timer, sweep.count > 0 ? STEP_MS : ROUND_MS, 0);
}

static void
look_at(const struct policy *policy, void *context)
{
	bool *is_any = context;

	*is_any = *is_any || policy->retention_seconds > 0;
}

void
auth_sweep_start(void)
{
	bool is_any = false;

	server_settings_each_policy(&auth.boot->settings, look_at, &is_any);
	if (!is_any || sweep.is_started)
		return;
	sweep.is_started = true;
	uv_timer_init(&auth.loop, &sweep.timer);
	uv_timer_start(&sweep.timer, on_timer, STEP_MS, 0);
}
