/* SPDX-License-Identifier: ISC */
#include "store/maildir/listing.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define FIRST_ENTRIES 64
#define FIRST_ARENA   4096

struct scan {
	struct listing *listing;
	enum maildir_directory directory;
};

static uint32_t *
find_slot(const struct listing *listing, struct bytes base, uint64_t hash)
{
	uint32_t mask = listing->slot_count - 1;
	uint32_t at = (uint32_t)hash & mask;

	for (; listing->slots[at] != 0; at = (at + 1) & mask) {
		const struct listing_entry *entry =
			&listing->entries[listing->slots[at] - 1];

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
	uint32_t entry;

	if (listing->slot_count == 0)
		return NULL;
	entry = *find_slot(listing, base_name, hash);
	return entry ? &listing->entries[entry - 1] : NULL;
}

static bool
grow_slots(struct listing *listing)
{
	uint32_t count = listing->slot_count * 2;
	uint32_t *slots;

	if (count < FIRST_ENTRIES * 2)
		count = FIRST_ENTRIES * 2;
	slots = calloc(count, sizeof(*slots));
	if (!slots)
		return false;
	for (uint32_t i = 0; i < listing->count; i++) {
		uint32_t at = (uint32_t)listing->entries[i].hash & (count - 1);

		while (slots[at] != 0)
			at = (at + 1) & (count - 1);
		slots[at] = i + 1;
	}
	free(listing->slots);
	listing->slots = slots;
	listing->slot_count = count;
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
	if (listing->count >= listing->slot_count / 2 && !grow_slots(listing))
		return false;
	return listing->arena_octets + NAME_MAXIMUM_OCTETS <=
		       listing->arena_capacity ||
	       grow_arena(listing);
}

bool
listing_add(struct listing *listing, enum maildir_directory directory,
	const char *text)
{
	struct listing_entry *entry;
	struct file_name name;
	uint32_t *slot;
	uint64_t hash;

	if (!file_name_set(&name, directory, text))
		return true;
	if (!make_room(listing))
		return false;
	hash = XXH3_64bits(name.text, name.base_octets);
	slot = find_slot(listing, file_name_base(&name), hash);
	if (*slot == 0)
		*slot = ++listing->count;
	entry = &listing->entries[*slot - 1];
	*entry = (struct listing_entry){
		.hash = hash,
		.text = listing->arena_octets,
		.octets = name.octets,
		.base_octets = name.base_octets,
		.directory = (uint8_t)name.directory,
	};
	memcpy(listing->arena + listing->arena_octets, name.text, name.octets);
	listing->arena_octets += name.octets;
	return true;
}

static bool
add(void *context, const char *text)
{
	struct scan *scan = context;

	if (listing_add(scan->listing, scan->directory, text))
		return true;
	scan->listing->is_short_of_memory = true;
	return false;
}

enum outcome
listing_scan(struct listing *listing, struct files *files, int root)
{
	struct scan scan = {.listing = listing};

	for (unsigned i = DIRECTORY_NEW; i <= DIRECTORY_CUR; i++) {
		int n;

		scan.directory = (enum maildir_directory)i;
		n = files->list(
			files, root, maildir_directory_names[i], add, &scan);
		if (listing->is_short_of_memory)
			return ERR_TRY_LATER;
		if (n < 0) {
			listing->failed = scan.directory;
			listing->error = n;
			return outcome_of_errno(-n);
		}
	}
	return OK;
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
