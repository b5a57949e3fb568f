/* SPDX-License-Identifier: ISC */
/* A connection of the session process, whatever it speaks. */
#include "served.h"
#include "chance.h"
#include "trace.h"

#include <stdlib.h>

#define IN_OCTETS	    4096
#define OUT_OCTETS	    8192
#define CONNECTIONS_MAXIMUM 64

static struct served *all;
static unsigned count;

static void
free_when_over(struct served *served)
{
	if (served->wire || served->calls > 0)
		return;
	*served->back = served->next;
	if (served->next)
		served->next->back = served->back;
	served->protocol->release(served);
	buffer_release(&served->in);
	buffer_release(&served->out);
	free(served);
	count--;
}

static void
end(struct served *served, bool is_broken, bool is_told)
{
	trace("session", "%s %llu ends", served->protocol->name,
		(unsigned long long)served->number);
	event_stop(&served->idle);
	event_stop(&served->pump);
	if (is_broken)
		wire_break(&served->wire, is_told);
	else
		wire_close(&served->wire);
	served->protocol->end(served);
	free_when_over(served);
}

void
served_call_begins(struct served *served)
{
	served->calls++;
}

bool
served_call_ended(struct served *served)
{
	served->calls--;
	if (served->wire && !office.is_store_dying) {
		event_start(&served->pump, 0);
		return true;
	}
	if (!served->wire && !office.is_store_dying)
		free_when_over(served);
	return false;
}

/* ---- driving ---- */

static bool
drain(struct served *served)
{
	size_t sent = wire_send(served->wire, buffer_bytes(&served->out));

	buffer_consume(&served->out, sent);
	return sent > 0;
}

/* False: there is nothing, for now. */
static bool
read_more(struct served *served)
{
	struct bytes octets = wire_received(served->wire);
	size_t room = buffer_room(&served->in);

	if (octets.octets > room)
		octets.octets = room;
	if (octets.octets == 0)
		return false;
	buffer_append_bytes(&served->in, octets);
	wire_take(served->wire, octets.octets);
	event_start(&served->idle, SERVED_IDLE_NS);
	return true;
}

static enum advance
advance(struct served *served)
{
	struct bytes in = buffer_bytes(&served->in);
	size_t before = in.octets;
	enum advance result = served->protocol->advance(served, &in);

	buffer_consume(&served->in, before - in.octets);
	if (result == ADVANCE_CLOSE)
		served->is_closing = true;
	return result;
}

/* False: it waits for somebody, or has ended. */
static bool
go_on(struct served *served)
{
	drain(served);
	if (served->is_closing && served->out.octets > 0)
		return false;
	if (served->is_closing) {
		end(served, false, true);
		return false;
	}
	switch (advance(served)) {
	case ADVANCE_READ:
		if (read_more(served))
			return true;
		drain(served);
		/* What came before the end was carried out. */
		if (wire_is_over(served->wire))
			end(served, false, true);
		return false;
	case ADVANCE_WRITE:
		return drain(served);
	case ADVANCE_WAIT:
		drain(served);
		return false;
	case ADVANCE_AGAIN:
	case ADVANCE_CLOSE:
	default:
		return true;
	}
}

static void
pump(struct served *served)
{
	while (go_on(served))
		;
}

static void
on_woken(void *context)
{
	pump(context);
}

static void
on_idle(void *context)
{
	struct served *served = context;

	trace("session", "%s %llu idle", served->protocol->name,
		(unsigned long long)served->number);
	/* Who does not take what is sent is not waited for either. */
	if (served->out.octets > 0 || served->is_closing) {
		end(served, false, true);
		return;
	}
	served->protocol->expire(served);
	event_start(&served->idle, SERVED_IDLE_NS);
	pump(served);
}

static void
accept_one(const struct served_protocol *protocol, struct wire *wire)
{
	struct served *served = calloc(1, protocol->octets);

	if (!served)
		abort();
	served->protocol = protocol;
	served->number = wire_number(wire);
	served->wire = wire;
	buffer_init(&served->in, IN_OCTETS);
	buffer_init(&served->out, OUT_OCTETS);
	event_init(&served->idle, on_idle, served);
	event_start(&served->idle, SERVED_IDLE_NS);
	event_init(&served->pump, on_woken, served);
	wire_own(wire, on_woken, served);
	served->next = all;
	served->back = &all;
	if (all)
		all->back = &served->next;
	all = served;
	if (++count > CONNECTIONS_MAXIMUM)
		violation("%u connections: they are not freed", count);
	if (!protocol->start(served))
		abort();
	pump(served);
}

static void
accept_pop3(struct wire *wire)
{
	accept_one(&served_pop3, wire);
}

static void
accept_lmtp(struct wire *wire)
{
	accept_one(&served_lmtp, wire);
}

/* ---- all of them ---- */

void
served_begin(void)
{
	network_listen(PORT_POP3, accept_pop3);
	network_listen(PORT_LMTP, accept_lmtp);
}

void
served_kill_all(bool is_told)
{
	struct served *next;

	for (struct served *s = all; s; s = next) {
		next = s->next;
		if (s->wire)
			end(s, true, is_told);
	}
}

void
served_lost_store(void)
{
	struct served *next;

	for (struct served *s = all; s; s = next) {
		next = s->next;
		s->protocol->lost(s);
		if (s->wire)
			event_start(&s->pump, 0);
		else
			free_when_over(s);
	}
}

unsigned
served_count(void)
{
	return count;
}
