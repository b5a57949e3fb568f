/* SPDX-License-Identifier: ISC */
/*
 * index_map - which record of an index holds message `index`: arithmetic for
 * the dense messages in front, a table for those behind them, which is built
 * by one pass over the records that follow.
 *
 * Memory: 4 octets a message that is not dense.
 */
#ifndef STORE_INDEX_MAP_H
#define STORE_INDEX_MAP_H

#include "store/index_format.h"

/* Where records come from; the record stays valid until the next call. */
struct index_source {
	/* NULL when it cannot be read. */
	const unsigned char *(*record)(
		struct index_source *source, uint32_t number);
};

struct index_map {
	uint32_t dense;
	uint32_t *numbers; /* of the messages from `dense` on */
	uint32_t count;	   /* of numbers */
};

#define INDEX_MAP_EMPTY ((struct index_map){0, NULL, 0})

/*
 * `end` is the trailer's number.
 * Errors  ERR_BROKEN (a record is damaged, or the messages found are not as
 *         many as the trailer says), ERR_TRY_LATER (memory)
 */
enum outcome index_map_build(struct index_map *map, struct index_source *source,
	const struct index_trailer *trailer, uint32_t end);
void index_map_release(struct index_map *map);

static inline uint32_t
index_map_number(const struct index_map *map, uint32_t index)
{
	if (index < map->dense)
		return index + 1;
	return map->numbers[index - map->dense];
}

#endif
