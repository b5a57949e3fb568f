/* SPDX-License-Identifier: ISC */
#include "server/web_history.h"

#include <string.h>

void
web_history_add(struct web_history *history, const struct web_counters *now)
{
	history->samples[history->next] = *now;
	history->added++;
	history->next = (history->next + 1) % WEB_HISTORY_SAMPLES;
	if (history->count < WEB_HISTORY_SAMPLES)
		history->count++;
}

size_t
web_history_steps(const struct web_history *history)
{
	return history->count > 0 ? history->count - 1 : 0;
}

static uint64_t
value(const struct web_history *history, size_t index, size_t offset)
{
	size_t oldest =
		history->next + WEB_HISTORY_SAMPLES - history->count + index;
	uint64_t number;

	memcpy(&number,
		(const char *)&history->samples[oldest % WEB_HISTORY_SAMPLES] +
			offset,
		sizeof(number));
	return number;
}

uint64_t
web_history_step(const struct web_history *history, size_t index, size_t offset)
{
	return value(history, index + 1, offset) -
	       value(history, index, offset);
}

/* ---- columns ---- */

/* Of the steps that there ever were, the first that is still known. */
static uint64_t
oldest_step(const struct web_history *history)
{
	return history->added - history->count;
}

/* One that lost some of its steps is not shown. */
static uint64_t
first_column(const struct web_history *history)
{
	return (oldest_step(history) + WEB_HISTORY_PLOT_STEPS - 1) /
	       WEB_HISTORY_PLOT_STEPS;
}

size_t
web_history_columns(const struct web_history *history)
{
	uint64_t last;

	if (web_history_steps(history) == 0)
		return 0;
	last = (history->added - 2) / WEB_HISTORY_PLOT_STEPS;
	return (size_t)(last + 1 - first_column(history));
}

/* The steps [*first, *end) of a column. */
static void
steps_of(const struct web_history *history, size_t column, size_t *first,
	size_t *end)
{
	size_t steps = web_history_steps(history);

	*first = (size_t)((first_column(history) + column) *
				  WEB_HISTORY_PLOT_STEPS -
			  oldest_step(history));
	*end = *first + WEB_HISTORY_PLOT_STEPS;
	if (*end > steps)
		*end = steps;
}

uint64_t
web_history_column(
	const struct web_history *history, size_t column, size_t offset)
{
	size_t first, end;

	steps_of(history, column, &first, &end);
	return value(history, end, offset) - value(history, first, offset);
}

uint64_t
web_history_ahead(const struct web_history *history, size_t column,
	size_t offset, size_t behind_offset)
{
	uint64_t most = 0;
	size_t first, end;

	steps_of(history, column, &first, &end);
	for (size_t i = first + 1; i <= end; i++) {
		uint64_t ahead = value(history, i, offset) -
				 value(history, i, behind_offset);

		if (ahead > most)
			most = ahead;
	}
	return most;
}
