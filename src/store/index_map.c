/* SPDX-License-Identifier: ISC */
#include "store/index_map.h"

#include <stdlib.h>

/* What the first pass finds about the records first..end - 1: a bit for each
   that is a message, taken away again by tombstones. */
struct alive {
	uint64_t *words;
	uint32_t first;
	uint32_t end;
	uint32_t dense;
};

static void
clear(struct alive *alive, const struct index_tombstone *dead)
{
	uint32_t from = dead->first < alive->first ? alive->first : dead->first;

	for (uint32_t n = from; n <= dead->last; n++) {
		uint32_t bit = n - alive->first;

		if (bit % 64 == 0 && dead->last - n >= 63) {
			alive->words[bit / 64] = 0;
			n += 63;
		} else {
			alive->words[bit / 64] &= ~(1ull << (bit % 64));
		}
	}
}

static bool
note(struct alive *alive, const unsigned char *record, uint32_t number)
{
	struct index_tombstone dead;
	uint32_t bit = number - alive->first;

	switch (index_record_kind(record, number)) {
	case INDEX_MESSAGE:
		alive->words[bit / 64] |= 1ull << (bit % 64);
		return true;
	case INDEX_TOMBSTONE:
		if (!index_read_tombstone(record, number, &dead) ||
			dead.first <= alive->dense)
			return false;
		clear(alive, &dead);
		return true;
	case INDEX_LONG_UIDL:
	case INDEX_TRAILER:
		return true;
	case INDEX_HEADER:
	case INDEX_DAMAGED:
	default:
		return false;
	}
}

static enum outcome
collect(struct index_map *map, const struct alive *alive, uint32_t expected)
{
	uint32_t found = 0;
	uint32_t *numbers = malloc(expected ? expected * sizeof(*numbers) : 1);

	if (!numbers)
		return ERR_TRY_LATER;
	for (uint32_t w = 0; w <= (alive->end - alive->first) / 64; w++) {
		uint64_t word = alive->words[w];

		for (; word != 0; word &= word - 1) {
			if (found == expected)
				goto broken;
			numbers[found++] = alive->first + w * 64 +
					   (uint32_t)__builtin_ctzll(word);
		}
	}
	if (found != expected)
		goto broken;
	*map = (struct index_map){alive->dense, numbers, found};
	return OK;
broken:
	free(numbers);
	return ERR_BROKEN;
}

enum outcome
index_map_build(struct index_map *map, struct index_source *source,
	const struct index_trailer *trailer, uint32_t end)
{
	struct alive alive = {
		.first = trailer->dense + 1,
		.end = end,
		.dense = trailer->dense,
	};
	enum outcome outcome;

	if (trailer->dense >= end)
		return ERR_BROKEN;
	alive.words = calloc((end - alive.first) / 64 + 1, sizeof(uint64_t));
	if (!alive.words)
		return ERR_TRY_LATER;
	for (uint32_t n = alive.first; n < end; n++) {
		const unsigned char *record = source->record(source, n);

		if (!record || !note(&alive, record, n)) {
			free(alive.words);
			return ERR_BROKEN;
		}
	}
	outcome = collect(map, &alive, trailer->count - trailer->dense);
	free(alive.words);
	return outcome;
}

void
index_map_release(struct index_map *map)
{
	free(map->numbers);
	*map = INDEX_MAP_EMPTY;
}
