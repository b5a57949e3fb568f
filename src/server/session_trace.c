/* SPDX-License-Identifier: ISC */
#include "server/session_trace.h"
#include "accounts/accounts.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct traced {
	char user[ACCOUNT_NAME_SIZE];
	uint64_t until_ms;
	uint64_t octets; /* written */
};

static struct {
	struct traced users[TRACES_MAXIMUM];
	size_t count;
	bool is_watching; /* connections have observers */
} traces;

/* Of a connection, while anybody is traced. */
struct connection_trace {
	struct pop3_observer observer;
	struct pop3_connection *connection;
	struct buffer held;	      /* lines of nobody yet */
	char user[ACCOUNT_NAME_SIZE]; /* "": nobody yet */
};

static struct traced *
find(const char *user)
{
	for (size_t i = 0; i < traces.count; i++)
		if (strcmp(traces.users[i].user, user) == 0)
			return &traces.users[i];
	return NULL;
}

/* ---- lines ---- */

static void end_one(struct traced *traced, const char *why);

static void
write_line(const struct connection_trace *t, const char *line)
{
	const struct connection *c = &t->connection->base;
	struct traced *traced = find(t->user);
	char quoted[LOG_QUOTED_OCTETS];

	if (!traced)
		return;
	log_event(LOG_LEVEL_INFO, "trace", "id=%s addr=%s user=%s %s", c->id,
		c->peer, log_quote(quoted, bytes_of_string(t->user)), line);
	traced->octets += strlen(line);
	if (traced->octets > TRACE_OCTETS_MAXIMUM)
		end_one(traced, "full");
}

/* Lines that wait are strings, one behind the other. */
static void
write_held(struct connection_trace *t)
{
	struct bytes held = buffer_bytes(&t->held);

	while (held.octets > 0) {
		size_t octets = strnlen((const char *)held.at, held.octets);

		write_line(t, (const char *)held.at);
		held = bytes_after(held, octets + 1);
	}
	buffer_clear(&t->held);
	buffer_trim(&t->held);
}

static void
seen(void *context, bool is_clients, struct bytes shown, size_t hidden_octets)
{
	struct connection_trace *t = context;
	char line[LOG_QUOTED_OCTETS + 64], quoted[LOG_QUOTED_OCTETS];

	snprintf(line, sizeof(line), "from=%s line=%s hidden=%zu",
		is_clients ? "client" : "server", log_quote(quoted, shown),
		hidden_octets);
	if (t->user[0])
		write_line(t, line);
	else if (buffer_room(&t->held) > strlen(line))
		buffer_append(&t->held, line, strlen(line) + 1);
}

/* ---- connections ---- */

void
session_trace_begin(struct pop3_connection *p)
{
	struct connection_trace *t;

	if (traces.count == 0 || p->trace)
		return;
	t = calloc(1, sizeof(*t));
	if (!t)
		return;
	t->observer = (struct pop3_observer){seen, t};
	t->connection = p;
	buffer_init(&t->held, TRACE_HELD_MAXIMUM);
	p->trace = t;
	traces.is_watching = true;
	pop3_session_observe(p->session, &t->observer);
}

void
session_trace_known(struct pop3_connection *p, const char *user)
{
	struct connection_trace *t = p->trace;
	bool is_new = t && strcmp(t->user, user) != 0;

	if (!is_new)
		return;
	t->user[0] = '\0';
	if (find(user))
		snprintf(t->user, sizeof(t->user), "%s", user);
	if (t->user[0])
		write_held(t);
	buffer_clear(&t->held);
	buffer_trim(&t->held);
}

void
session_trace_end(struct pop3_connection *p)
{
	if (!p->trace)
		return;
	pop3_session_observe(p->session, NULL);
	buffer_release(&p->trace->held);
	free(p->trace);
	p->trace = NULL;
}

/* ---- who is traced ---- */

static void
begin_each(struct connection *c, const void *context)
{
	struct pop3_connection *p = pop3_of(c);

	if (c->protocol != &protocol_pop3)
		return;
	session_trace_begin(p);
	if (p->mailbox)
		session_trace_known(p, p->mailbox);
}

static void
end_each(struct connection *c, const void *context)
{
	if (c->protocol == &protocol_pop3)
		session_trace_end(pop3_of(c));
}

static void
stop_watching(void)
{
	if (traces.count > 0 || !traces.is_watching)
		return;
	traces.is_watching = false;
	session_role_each(end_each, NULL);
}

/* Connections keep what is theirs until somebody looks: this may be called from
   the middle of one. */
static void
end_one(struct traced *traced, const char *why)
{
	char quoted[LOG_QUOTED_OCTETS];

	log_event(LOG_LEVEL_INFO, "trace-ended", "user=%s why=%s octets=%llu",
		log_quote(quoted, bytes_of_string(traced->user)), why,
		(unsigned long long)traced->octets);
	*traced = traces.users[--traces.count];
}

static void
begin_one(const char *user, uint64_t until_ms)
{
	struct traced *traced = find(user);

	if (!traced && traces.count == TRACES_MAXIMUM)
		return;
	if (!traced) {
		traced = &traces.users[traces.count++];
		*traced = (struct traced){0};
		snprintf(traced->user, sizeof(traced->user), "%s", user);
	}
	traced->until_ms = until_ms;
	session_role_each(begin_each, NULL);
}

bool
session_trace_take(struct message *message)
{
	struct message_reader reader;
	char user[ACCOUNT_NAME_SIZE];
	uint32_t seconds;

	message_reader_init(&reader, message);
	message_get_string(&reader, user, sizeof(user));
	seconds = message_get_u32(&reader);
	if (!message_reader_finish(&reader) ||
		seconds > TRACE_SECONDS_MAXIMUM || !user[0])
		return false;
	if (seconds > 0)
		begin_one(user, clock_monotonic_ms() + seconds * 1000ull);
	else if (find(user))
		end_one(find(user), "off");
	stop_watching();
	return true;
}

void
session_trace_tick(uint64_t now_ms)
{
	for (size_t i = 0; i < traces.count;)
		if (traces.users[i].until_ms <= now_ms)
			end_one(&traces.users[i], "time");
		else
			i++;
	stop_watching();
}
