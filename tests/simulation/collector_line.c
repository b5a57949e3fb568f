/* SPDX-License-Identifier: ISC */
/* collect/connection.h on the simulated network. */
#include "chance.h"
#include "clock.h"
#include "collector.h"
#include "network.h"

#include "collect/connection.h"

#include <stdlib.h>
#include <string.h>

struct connection {
	struct wire *wire;
	const struct connection_events *events;
	void *context;
	struct buffer output;
	struct event event; /* the next thing to tell */
	struct event silence;
	uint64_t silence_ns, answers;
	bool is_open, was_silent, is_awaited, is_closed, has_failed;
};

#define OUTPUT_OCTETS 1000000

/* One account is collected at a time. */
static struct connection *the_line;

static void
fail(struct connection *c, const char *reason)
{
	if (c->has_failed || c->is_closed)
		return;
	c->has_failed = true;
	event_stop(&c->silence);
	c->events->failed(c->context, ERR_GONE, reason);
}

static void
flush(struct connection *c)
{
	buffer_consume(
		&c->output, wire_send(c->wire, buffer_bytes(&c->output)));
}

static void
on_woken(void *context)
{
	struct connection *c = context;
	unsigned char octets[4096];
	struct bytes in = wire_received(c->wire);

	if (!c->is_open || c->has_failed)
		return;
	if (in.octets > sizeof(octets))
		in.octets = sizeof(octets);
	if (in.octets > 0) {
		for (size_t i = 0; i < in.octets; i++)
			octets[i] = in.at[i];
		wire_take(c->wire, in.octets);
		if (c->silence.place != 0)
			event_start(&c->silence, c->silence_ns);
		c->events->received(c->context, bytes_of(octets, in.octets));
		/* It may have closed it; then the event frees it. */
		if (!c->is_closed && !c->has_failed)
			event_start(&c->event, 0);
		return;
	}
	flush(c);
	if (wire_is_over(c->wire))
		fail(c, "the server closed the connection");
}

static void
free_line(struct connection *c)
{
	const struct connection_events *events = c->events;
	void *context = c->context;

	the_line = NULL;
	event_stop(&c->event);
	event_stop(&c->silence);
	buffer_release(&c->output);
	free(c);
	events->closed(context);
}

static void
on_event(void *context)
{
	struct connection *c = context;

	if (c->is_closed) {
		free_line(c);
	} else if (!c->is_open) {
		c->is_open = true;
		c->events->opened(c->context);
		if (!c->is_closed)
			event_start(&c->event, 0);
	} else {
		on_woken(c);
	}
}

static void
on_silence(void *context)
{
	struct connection *c = context;

	c->was_silent = true;
	fail(c, "the server said nothing for too long");
}

struct connection *
connection_open(uv_loop_t *loop, const struct connection_options *options,
	const struct connection_events *events, void *context)
{
	struct connection *c;

	if (collector_process.is_dead)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c || the_line)
		abort();
	the_line = c;
	c->events = events;
	c->context = context;
	c->silence_ns = options->silence_seconds * SECOND;
	buffer_init(&c->output, OUTPUT_OCTETS);
	event_init(&c->event, on_event, c);
	event_init(&c->silence, on_silence, c);
	c->wire = wire_connect(PORT_POP3, on_woken, c);
	event_start(&c->event, chance_between(MILLISECOND, SECOND));
	return c;
}

void
connection_send(struct connection *c, struct buffer *from)
{
	struct bytes octets = buffer_bytes(from);

	if (collector_process.is_dead)
		buffer_clear(from);
	else if (octets.octets > 0 &&
		 memmem(octets.at, octets.octets, "QUIT\r\n", 6))
		collector_quits();
	if (!buffer_append_bytes(&c->output, buffer_bytes(from)))
		abort();
	buffer_clear(from);
	flush(c);
}

void
connection_start_tls(struct connection *c)
{
	abort(); /* nobody offers it */
}

void
connection_expect(struct connection *c, bool is_awaited, uint64_t answers)
{
	if (c->has_failed || c->is_closed)
		return;
	if (!is_awaited)
		event_stop(&c->silence);
	else if (c->silence.place == 0 || answers != c->answers)
		event_start(&c->silence, c->silence_ns);
	c->answers = answers;
}

bool
connection_was_silent(const struct connection *c)
{
	return c->was_silent;
}

void
connection_close(struct connection **connection)
{
	struct connection *c = *connection;

	if (!c)
		return;
	*connection = NULL;
	c->is_closed = true;
	event_stop(&c->silence);
	wire_close(&c->wire);
	event_start(&c->event, 0);
}

const char *
connection_tls_description(const struct connection *c)
{
	return "";
}

bool
connection_exporter(struct connection *c, unsigned char out[32])
{
	return false;
}

void
lines_break(void)
{
	struct connection *c = the_line;

	if (!c)
		return;
	if (c->wire)
		wire_break(&c->wire, chance_one_in(2));
	fail(c, "the process is dead");
	if (the_line)
		free_line(c);
}
