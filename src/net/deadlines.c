/* SPDX-License-Identifier: ISC */
#include "net/deadlines.h"

#include <stddef.h>

void
deadlines_init(struct deadlines *list, uint64_t length_ms)
{
	*list = (struct deadlines){.length_ms = length_ms};
}

void
deadlines_set_length(struct deadlines *list, uint64_t length_ms)
{
	for (struct deadline *d = list->first; d; d = d->next)
		d->at_ms = d->at_ms - list->length_ms + length_ms;
	list->length_ms = length_ms;
}

bool
deadlines_has(const struct deadline *deadline)
{
	return deadline->at_ms != 0;
}

void
deadlines_remove(struct deadlines *list, struct deadline *deadline)
{
	if (!deadlines_has(deadline))
		return;
	if (deadline->previous)
		deadline->previous->next = deadline->next;
	else
		list->first = deadline->next;
	if (deadline->next)
		deadline->next->previous = deadline->previous;
	else
		list->last = deadline->previous;
	*deadline = (struct deadline){0};
}

void
deadlines_touch(
	struct deadlines *list, struct deadline *deadline, uint64_t now_ms)
{
	deadlines_remove(list, deadline);
	/* Never 0, which means: in no list. */
	deadline->at_ms = now_ms + list->length_ms + 1;
	deadline->previous = list->last;
	if (list->last)
		list->last->next = deadline;
	else
		list->first = deadline;
	list->last = deadline;
}

struct deadline *
deadlines_pop(struct deadlines *list, uint64_t now_ms)
{
	struct deadline *first = list->first;

	if (!first || first->at_ms > now_ms)
		return NULL;
	deadlines_remove(list, first);
	return first;
}
