/* SPDX-License-Identifier: ISC */
/*
 * fair_queue - who is next: the better class first, within a class each lane in
 * turn, within a lane in order. Whoever puts a thousand items into one lane
 * delays that lane. Embedded; allocates one lane for each key that waits.
 */
#ifndef SERVER_FAIR_QUEUE_H
#define SERVER_FAIR_QUEUE_H

#include "server/table.h"

#define FAIR_CLASSES 3

struct fair_lane;

struct fair_item {
	struct fair_item *previous, *next;
	struct fair_lane *lane; /* NULL: in no queue */
};

struct fair_class {
	struct table lanes;
	struct fair_lane *next; /* whose turn it is: a ring */
};

struct fair_queue {
	struct fair_class classes[FAIR_CLASSES];
	size_t count;
};

/* klass 0 goes first. False when memory is short. */
bool fair_queue_push(struct fair_queue *queue, struct fair_item *item,
	unsigned klass, uint64_t lane);
/* The next of classes up to `worst`, or NULL. */
struct fair_item *fair_queue_pop(struct fair_queue *queue, unsigned worst);
void fair_queue_remove(struct fair_queue *queue, struct fair_item *item);

#endif
