/* SPDX-License-Identifier: ISC */
#include "network.h"
#include "chance.h"
#include "clock.h"

#include "base/buffer.h"

#include <stdlib.h>

struct link;

struct wire {
	struct link *link;
	struct wire *other;
	void (*woken)(void *context);
	void *context;
	struct buffer under_way; /* to the other end */
	struct buffer received;
	struct event delivery, wake;
	bool is_closed; /* by its owner */
	bool is_over;
};

struct link {
	struct link *next, **back;
	struct wire ends[2];
	uint64_t number;
	uint64_t cut_after; /* octets; UINT64_MAX: never */
	bool is_dead;	    /* nothing passes, and nobody is told */
};

static struct link *links;
static uint64_t numbers;
static unsigned cuts;
static void (*listeners[PORTS])(struct wire *wire);

static uint64_t
delay(void)
{
	return chance_between(50 * MICROSECOND, 300 * MILLISECOND);
}

static void
wake(struct wire *wire)
{
	if (!wire->is_closed && wire->wake.place == 0)
		event_start(&wire->wake, 0);
}

static void
on_wake(void *context)
{
	struct wire *wire = context;

	wire->woken(wire->context);
}

static void
free_link(struct link *link)
{
	for (unsigned i = 0; i < 2; i++) {
		struct wire *wire = &link->ends[i];

		event_stop(&wire->delivery);
		event_stop(&wire->wake);
		buffer_release(&wire->under_way);
		buffer_release(&wire->received);
	}
	*link->back = link->next;
	if (link->next)
		link->next->back = link->back;
	free(link);
}

/* ---- octets ---- */

static void
hear_end(struct wire *wire)
{
	wire->is_over = true;
	wake(wire);
}

static void
cut(struct link *link)
{
	unsigned who = (unsigned)chance_below(4);

	link->is_dead = true;
	for (unsigned i = 0; i < 2; i++) {
		buffer_clear(&link->ends[i].under_way);
		if (who == 3 || who == i)
			hear_end(&link->ends[i]);
	}
}

/* How much of it comes now. */
static size_t
portion(struct link *link, size_t octets)
{
	if (!chance_one_in(3))
		octets = (size_t)chance_between(1, octets);
	if (octets > link->cut_after)
		octets = (size_t)link->cut_after;
	return octets;
}

static void
deliver(struct wire *from)
{
	struct link *link = from->link;
	struct wire *to = from->other;
	struct bytes octets = buffer_bytes(&from->under_way);

	octets.octets = portion(link, octets.octets);
	if (!to->is_closed && !buffer_append_bytes(&to->received, octets))
		abort();
	buffer_consume(&from->under_way, octets.octets);
	if (link->cut_after != UINT64_MAX)
		link->cut_after -= octets.octets;
	wake(to);
	wake(from);
	if (link->cut_after == 0)
		cut(link);
}

static void
on_delivery(void *context)
{
	struct wire *from = context;

	if (from->link->is_dead)
		buffer_clear(&from->under_way);
	if (from->under_way.octets > 0)
		deliver(from);
	if (from->under_way.octets > 0)
		event_start(&from->delivery, delay());
	else if (from->is_closed && !from->link->is_dead)
		hear_end(from->other);
	if (from->is_closed && from->other->is_closed &&
		from->under_way.octets == 0)
		free_link(from->link);
}

size_t
wire_send(struct wire *wire, struct bytes octets)
{
	size_t room = WIRE_WINDOW_OCTETS - wire->under_way.octets -
		      wire->other->received.octets;

	if (wire->is_over)
		return octets.octets;
	if (octets.octets > room)
		octets.octets = room;
	if (octets.octets == 0)
		return 0;
	if (wire->link->is_dead || wire->other->is_closed)
		return octets.octets;
	if (!buffer_append_bytes(&wire->under_way, octets))
		abort();
	if (wire->delivery.place == 0)
		event_start(&wire->delivery, delay());
	return octets.octets;
}

struct bytes
wire_received(const struct wire *wire)
{
	return buffer_bytes(&wire->received);
}

void
wire_take(struct wire *wire, size_t octets)
{
	buffer_consume(&wire->received, octets);
	wake(wire->other);
}

bool
wire_is_over(const struct wire *wire)
{
	return wire->is_over && wire->received.octets == 0;
}

/* ---- beginning and end ---- */

void
network_begin(void)
{
	numbers = 0;
	cuts = 0;
	for (unsigned i = 0; i < PORTS; i++)
		listeners[i] = NULL;
}

void
network_end(void)
{
	for (struct link *link = links, *next; link; link = next) {
		next = link->next;
		free_link(link);
	}
}

void
network_set_cuts(unsigned n)
{
	cuts = n;
	for (struct link *link = links; link && n == 0; link = link->next)
		link->cut_after = UINT64_MAX;
}

void
network_listen(enum port port, void (*accepted)(struct wire *wire))
{
	listeners[port] = accepted;
}

static struct link *
make_link(void)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		abort();
	link->number = ++numbers;
	link->cut_after = UINT64_MAX;
	if (cuts > 0 && chance_one_in(cuts))
		link->cut_after = chance_between(1, 20000);
	for (unsigned i = 0; i < 2; i++) {
		struct wire *wire = &link->ends[i];

		wire->link = link;
		wire->other = &link->ends[!i];
		buffer_init(&wire->under_way, WIRE_WINDOW_OCTETS);
		buffer_init(&wire->received, WIRE_WINDOW_OCTETS);
		event_init(&wire->delivery, on_delivery, wire);
		event_init(&wire->wake, on_wake, wire);
	}
	link->next = links;
	link->back = &links;
	if (links)
		links->back = &link->next;
	links = link;
	return link;
}

struct wire *
wire_connect(enum port port, void (*woken)(void *context), void *context)
{
	struct link *link;

	if (!listeners[port])
		return NULL;
	link = make_link();
	wire_own(&link->ends[0], woken, context);
	listeners[port](&link->ends[1]);
	return &link->ends[0];
}

void
wire_own(struct wire *wire, void (*woken)(void *context), void *context)
{
	wire->woken = woken;
	wire->context = context;
}

uint64_t
wire_number(const struct wire *wire)
{
	return wire->link->number;
}

void
wire_close(struct wire **wire)
{
	struct wire *old = *wire;

	if (!old)
		return;
	*wire = NULL;
	old->is_closed = true;
	event_stop(&old->wake);
	buffer_clear(&old->received);
	event_start(&old->delivery, delay());
}

void
wire_break(struct wire **wire, bool is_told)
{
	struct wire *old = *wire;

	if (!old)
		return;
	if (chance_one_in(2))
		buffer_clear(&old->under_way);
	if (!is_told)
		old->link->is_dead = true;
	wire_close(wire);
}
