/* SPDX-License-Identifier: ISC */
#include "store/mbox/uidls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "store/little_endian.h"

#define ENTRY_OCTETS	40
#define CHECKSUM_OCTETS 8
#define WINDOW_ENTRIES	512
#define ENTRIES_MAXIMUM (1u << 26)
#define EPOCH_STEP	(1ull << 32)
#define OWN_NUMBERS	(1ull << 63)
/* Entries that are worth a new file, and how many times the messages. */
#define TIDY_MINIMUM 1024
#define TIDY_FACTOR  4
#define FILE_NAME    "mbox-uidls"
#define FRESH_NAME   "mbox-uidls.new"

enum { AT_DIGEST = 8, AT_NUMBER = 24, AT_KIND = 32 };

/* ---- in memory ---- */

static bool
note(struct mbox_uidls *u, enum mbox_uidls_kind kind,
	const unsigned char *digest, uint64_t number)
{
	struct mbox_uidls_entry *entry;

	if (u->count == u->capacity) {
		uint32_t capacity = u->capacity * 2 + 64;
		struct mbox_uidls_entry *more = NULL;

		if (capacity <= ENTRIES_MAXIMUM)
			more = realloc(u->entries, capacity * sizeof(*more));
		if (!more)
			return false;
		u->entries = more;
		u->capacity = capacity;
	}
	entry = &u->entries[u->count++];
	memcpy(entry->digest, digest, UIDL_DIGEST_OCTETS);
	entry->number = number;
	entry->kind = (uint8_t)kind;
	if (kind == MBOX_UIDLS_EPOCH && number > u->epoch)
		u->epoch = number;
	return true;
}

bool
mbox_uidls_add(struct mbox_uidls *u, enum mbox_uidls_kind kind,
	const unsigned char digest[UIDL_DIGEST_OCTETS], uint64_t number)
{
	return note(u, kind, digest, number);
}

void
mbox_uidls_release(struct mbox_uidls *u)
{
	free(u->entries);
	*u = (struct mbox_uidls){.state = u->state};
}

/* ---- the file ---- */

static uint64_t
checksum(const unsigned char *at, uint64_t offset)
{
	return XXH3_64bits_withSeed(
		at + CHECKSUM_OCTETS, ENTRY_OCTETS - CHECKSUM_OCTETS, offset);
}

static void
encode(const struct mbox_uidls_entry *entry, uint64_t offset,
	unsigned char to[ENTRY_OCTETS])
{
	memset(to, 0, ENTRY_OCTETS);
	memcpy(to + AT_DIGEST, entry->digest, UIDL_DIGEST_OCTETS);
	little_put(to + AT_NUMBER, 8, entry->number);
	to[AT_KIND] = entry->kind;
	little_put(to, CHECKSUM_OCTETS, checksum(to, offset));
}

/* One with a wrong checksum is free, or a crash cut it short: skipped. */
static bool
take(struct mbox_uidls *u, const unsigned char *at, uint64_t offset)
{
	if (little_get(at, CHECKSUM_OCTETS) != checksum(at, offset) ||
		at[AT_KIND] < MBOX_UIDLS_GONE || at[AT_KIND] > MBOX_UIDLS_EPOCH)
		return true;
	u->end = offset + ENTRY_OCTETS;
	return note(u, (enum mbox_uidls_kind)at[AT_KIND], at + AT_DIGEST,
		little_get(at + AT_NUMBER, 8));
}

static enum outcome
load(struct mbox_uidls *u, int fd)
{
	unsigned char window[WINDOW_ENTRIES * ENTRY_OCTETS];
	struct files *files = u->state->files;
	uint64_t offset = 0;
	ssize_t octets;

	do {
		octets = files_read_all(
			files, fd, window, sizeof(window), offset);
		if (octets < 0)
			return outcome_of_errno((int)-octets);
		for (ssize_t i = 0; i + ENTRY_OCTETS <= octets;
			i += ENTRY_OCTETS)
			if (!take(u, window + i, offset + (uint64_t)i))
				return ERR_TRY_LATER;
		offset += (uint64_t)octets;
	} while ((size_t)octets == sizeof(window));
	u->known = u->count;
	return OK;
}

enum outcome
mbox_uidls_open(struct mbox_uidls *u, const struct state_folder *state)
{
	enum outcome outcome;
	int fd;

	*u = (struct mbox_uidls){.state = state};
	fd = state_open(state, "mailbox", FILE_NAME, O_RDONLY);
	if (fd < 0)
		return fd == -ENOENT ? OK : outcome_of_errno(-fd);
	outcome = load(u, fd);
	state->files->close(state->files, &fd);
	if (outcome != OK)
		mbox_uidls_release(u);
	return outcome;
}

static int
write_entries(const struct mbox_uidls *u, int fd, uint32_t first, uint64_t *end)
{
	unsigned char window[WINDOW_ENTRIES * ENTRY_OCTETS];
	size_t octets = 0;
	int error = 0;

	for (uint32_t i = first; i < u->count && error == 0; i++) {
		encode(&u->entries[i], *end + octets, window + octets);
		octets += ENTRY_OCTETS;
		if (octets < sizeof(window) && i + 1 < u->count)
			continue;
		error = files_write_all(
			u->state->files, fd, bytes_of(window, octets), *end);
		*end += octets;
		octets = 0;
	}
	return error;
}

static int
open_to_write(const struct state_folder *state, int *out_error)
{
	int fd = state_open(state, "mailbox", FILE_NAME, O_RDWR);

	*out_error = 0;
	if (fd != -ENOENT)
		return fd;
	fd = state_open(state, "mailbox", FILE_NAME, O_RDWR | O_CREAT);
	if (fd >= 0)
		*out_error = state_sync(state, "mailbox");
	return fd;
}

enum outcome
mbox_uidls_sync(struct mbox_uidls *u)
{
	const struct state_folder *state = u->state;
	struct files *files = state->files;
	uint64_t end = u->end;
	int fd, error;

	if (u->known == u->count)
		return OK;
	fd = open_to_write(state, &error);
	if (fd < 0)
		return outcome_of_errno(-fd);
	if (error == 0)
		error = write_entries(u, fd, u->known, &end);
	if (error == 0)
		error = files->sync_data(files, fd);
	files->close(files, &fd);
	if (error != 0)
		return outcome_of_errno(-error);
	u->end = end;
	u->known = u->count;
	return OK;
}

void
mbox_uidls_take_back(struct mbox_uidls *u)
{
	static const unsigned char zeros[ENTRY_OCTETS];
	struct files *files = u->state->files;
	int fd = state_open(u->state, "mailbox", FILE_NAME, O_RDWR);

	if (fd >= 0)
		files_write_all(files, fd, bytes_of(zeros, sizeof(zeros)),
			u->end - ENTRY_OCTETS);
	files->close(files, &fd);
}

enum outcome
mbox_uidls_reserve(struct mbox_uidls *u, uint32_t more)
{
	uint64_t octets = u->end + (uint64_t)more * ENTRY_OCTETS, blocks = 4096;
	struct files *files = u->state->files;
	struct stat status;
	int fd, error;

	while (blocks < octets)
		blocks *= 2;
	fd = open_to_write(u->state, &error);
	if (fd < 0)
		return outcome_of_errno(-fd);
	if (error == 0)
		error = files->stat(files, fd, &status);
	if (error == 0 && (uint64_t)status.st_size < octets) {
		error = files->allocate(files, fd, blocks);
		if (error == 0)
			error = files->sync(files, fd);
	}
	files->close(files, &fd);
	return outcome_of_errno(-error);
}

/* ---- a new epoch ---- */

static enum outcome
replace(const struct mbox_uidls *fresh)
{
	const struct state_folder *state = fresh->state;
	struct files *files = state->files;
	char from[STATE_PATH_OCTETS], to[STATE_PATH_OCTETS];
	uint64_t end = 0;
	int fd = state_open(
		state, "mailbox", FRESH_NAME, O_RDWR | O_CREAT | O_TRUNC);
	int error;

	if (fd < 0)
		return outcome_of_errno(-fd);
	error = write_entries(fresh, fd, 0, &end);
	if (error == 0)
		error = files->sync(files, fd);
	files->close(files, &fd);
	state_path(state, "mailbox", FRESH_NAME, from);
	state_path(state, "mailbox", FILE_NAME, to);
	if (error == 0)
		error = files->rename(
			files, state->root, from, state->root, to);
	if (error == 0)
		error = state_sync(state, "mailbox");
	return outcome_of_errno(-error);
}

enum outcome
mbox_uidls_tidy(struct mbox_uidls *u, const struct mbox_scan *scan)
{
	static const unsigned char none[UIDL_DIGEST_OCTETS];
	struct mbox_uidls fresh = {.state = u->state};
	enum outcome outcome = ERR_TRY_LATER;
	bool is_good;

	if (u->count < TIDY_MINIMUM + (uint64_t)scan->count * TIDY_FACTOR)
		return OK;
	is_good = note(&fresh, MBOX_UIDLS_EPOCH, none, u->epoch + EPOCH_STEP);
	for (uint32_t i = 0; i < scan->count && is_good; i++)
		is_good = note(&fresh, MBOX_UIDLS_KEPT,
			scan->messages[i].digest, scan->messages[i].number);
	if (is_good)
		outcome = replace(&fresh);
	if (outcome == OK) {
		fresh.known = fresh.count;
		fresh.end = (uint64_t)fresh.count * ENTRY_OCTETS;
		mbox_uidls_release(u);
		*u = fresh;
	} else {
		mbox_uidls_release(&fresh);
	}
	return outcome;
}

/* ---- who gets which number ---- */

static int
compare_entries(const void *a, const void *b)
{
	const struct mbox_uidls_entry *one = a, *two = b;
	int order = memcmp(one->digest, two->digest, UIDL_DIGEST_OCTETS);

	if (order != 0)
		return order;
	if (one->number != two->number)
		return one->number < two->number ? -1 : 1;
	return one->kind - two->kind; /* gone first */
}

static int
compare_messages(const void *a, const void *b)
{
	const struct mbox_message *const *one = a, *const *two = b;
	int order = memcmp((*one)->digest, (*two)->digest, UIDL_DIGEST_OCTETS);

	if (order != 0)
		return order;
	return *one < *two ? -1 : 1;
}

/* The entries of one digest, and how far its numbers are given. */
struct numbers {
	const struct mbox_uidls_entry *at, *end; /* sorted */
	const struct mbox_uidls_entry *next_kept;
	uint64_t next_counted;
};

static bool
is_noted(const struct numbers *n, uint64_t number)
{
	const struct mbox_uidls_entry *low = n->at, *high = n->end;

	while (low < high) {
		const struct mbox_uidls_entry *middle = low + (high - low) / 2;

		if (middle->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n->end && low->number == number;
}

/* Noted as gone, or given already. */
static bool
is_taken(const struct numbers *n, const struct mbox_uidls_entry *kept)
{
	return kept > n->at && kept[-1].number == kept->number;
}

static uint64_t
next_number(struct numbers *n)
{
	for (; n->next_kept < n->end; n->next_kept++)
		if (n->next_kept->kind == MBOX_UIDLS_KEPT &&
			!is_taken(n, n->next_kept))
			return n->next_kept++->number;
	while (is_noted(n, n->next_counted))
		n->next_counted++;
	return n->next_counted++;
}

static void
assign_sorted(const struct mbox_uidls *u,
	const struct mbox_uidls_entry *entries, struct mbox_message **messages,
	uint32_t count)
{
	const struct mbox_uidls_entry *end = entries + u->count;
	struct numbers n = {entries, entries, entries, u->epoch};

	for (uint32_t i = 0; i < count; i++) {
		const unsigned char *digest = messages[i]->digest;

		if (i == 0 || memcmp(messages[i - 1]->digest, digest,
				      UIDL_DIGEST_OCTETS)) {
			n.at = n.end;
			while (n.at < end && memcmp(n.at->digest, digest,
						     UIDL_DIGEST_OCTETS) < 0)
				n.at++;
			n.end = n.at;
			while (n.end < end && !memcmp(n.end->digest, digest,
						      UIDL_DIGEST_OCTETS))
				n.end++;
			n.next_kept = n.at;
			n.next_counted = u->epoch;
		}
		messages[i]->number = next_number(&n);
	}
}

enum outcome
mbox_uidls_assign(struct mbox_uidls *u, struct mbox_scan *scan)
{
	struct mbox_message **messages =
		calloc((size_t)scan->count + 1, sizeof(struct mbox_message *));
	struct mbox_uidls_entry *entries =
		calloc((size_t)u->count + 1, sizeof(*entries));

	if (!messages || !entries) {
		free(messages);
		free(entries);
		return ERR_TRY_LATER;
	}
	for (uint32_t i = 0; i < scan->count; i++)
		messages[i] = &scan->messages[i];
	qsort(messages, scan->count, sizeof(*messages), compare_messages);
	if (u->count > 0)
		memcpy(entries, u->entries, u->count * sizeof(*entries));
	qsort(entries, u->count, sizeof(*entries), compare_entries);
	assign_sorted(u, entries, messages, scan->count);
	free(messages);
	free(entries);
	return OK;
}

bool
mbox_uidls_print(const unsigned char digest[UIDL_DIGEST_OCTETS],
	uint64_t number, char out[UIDL_OWN_OCTETS + 1])
{
	unsigned char name[UIDL_DIGEST_OCTETS + 8];
	unsigned char both[UIDL_DIGEST_OCTETS];

	memcpy(name, digest, UIDL_DIGEST_OCTETS);
	little_put(name + UIDL_DIGEST_OCTETS, 8, number);
	if (!uidl_digest(bytes_of(name, sizeof(name)), both))
		return false;
	uidl_print(both, out);
	return true;
}

uint64_t
mbox_uidls_own_number(const struct mbox_uidls *u)
{
	uint64_t number =
		OWN_NUMBERS | u->state->files->now_ns(u->state->files);

	for (uint32_t i = 0; i < u->count; i++)
		if (u->entries[i].number >= number)
			number = u->entries[i].number + 1;
	return number;
}
