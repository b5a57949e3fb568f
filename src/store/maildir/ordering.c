/* SPDX-License-Identifier: ISC */
#include "store/maildir/ordering.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define KEY_OCTETS    8
#define FETCHED_AHEAD 16
/* Fewer are inserted one by one. */
#define RADIX_MINIMUM 48

struct ordering {
	const struct listing *listing;
	struct ordered *scratch;
};

/* ---- by `seconds`, whatever it holds ---- */

static void
insert_each(struct ordered *items, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		struct ordered item = items[i];
		uint32_t at = i;

		for (; at > 0 && items[at - 1].seconds > item.seconds; at--)
			items[at] = items[at - 1];
		items[at] = item;
	}
}

static void
distribute(const struct ordered *from, uint32_t count, unsigned shift,
	struct ordered *to)
{
	uint32_t starts[256] = {0}, start = 0;

	for (uint32_t i = 0; i < count; i++)
		starts[from[i].seconds >> shift & 0xFF]++;
	for (unsigned i = 0; i < 256; i++) {
		uint32_t octets = starts[i];

		starts[i] = start;
		start += octets;
	}
	for (uint32_t i = 0; i < count; i++)
		to[starts[from[i].seconds >> shift & 0xFF]++] = from[i];
}

static void
sort_keys(struct ordered *items, uint32_t count, struct ordered *scratch)
{
	struct ordered *from = items, *to = scratch;
	uint64_t differs = 0;

	if (count < RADIX_MINIMUM) {
		insert_each(items, count);
		return;
	}
	for (uint32_t i = 1; i < count; i++)
		differs |= items[i].seconds ^ items[0].seconds;
	for (unsigned shift = 0; shift < 64; shift += 8) {
		struct ordered *turned = from;

		if ((differs >> shift & 0xFF) == 0)
			continue;
		distribute(from, count, shift, to);
		from = to;
		to = turned;
	}
	if (from != items)
		memcpy(items, from, count * sizeof(*items));
}

/* ---- by name ---- */

static struct bytes
name_of(const struct listing *listing, const struct ordered *item)
{
	return listing_text(listing, &listing->entries[item->entry]);
}

static void
expect_name(const struct listing *listing, const struct ordered *item)
{
	__builtin_prefetch(listing->arena + listing->entries[item->entry].text);
}

/* How many octets are the same in all names, `at` being some of them. */
static size_t
common_octets(const struct listing *listing, const struct ordered *items,
	uint32_t count, size_t at)
{
	struct bytes first = name_of(listing, &items[0]);
	size_t common = first.octets;

	for (uint32_t i = 1; i < count && common > at; i++) {
		struct bytes name = name_of(listing, &items[i]);
		size_t same = at;

		if (i + FETCHED_AHEAD < count)
			expect_name(listing, &items[i + FETCHED_AHEAD]);
		while (same < common && same < name.octets &&
			name.at[same] == first.at[same])
			same++;
		common = same;
	}
	return common;
}

/* Zeros behind the end: no name has any. */
static uint64_t
key_of(struct bytes name, size_t at)
{
	struct bytes rest = bytes_after(name, at);
	uint64_t key = 0;

	memcpy(&key, rest.at,
		rest.octets < sizeof(key) ? rest.octets : sizeof(key));
	return be64toh(key);
}

static void
fetch_keys(const struct listing *listing, struct ordered *items, uint32_t count,
	size_t at)
{
	for (uint32_t i = 0; i < count; i++) {
		if (i + FETCHED_AHEAD < count)
			expect_name(listing, &items[i + FETCHED_AHEAD]);
		items[i].seconds = key_of(name_of(listing, &items[i]), at);
	}
}

static void sort_equals(const struct ordering *ordering, struct ordered *items,
	uint32_t count, size_t at);

/* Of which the first `at` octets are the same. */
static void
sort_names(const struct ordering *ordering, struct ordered *items,
	uint32_t count, size_t at)
{
	size_t common = common_octets(ordering->listing, items, count, at);

	/* They end before: the same name. */
	if (common < at)
		return;
	fetch_keys(ordering->listing, items, count, common);
	sort_keys(items, count, ordering->scratch);
	sort_equals(ordering, items, count, common + KEY_OCTETS);
}

static void
sort_equals(const struct ordering *ordering, struct ordered *items,
	uint32_t count, size_t at)
{
	for (uint32_t first = 0, end; first < count; first = end) {
		for (end = first + 1;
			end < count &&
			items[end].seconds == items[first].seconds;)
			end++;
		if (end - first > 1)
			sort_names(ordering, items + first, end - first, at);
	}
}

bool
ordering_sort(
	const struct listing *listing, struct ordered *items, uint32_t count)
{
	struct ordering ordering = {
		.listing = listing,
		.scratch = malloc((size_t)count * sizeof(*items)),
	};

	if (!ordering.scratch)
		return count == 0;
	sort_keys(items, count, ordering.scratch);
	sort_equals(&ordering, items, count, 0);
	free(ordering.scratch);
	return true;
}
