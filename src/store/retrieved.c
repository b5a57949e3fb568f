/* SPDX-License-Identifier: ISC */
#include "store/retrieved.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "store/little_endian.h"

#define ENTRY_OCTETS	32
#define CHECKSUM_OCTETS 8
#define ENTRIES_MAXIMUM (1u << 27)
#define WINDOW_ENTRIES	512
#define TIDY_MINIMUM	128
#define FILE_NAME	"retrieved"
#define FRESH_NAME	"retrieved.new"

enum { AT_DIGEST = 8, AT_SECONDS = 24 };

/* ---- in memory ---- */

static uint32_t
slot_of(const struct retrieved *r, const unsigned char *digest)
{
	uint32_t slot = (uint32_t)little_get(digest, 4) & (r->slot_count - 1);

	while (r->slots[slot] != 0 &&
		memcmp(r->entries[r->slots[slot] - 1].digest, digest,
			UIDL_DIGEST_OCTETS) != 0)
		slot = (slot + 1) & (r->slot_count - 1);
	return slot;
}

static bool
grow(struct retrieved *r)
{
	uint32_t capacity = r->capacity ? r->capacity * 2 : 64;
	struct retrieved_entry *entries;
	uint32_t *slots;

	if (r->count < r->capacity)
		return true;
	if (capacity > ENTRIES_MAXIMUM)
		return false;
	slots = calloc((size_t)capacity * 2, sizeof(*slots));
	entries = realloc(r->entries, capacity * sizeof(*entries));
	if (entries)
		r->entries = entries;
	if (!entries || !slots) {
		free(slots);
		return false;
	}
	free(r->slots);
	r->slots = slots;
	r->slot_count = capacity * 2;
	r->capacity = capacity;
	for (uint32_t i = 0; i < r->count; i++)
		r->slots[slot_of(r, r->entries[i].digest)] = i + 1;
	return true;
}

bool
retrieved_find(struct retrieved *r,
	const unsigned char digest[UIDL_DIGEST_OCTETS], uint64_t *out_seconds)
{
	struct retrieved_entry *entry;
	uint32_t slot;

	if (r->count == 0)
		return false;
	slot = slot_of(r, digest);
	if (r->slots[slot] == 0)
		return false;
	entry = &r->entries[r->slots[slot] - 1];
	entry->is_used = true;
	*out_seconds = entry->seconds;
	return true;
}

bool
retrieved_note(struct retrieved *r,
	const unsigned char digest[UIDL_DIGEST_OCTETS], uint64_t seconds)
{
	struct retrieved_entry *entry;
	uint32_t slot;

	if (!grow(r))
		return false;
	slot = slot_of(r, digest);
	if (r->slots[slot] != 0)
		return true;
	entry = &r->entries[r->count++];
	*entry = (struct retrieved_entry){.seconds = seconds};
	memcpy(entry->digest, digest, UIDL_DIGEST_OCTETS);
	r->slots[slot] = r->count;
	return true;
}

/* ---- the file ---- */

static uint64_t
checksum(const unsigned char *at, uint64_t offset)
{
	return XXH3_64bits_withSeed(
		at + CHECKSUM_OCTETS, ENTRY_OCTETS - CHECKSUM_OCTETS, offset);
}

static void
encode(const struct retrieved_entry *entry, uint64_t offset,
	unsigned char to[ENTRY_OCTETS])
{
	memcpy(to + AT_DIGEST, entry->digest, UIDL_DIGEST_OCTETS);
	little_put(to + AT_SECONDS, 8, entry->seconds);
	little_put(to, CHECKSUM_OCTETS, checksum(to, offset));
}

/* One with a wrong checksum was cut short by a crash: skipped. */
static bool
take(struct retrieved *r, const unsigned char *at, uint64_t offset)
{
	if (little_get(at, CHECKSUM_OCTETS) != checksum(at, offset))
		return true;
	return retrieved_note(
		r, at + AT_DIGEST, little_get(at + AT_SECONDS, 8));
}

static enum outcome
load(struct retrieved *r, int fd)
{
	unsigned char window[WINDOW_ENTRIES * ENTRY_OCTETS];
	struct files *files = r->state->files;
	ssize_t octets;

	do {
		octets = files_read_all(
			files, fd, window, sizeof(window), r->end);
		if (octets < 0)
			return outcome_of_errno((int)-octets);
		for (ssize_t i = 0; i + ENTRY_OCTETS <= octets;
			i += ENTRY_OCTETS)
			if (!take(r, window + i, r->end + (uint64_t)i))
				return ERR_TRY_LATER;
		/* A torn end is written over. */
		r->end += (uint64_t)octets / ENTRY_OCTETS * ENTRY_OCTETS;
	} while ((size_t)octets == sizeof(window));
	r->known = r->count;
	return OK;
}

enum outcome
retrieved_open(struct retrieved *r, const struct state_folder *state)
{
	enum outcome outcome;
	int fd;

	*r = (struct retrieved){.state = state};
	fd = state_open(state, "mailbox", FILE_NAME, O_RDONLY);
	if (fd < 0)
		return fd == -ENOENT ? OK : outcome_of_errno(-fd);
	outcome = load(r, fd);
	state->files->close(state->files, &fd);
	if (outcome != OK)
		retrieved_release(r);
	return outcome;
}

void
retrieved_release(struct retrieved *r)
{
	free(r->entries);
	free(r->slots);
	*r = (struct retrieved){0};
}

/* Entries `first` and on, as far as they are used (or all), at *end. */
static int
write_entries(struct retrieved *r, int fd, uint32_t first, bool only_used,
	uint64_t *end)
{
	unsigned char window[WINDOW_ENTRIES * ENTRY_OCTETS];
	struct files *files = r->state->files;
	size_t octets = 0;
	int error = 0;

	for (uint32_t i = first; i < r->count && error == 0; i++) {
		if (only_used && !r->entries[i].is_used)
			continue;
		encode(&r->entries[i], *end + octets, window + octets);
		octets += ENTRY_OCTETS;
		if (octets < sizeof(window))
			continue;
		error = files_write_all(
			files, fd, bytes_of(window, octets), *end);
		*end += octets;
		octets = 0;
	}
	if (error == 0 && octets > 0)
		error = files_write_all(
			files, fd, bytes_of(window, octets), *end);
	*end += octets;
	return error;
}

enum outcome
retrieved_write(struct retrieved *r)
{
	const struct state_folder *state = r->state;
	int fd, error;

	if (r->known == r->count)
		return OK;
	fd = state_open(state, "mailbox", FILE_NAME, O_RDWR | O_CREAT);
	if (fd < 0)
		return outcome_of_errno(-fd);
	error = write_entries(r, fd, r->known, false, &r->end);
	state->files->close(state->files, &fd);
	if (error == 0)
		r->known = r->count;
	return outcome_of_errno(-error);
}

static bool
is_mostly_gone(const struct retrieved *r)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < r->count; i++)
		used += r->entries[i].is_used;
	return r->count >= TIDY_MINIMUM && used < r->count / 2;
}

enum outcome
retrieved_tidy(struct retrieved *r)
{
	const struct state_folder *state = r->state;
	char from[STATE_PATH_OCTETS], to[STATE_PATH_OCTETS];
	uint64_t end = 0;
	int fd, error;

	if (!is_mostly_gone(r))
		return OK;
	fd = state_open(
		state, "mailbox", FRESH_NAME, O_RDWR | O_CREAT | O_TRUNC);
	if (fd < 0)
		return outcome_of_errno(-fd);
	error = write_entries(r, fd, 0, true, &end);
	/* Before the name: else a crash could leave an empty file. */
	if (error == 0)
		error = state->files->sync_data(state->files, fd);
	state->files->close(state->files, &fd);
	state_path(state, "mailbox", FRESH_NAME, from);
	state_path(state, "mailbox", FILE_NAME, to);
	if (error == 0)
		error = state->files->rename(
			state->files, state->root, from, state->root, to);
	return outcome_of_errno(-error);
}
