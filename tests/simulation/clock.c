/* SPDX-License-Identifier: ISC */
#include "clock.h"
#include "chance.h"

#include "base/clock.h"

#include <stdlib.h>

#define EVENTS_MAXIMUM 4096

static struct event *queue[EVENTS_MAXIMUM + 1]; /* a heap, from 1 */
static unsigned count, pace;
static uint64_t now_ns, started;

void
clock_begin(unsigned new_pace)
{
	pace = new_pace;
	now_ns = CLOCK_START_NS;
	started = 0;
	count = 0;
}

void
clock_end(void)
{
	while (count > 0)
		event_stop(queue[count]);
}

uint64_t
clock_now_ns(void)
{
	return now_ns;
}

uint64_t
clock_monotonic_us(void)
{
	return clock_monotonic_ms() * 1000;
}

uint64_t
clock_monotonic_ms(void)
{
	return (now_ns - CLOCK_START_NS) / MILLISECOND + 1;
}

uint64_t
clock_wall_us(void)
{
	return now_ns / MICROSECOND;
}

uint64_t
clock_wall_seconds(void)
{
	return now_ns / SECOND;
}

/* ---- the queue ---- */

static bool
is_before(const struct event *a, const struct event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void
put(struct event *event, unsigned place)
{
	queue[place] = event;
	event->place = place;
}

static void
rise(struct event *event, unsigned place)
{
	while (place > 1 && is_before(event, queue[place / 2])) {
		put(queue[place / 2], place);
		place /= 2;
	}
	put(event, place);
}

static void
sink(struct event *event, unsigned place)
{
	unsigned child;

	while ((child = 2 * place) <= count) {
		if (child < count && is_before(queue[child + 1], queue[child]))
			child++;
		if (!is_before(queue[child], event))
			break;
		put(queue[child], place);
		place = child;
	}
	put(event, place);
}

void
event_init(struct event *event, void (*run)(void *context), void *context)
{
	*event = (struct event){.run = run, .context = context};
}

void
event_start(struct event *event, uint64_t after_ns)
{
	event_stop(event);
	if (count == EVENTS_MAXIMUM)
		abort();
	event->at_ns = now_ns + after_ns;
	event->order = started++;
	rise(event, ++count);
}

void
event_stop(struct event *event)
{
	unsigned place = event->place;
	struct event *last;

	if (place == 0)
		return;
	event->place = 0;
	last = queue[count--];
	if (last == event)
		return;
	if (place > 1 && is_before(last, queue[place / 2]))
		rise(last, place);
	else
		sink(last, place);
}

void
event_pause(struct event *event, uint64_t least_ns, uint64_t most_ns)
{
	event_start(event, chance_between(least_ns, most_ns) * pace);
}

bool
clock_step(void)
{
	struct event *first = queue[1];

	if (count == 0)
		return false;
	event_stop(first);
	now_ns = first->at_ns;
	first->run(first->context);
	return true;
}
