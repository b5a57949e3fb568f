/* SPDX-License-Identifier: ISC */
/* Whom the operator wants to watch. Auth knows who a name is, and tells it to
   the session processes, which look after the time themselves. */
#include "base/clock.h"
#include "base/log.h"
#include "server/auth_state.h"

#include <stdio.h>
#include <string.h>

static struct {
	struct {
		char user[ACCOUNT_NAME_SIZE];
		uint64_t until_ms;
	} users[TRACES_MAXIMUM];
	size_t count;
} traces;

static void
forget_those_over(uint64_t now_ms)
{
	for (size_t i = 0; i < traces.count;)
		if (traces.users[i].until_ms <= now_ms)
			traces.users[i] = traces.users[--traces.count];
		else
			i++;
}

static uint32_t
seconds_left(size_t which, uint64_t now_ms)
{
	return (uint32_t)((traces.users[which].until_ms - now_ms + 999) / 1000);
}

/* ---- telling ---- */

static void
tell_client(struct auth_client *client, const char *user, uint32_t seconds)
{
	struct message message;

	message_init(&message, MESSAGE_TRACE, 0);
	message_put_string(&message, user);
	message_put_u32(&message, seconds);
	if (client->channel)
		channel_send(client->channel, &message);
	message_release(&message);
}

void
auth_trace_greet(struct auth_client *client)
{
	uint64_t now_ms = clock_monotonic_ms();

	forget_those_over(now_ms);
	for (size_t i = 0; i < traces.count; i++)
		tell_client(
			client, traces.users[i].user, seconds_left(i, now_ms));
}

void
auth_trace_tell_web(uint64_t request, const char *error)
{
	uint64_t now_ms = clock_monotonic_ms();
	struct message message;

	forget_those_over(now_ms);
	message_init(&message, MESSAGE_TRACES_TOLD, request);
	message_put_string(&message, error);
	message_put_u32(&message, (uint32_t)traces.count);
	for (size_t i = 0; i < traces.count; i++) {
		message_put_string(&message, traces.users[i].user);
		message_put_u32(&message, seconds_left(i, now_ms));
	}
	if (auth.web)
		channel_send(auth.web, &message);
	message_release(&message);
}

/* ---- switching ---- */

static size_t
find(const char *user)
{
	size_t i = 0;

	while (i < traces.count && strcmp(traces.users[i].user, user) != 0)
		i++;
	return i;
}

static void
switch_to(const char *user, uint32_t seconds)
{
	uint64_t now_ms = clock_monotonic_ms();
	char quoted[LOG_QUOTED_OCTETS];
	size_t i = find(user);

	if (seconds == 0 && i < traces.count) {
		traces.users[i] = traces.users[--traces.count];
	} else if (seconds > 0) {
		snprintf(traces.users[i].user, ACCOUNT_NAME_SIZE, "%s", user);
		traces.users[i].until_ms = now_ms + seconds * 1000ull;
		traces.count += i == traces.count;
	}
	log_event(LOG_LEVEL_WARNING, "trace-switched", "user=%s seconds=%u",
		log_quote(quoted, bytes_of_string(user)), seconds);
	for (struct auth_client *c = auth.clients; c; c = c->next)
		tell_client(c, user, seconds);
}

/* An alias is whom it leads to. False: nobody. */
static bool
find_user(const char *name, char out[ACCOUNT_NAME_SIZE])
{
	struct account account = {0};
	enum outcome outcome =
		auth_account_find(bytes_of_string(name), NULL, &account);

	if (outcome == OK)
		snprintf(out, ACCOUNT_NAME_SIZE, "%s", account.name);
	account_release(&account);
	/* Of users of the system PAM alone knows. */
	return outcome == OK ||
	       (outcome == ERR_DENIED && auth.has_pam &&
		       accounts_name(&auth.naming, bytes_of_string(name), out));
}

static const char *
carry_out(enum trace_how how, const char *name, uint32_t seconds)
{
	char user[ACCOUNT_NAME_SIZE];

	if (how == TRACE_LIST)
		return "";
	if (!find_user(name, user))
		return "no such user";
	forget_those_over(clock_monotonic_ms());
	if (how == TRACE_OFF) {
		switch_to(user, 0);
		return "";
	}
	if (auth.boot->settings.log_level < LOG_LEVEL_INFO)
		return "log-level hides it: lines of a trace are info";
	if (find(user) == TRACES_MAXIMUM)
		return "too many users are traced, end one first";
	switch_to(user, seconds);
	return "";
}

bool
auth_trace_on_web(struct message *message)
{
	char name[ACCOUNT_NAME_SIZE];
	struct message_reader reader;
	enum trace_how how;
	uint32_t seconds;

	message_reader_init(&reader, message);
	how = message_get_u8(&reader);
	message_get_string(&reader, name, sizeof(name));
	seconds = message_get_u32(&reader);
	if (!message_reader_finish(&reader) || how > TRACE_OFF ||
		(seconds == 0) != (how != TRACE_ON) ||
		seconds > TRACE_SECONDS_MAXIMUM)
		return false;
	auth_trace_tell_web(message->subject, carry_out(how, name, seconds));
	return true;
}
