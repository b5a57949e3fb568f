/* SPDX-License-Identifier: ISC */
/*
 * web_history - what the counters were, for the plots of the status page: one
 * sample a minute of the last day. No I/O, no clock.
 */
#ifndef SERVER_WEB_HISTORY_H
#define SERVER_WEB_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "server/stats.h"

#define WEB_HISTORY_STEP_SECONDS 60
#define WEB_HISTORY_SAMPLES	 1441 /* so that 1440 differences fit */
/* Steps in one column of a plot. */
#define WEB_HISTORY_PLOT_STEPS 10
#define WEB_HISTORY_COLUMNS    ((WEB_HISTORY_SAMPLES - 1) / WEB_HISTORY_PLOT_STEPS)

/* The sum over all roles; STATS_COUNTERS in their order. */
struct web_counters {
#define WEB_COUNTER(name) uint64_t name;
	STATS_COUNTERS(WEB_COUNTER)
#undef WEB_COUNTER
};

struct web_history {
	struct web_counters samples[WEB_HISTORY_SAMPLES]; /* a ring */
	size_t next, count;
	uint64_t added; /* ever */
};

void web_history_add(
	struct web_history *history, const struct web_counters *now);
/* How many differences there are. */
size_t web_history_steps(const struct web_history *history);
/* What was counted in step `index`, 0 for the oldest; `offset` of a counter. */
uint64_t web_history_step(
	const struct web_history *history, size_t index, size_t offset);

/*
 * The same by columns of WEB_HISTORY_PLOT_STEPS, at most WEB_HISTORY_COLUMNS, of
 * which the newest may not be full yet. Their borders stay where they are as
 * time goes on...
 */
size_t web_history_columns(const struct web_history *history);
uint64_t web_history_column(
	const struct web_history *history, size_t column, size_t offset);
/* ...and of two counters how far the one was ahead of the other, at most. */
uint64_t web_history_ahead(const struct web_history *history, size_t column,
	size_t offset, size_t behind_offset);

#endif
