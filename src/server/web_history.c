/* SPDX-License-Identifier: ISC */
#include "server/web_history.h"

#include <string.h>

void
web_history_add(struct web_history *history, const struct web_counters *now)
{
	history->samples[history->next] = *now;
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
