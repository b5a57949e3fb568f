/* SPDX-License-Identifier: ISC */
#include "server/fair_queue.h"

#include <stdlib.h>

struct fair_lane {
	struct table_entry entry;
	struct fair_class *klass;
	struct fair_lane *previous, *next; /* in the ring */
	struct fair_item *first, *last;
};

/* Its turn comes last: behind whoever waits. */
static void
join_ring(struct fair_lane *lane)
{
	struct fair_lane *at = lane->klass->next;

	lane->previous = at ? at->previous : lane;
	lane->next = at ? at : lane;
	lane->previous->next = lane;
	lane->next->previous = lane;
	if (!at)
		lane->klass->next = lane;
}

static struct fair_lane *
find_or_make(struct fair_class *klass, uint64_t id)
{
	struct table_entry *entry = table_find(&klass->lanes, id);
	struct fair_lane *lane;

	if (entry)
		return table_object(entry, struct fair_lane, entry);
	lane = calloc(1, sizeof(*lane));
	if (!lane || !table_add(&klass->lanes, &lane->entry, id)) {
		free(lane);
		return NULL;
	}
	lane->klass = klass;
	join_ring(lane);
	return lane;
}

bool
fair_queue_push(struct fair_queue *queue, struct fair_item *item,
	unsigned klass, uint64_t id)
{
	struct fair_lane *lane = find_or_make(&queue->classes[klass], id);

	if (!lane)
		return false;
	item->lane = lane;
	item->next = NULL;
	item->previous = lane->last;
	if (lane->last)
		lane->last->next = item;
	else
		lane->first = item;
	lane->last = item;
	queue->count++;
	return true;
}

static void
free_lane(struct fair_lane *lane)
{
	struct fair_class *klass = lane->klass;

	if (klass->next == lane)
		klass->next = lane->next == lane ? NULL : lane->next;
	lane->previous->next = lane->next;
	lane->next->previous = lane->previous;
	table_remove(&klass->lanes, &lane->entry);
	free(lane);
	if (klass->lanes.count == 0)
		table_release(&klass->lanes);
}

void
fair_queue_remove(struct fair_queue *queue, struct fair_item *item)
{
	struct fair_lane *lane = item->lane;

	if (!lane)
		return;
	if (item->previous)
		item->previous->next = item->next;
	else
		lane->first = item->next;
	if (item->next)
		item->next->previous = item->previous;
	else
		lane->last = item->previous;
	*item = (struct fair_item){0};
	queue->count--;
	if (!lane->first)
		free_lane(lane);
}

struct fair_item *
fair_queue_pop(struct fair_queue *queue, unsigned worst)
{
	for (unsigned i = 0; i <= worst && i < FAIR_CLASSES; i++) {
		struct fair_lane *lane = queue->classes[i].next;
		struct fair_item *item;

		if (!lane)
			continue;
		queue->classes[i].next = lane->next;
		item = lane->first;
		fair_queue_remove(queue, item);
		return item;
	}
	return NULL;
}
