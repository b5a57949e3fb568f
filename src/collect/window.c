/* SPDX-License-Identifier: ISC */
#include "collect/window.h"

/* Shorter measurements see bursts. */
#define MEASURE_MS 200

void
window_init(struct window *w)
{
	*w = (struct window){.octets = WINDOW_START_OCTETS};
}

void
window_asked(struct window *w, uint64_t now_ms, bool is_first)
{
	if (!is_first)
		return;
	w->asked_at_ms = now_ms;
	w->since_ms = 0;
}

static uint64_t
within(uint64_t octets)
{
	if (octets < WINDOW_MINIMUM_OCTETS)
		return WINDOW_MINIMUM_OCTETS;
	return octets > WINDOW_MAXIMUM_OCTETS ? WINDOW_MAXIMUM_OCTETS : octets;
}

/* Twice the bandwidth times the delay; at most halved or doubled at once. */
static void
adapt(struct window *w, uint64_t elapsed_ms)
{
	uint64_t carried =
		w->received_octets * (w->round_trip_ms + 1) / elapsed_ms * 2;

	if (carried > w->octets)
		w->octets = within(
			carried < 2 * w->octets ? carried : 2 * w->octets);
	else if (carried < w->octets / 2)
		w->octets = within(w->octets / 2);
}

void
window_received(struct window *w, uint64_t now_ms, uint64_t octets)
{
	if (w->asked_at_ms > 0) {
		uint64_t took_ms = now_ms - w->asked_at_ms;

		if (w->round_trip_ms == 0 || took_ms < w->round_trip_ms)
			w->round_trip_ms = took_ms;
		w->asked_at_ms = 0;
	}
	if (w->since_ms == 0) {
		w->since_ms = now_ms;
		w->received_octets = 0;
	}
	w->received_octets += octets;
	if (now_ms - w->since_ms < MEASURE_MS ||
		now_ms - w->since_ms < w->round_trip_ms)
		return;
	adapt(w, now_ms - w->since_ms);
	w->since_ms = now_ms;
	w->received_octets = 0;
}
