/* SPDX-License-Identifier: ISC */
#include "store/maildir/known.h"

#include <stdlib.h>
#include <xxhash.h>

#define LEAST_SLOTS 64

bool
known_init(struct known *known, uint32_t count)
{
	uint64_t wanted = (uint64_t)count + count / 2, capacity = LEAST_SLOTS;

	while (capacity < wanted)
		capacity *= 2;
	*known = (struct known){0};
	if (capacity <= UINT32_MAX / 2)
		known->marks = calloc(capacity, sizeof(*known->marks));
	if (known->marks)
		known->capacity = (uint32_t)capacity;
	return known->marks != NULL;
}

void
known_release(struct known *known)
{
	free(known->marks);
	*known = (struct known){0};
}

size_t
known_octets(const struct known *known)
{
	return (size_t)known->capacity * sizeof(*known->marks);
}

uint64_t
known_hash(struct bytes base_name)
{
	return XXH3_64bits(base_name.at, base_name.octets);
}

/* Of a place that the other half of the hash has chosen. */
static uint32_t
mark_of(uint64_t hash)
{
	uint32_t mark = (uint32_t)(hash >> 32);

	return mark ? mark : 1;
}

/* The mark, or the free place where it belongs. */
static uint32_t *
find(const struct known *known, uint64_t hash)
{
	uint32_t at = (uint32_t)hash & (known->capacity - 1);

	while (known->marks[at] != 0 && known->marks[at] != mark_of(hash))
		at = (at + 1) & (known->capacity - 1);
	return &known->marks[at];
}

bool
known_add(struct known *known, uint64_t hash)
{
	uint32_t *mark;

	if (!known->marks)
		return false;
	mark = find(known, hash);
	if (*mark != 0)
		return true;
	/* One in eight stays free: searches are short. */
	if (known->count >= known->capacity - known->capacity / 8)
		return false;
	*mark = mark_of(hash);
	known->count++;
	return true;
}

void
known_expect(const struct known *known, uint64_t hash)
{
	if (known->marks)
		__builtin_prefetch(
			&known->marks[(uint32_t)hash & (known->capacity - 1)],
			1);
}

bool
known_has(const struct known *known, uint64_t hash)
{
	return !known->marks || *find(known, hash) != 0;
}
