/* SPDX-License-Identifier: ISC */
/*
 * listing - what lies in new/ and cur/, found by base name.
 *
 * Memory: about 64 octets and the name for each file; freed by
 * listing_release.
 */
#ifndef STORE_MAILDIR_LISTING_H
#define STORE_MAILDIR_LISTING_H

#include "store/maildir/names.h"

#define LISTING_MAXIMUM_FILES (1u << 28)

struct listing_entry {
	uint64_t hash; /* of the base name */
	uint64_t text; /* offset in the arena */
	uint8_t octets;
	uint8_t base_octets;
	uint8_t directory;
	bool is_known; /* the index has it; for the caller's use */
};

struct listing {
	struct listing_entry *entries;
	uint32_t count, capacity;
	uint64_t *slots; /* half a hash, entry + 1; 0 is free */
	uint32_t slot_count;
	char *arena;
	uint64_t arena_octets, arena_capacity;
	bool is_short_of_memory;
	/* Of a scan that failed: the directory and a negative errno. */
	enum maildir_directory failed;
	int error;
};

#define LISTING_EMPTY ((struct listing){0})

/*
 * Adds what both directories of the Maildir `root` hold now. A base name that
 * is there already gets the name seen last: in cur/ rather than in new/.
 * Errors  ERR_TRY_LATER, ERR_BROKEN (not a directory)
 */
enum outcome listing_scan(
	struct listing *listing, struct files *files, int root);
/* Adds one name, as a scan would that sees it last; what is no name of a message
   is ignored. False without memory. */
bool listing_add(struct listing *listing, enum maildir_directory directory,
	const char *text);
void listing_release(struct listing *listing);
/* NULL when there is none. Valid until the next scan. */
struct listing_entry *listing_find(
	const struct listing *listing, struct bytes base_name);
static inline struct bytes
listing_text(const struct listing *listing, const struct listing_entry *entry)
{
	return bytes_of(listing->arena + entry->text, entry->octets);
}
void listing_name(const struct listing *listing,
	const struct listing_entry *entry, struct file_name *out);

#endif
