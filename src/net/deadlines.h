/* SPDX-License-Identifier: ISC */
/*
 * deadlines - thousands of timeouts of the same length on one timer: a list in
 * order of expiry, so that touching one is O(1) and an idle process wakes once
 * a second at most. Embedded in the owner; no allocation.
 */
#ifndef NET_DEADLINES_H
#define NET_DEADLINES_H

#include <stdbool.h>
#include <stdint.h>

struct deadline {
	struct deadline *previous, *next;
	uint64_t at_ms; /* monotonic */
};

struct deadlines {
	struct deadline *first, *last;
	uint64_t length_ms;
};

void deadlines_init(struct deadlines *list, uint64_t length_ms);
/* From now on; those in the list get more or less time by the difference. */
void deadlines_set_length(struct deadlines *list, uint64_t length_ms);
/* Starts anew from now_ms; adds it when it is in no list. */
void deadlines_touch(
	struct deadlines *list, struct deadline *deadline, uint64_t now_ms);
void deadlines_remove(struct deadlines *list, struct deadline *deadline);
bool deadlines_has(const struct deadline *deadline);
/* Takes the first that is over off the list, or NULL. */
struct deadline *deadlines_pop(struct deadlines *list, uint64_t now_ms);

#endif
