/* SPDX-License-Identifier: ISC */
#include "store/maildir/listing.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define FIRST_ENTRIES 64
#define FIRST_ARENA   4096
#define FETCHED_AHEAD 16
#define HASH_HALF     0xFFFFFFFF00000000u

struct scan {
	struct listing *listing;
	enum maildir_directory directory;
};

/* Half of the hash stands in the slot, so that entries of others are not
   looked at. */
static uint64_t
slot_of(const struct listing *listing, uint32_t entry)
{
	return (listing->entries[entry].hash & HASH_HALF) | (entry + 1u);
}

/* The slot of this base name, or the free one where it belongs. */
static uint64_t *
find_slot(const struct listing *listing, struct bytes base, uint64_t hash)
{
	uint32_t mask = listing->slot_count - 1;
	uint32_t at = (uint32_t)hash & mask;

	for (; listing->slots[at] != 0; at = (at + 1) & mask) {
		const struct listing_entry *entry;

		if (((listing->slots[at] ^ hash) & HASH_HALF) != 0)
			continue;
		entry = &listing->entries[(uint32_t)listing->slots[at] - 1];
		if (entry->hash == hash &&
			bytes_equal(base, bytes_of(listing->arena + entry->text,
						  entry->base_octets)))
			break;
	}
	return &listing->slots[at];
}

struct listing_entry *
listing_find(const struct listing *listing, struct bytes base_name)
{
	uint64_t hash = XXH3_64bits(base_name.at, base_name.octets);
	uint64_t slot;

	if (listing->slot_count == 0)
		return NULL;
	slot = *find_slot(listing, base_name, hash);
	return slot ? &listing->entries[(uint32_t)slot - 1] : NULL;
}

/* ---- entering what was listed ---- */

/* Memory is fetched for the entry that comes a little later: a slot is
   anywhere. */
static void
expect_slot(const struct listing *listing, uint32_t entry)
{
	if (entry < listing->count)
		__builtin_prefetch(
			&listing->slots[(uint32_t)listing->entries[entry].hash &
					(listing->slot_count - 1)],
			1);
}

/* Of a base name that is there already the name seen last counts. False: it was
   one. */
static bool
enter(struct listing *listing, uint32_t at)
{
	struct listing_entry *entry = &listing->entries[at];
	uint64_t *slot = find_slot(listing,
		bytes_of(listing->arena + entry->text, entry->base_octets),
		entry->hash);

	if (*slot == 0) {
		*slot = slot_of(listing, at);
		return true;
	}
	listing->entries[(uint32_t)*slot - 1] = *entry;
	return false;
}

static void
enter_from(struct listing *listing, uint32_t first)
{
	uint32_t kept = first;

	for (uint32_t i = first; i < listing->count; i++) {
		expect_slot(listing, i + FETCHED_AHEAD);
		if (kept != i)
			listing->entries[kept] = listing->entries[i];
		kept += enter(listing, kept);
	}
	listing->count = kept;
}

/* Enters what was added from `first` on; the table grows at most once. */
static bool
enter_added(struct listing *listing, uint32_t first)
{
	uint64_t count = FIRST_ENTRIES * 2;

	while (count / 2 < listing->count)
		count *= 2;
	if (count > listing->slot_count) {
		uint64_t *slots = calloc(count, sizeof(*slots));

		if (!slots)
			return false;
		free(listing->slots);
		listing->slots = slots;
		listing->slot_count = (uint32_t)count;
		first = 0;
	}
	enter_from(listing, first);
	return true;
}

static bool
grow_entries(struct listing *listing)
{
	uint32_t capacity = listing->capacity * 2;
	struct listing_entry *more;

	if (capacity < FIRST_ENTRIES)
		capacity = FIRST_ENTRIES;
	if (capacity > LISTING_MAXIMUM_FILES)
		return false;
	more = realloc(listing->entries, capacity * sizeof(*more));
	if (!more)
		return false;
	listing->entries = more;
	listing->capacity = capacity;
	return true;
}

static bool
grow_arena(struct listing *listing)
{
	uint64_t capacity = listing->arena_capacity * 2;
	char *more;

	if (capacity < FIRST_ARENA)
		capacity = FIRST_ARENA;
	more = realloc(listing->arena, capacity);
	if (!more)
		return false;
	listing->arena = more;
	listing->arena_capacity = capacity;
	return true;
}

static bool
make_room(struct listing *listing)
{
	if (listing->count == listing->capacity && !grow_entries(listing))
		return false;
	return listing->arena_octets + NAME_MAXIMUM_OCTETS <=
		       listing->arena_capacity ||
	       grow_arena(listing);
}

/* It has to be entered then. */
static bool
append(struct listing *listing, enum maildir_directory directory,
	const char *text)
{
	struct file_name name;

	if (!file_name_set(&name, directory, text))
		return true;
	if (!make_room(listing))
		return false;
	listing->entries[listing->count++] = (struct listing_entry){
		.hash = XXH3_64bits(name.text, name.base_octets),
		.text = listing->arena_octets,
		.octets = name.octets,
		.base_octets = name.base_octets,
		.directory = (uint8_t)name.directory,
	};
	memcpy(listing->arena + listing->arena_octets, name.text, name.octets);
	listing->arena_octets += name.octets;
	return true;
}

bool
listing_add(struct listing *listing, enum maildir_directory directory,
	const char *text)
{
	uint32_t first = listing->count;

	return append(listing, directory, text) && enter_added(listing, first);
}

static bool
add(void *context, const char *text)
{
	struct scan *scan = context;

	if (append(scan->listing, scan->directory, text))
		return true;
	scan->listing->is_short_of_memory = true;
	return false;
}

enum outcome
listing_scan(struct listing *listing, struct files *files, int root)
{
	struct scan scan = {.listing = listing};
	uint32_t first = listing->count;
	int n = 0;

	for (unsigned i = DIRECTORY_NEW; i <= DIRECTORY_CUR && n >= 0; i++) {
		scan.directory = (enum maildir_directory)i;
		n = files->list(
			files, root, maildir_directory_names[i], add, &scan);
	}
	if (!listing->is_short_of_memory && n < 0) {
		listing->failed = scan.directory;
		listing->error = n;
	}
	if (!enter_added(listing, first))
		listing->is_short_of_memory = true;
	if (listing->is_short_of_memory)
		return ERR_TRY_LATER;
	return n < 0 ? outcome_of_errno(-n) : OK;
}

void
listing_release(struct listing *listing)
{
	free(listing->entries);
	free(listing->slots);
	free(listing->arena);
	*listing = LISTING_EMPTY;
}

void
listing_name(const struct listing *listing, const struct listing_entry *entry,
	struct file_name *out)
{
	out->directory = (enum maildir_directory)entry->directory;
	out->octets = entry->octets;
	out->base_octets = entry->base_octets;
	memcpy(out->text, listing->arena + entry->text, entry->octets);
	out->text[entry->octets] = '\0';
}
