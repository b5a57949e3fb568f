/* SPDX-License-Identifier: ISC */
#include "message/index_set.h"

#include <stdlib.h>
#include <string.h>

#define BITS 64

void
index_set_release(struct index_set *set)
{
	free(set->words);
	*set = INDEX_SET_EMPTY;
}

bool
index_set_has(const struct index_set *set, uint32_t index)
{
	return index / BITS < set->word_count &&
	       (set->words[index / BITS] >> (index % BITS) & 1);
}

static bool
grow(struct index_set *set, size_t word)
{
	size_t count = set->word_count ? set->word_count : 4;
	uint64_t *words;

	while (count <= word)
		count *= 2;
	words = realloc(set->words, count * sizeof(*words));
	if (!words)
		return false;
	memset(words + set->word_count, 0,
		(count - set->word_count) * sizeof(*words));
	set->words = words;
	set->word_count = count;
	return true;
}

bool
index_set_add(struct index_set *set, uint32_t index)
{
	size_t word = index / BITS;

	if (index_set_has(set, index))
		return true;
	if (index == INDEX_SET_END ||
		(word >= set->word_count && !grow(set, word)))
		return false;
	set->words[word] |= (uint64_t)1 << (index % BITS);
	set->count++;
	return true;
}

void
index_set_clear(struct index_set *set)
{
	index_set_release(set);
}

uint32_t
index_set_next(const struct index_set *set, uint32_t from)
{
	size_t word = from / BITS;
	uint64_t bits;

	if (word >= set->word_count)
		return INDEX_SET_END;
	bits = set->words[word] & (UINT64_MAX << (from % BITS));
	while (bits == 0) {
		if (++word >= set->word_count)
			return INDEX_SET_END;
		bits = set->words[word];
	}
	return (uint32_t)(word * BITS) + (uint32_t)__builtin_ctzll(bits);
}
