/* SPDX-License-Identifier: ISC */
/*
 * index_set - a set of message indexes (0-based), e.g. those marked deleted.
 *
 * Memory: nothing until the first add, then one bit an index up to the largest
 * added, doubled as it grows.
 */
#ifndef MESSAGE_INDEX_SET_H
#define MESSAGE_INDEX_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_set {
	uint64_t *words;
	size_t word_count;
	uint32_t count; /* indexes held */
};

#define INDEX_SET_EMPTY ((struct index_set){NULL, 0, 0})
#define INDEX_SET_END	UINT32_MAX

void index_set_release(struct index_set *set);
bool index_set_has(const struct index_set *set, uint32_t index);
/* False when memory is short; the set is then as it was. */
bool index_set_add(struct index_set *set, uint32_t index);
void index_set_clear(struct index_set *set);
/* The first index >= from that is held, or INDEX_SET_END. */
uint32_t index_set_next(const struct index_set *set, uint32_t from);

#endif
