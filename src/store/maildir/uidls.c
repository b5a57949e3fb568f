/* SPDX-License-Identifier: ISC */
#include "store/maildir/uidls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "store/little_endian.h"

#define SLOT_OCTETS  32
#define GIVEN_OCTETS 128
#define READ_OCTETS  16384
#define ASIDE_OCTETS 40

/* Offsets within an entry. */
enum { AT_KIND = 8, AT_UIDL_OCTETS = 9, AT_DIGEST = 16, AT_UIDL = 32 };

struct uidls_entry {
	unsigned char digest[UIDL_DIGEST_OCTETS];
	uint64_t offset; /* of the entry in file and pending */
	uint8_t kind;	 /* enum uidls_kind; NONE: free */
};

static uint64_t
checksum(const unsigned char *entry, size_t octets, uint64_t offset)
{
	return XXH3_64bits_withSeed(entry + 8, octets - 8, offset);
}

static size_t
entry_octets(enum uidls_kind kind)
{
	return kind == UIDLS_GIVEN ? GIVEN_OCTETS : SLOT_OCTETS;
}

static struct uidls_entry *
find(const struct uidls *uidls, const unsigned char *digest)
{
	uint32_t mask = uidls->capacity - 1;
	uint32_t at = (uint32_t)little_get(digest, 4) & mask;

	while (uidls->entries[at].kind != UIDLS_NONE &&
		memcmp(uidls->entries[at].digest, digest, UIDL_DIGEST_OCTETS))
		at = (at + 1) & mask;
	return &uidls->entries[at];
}

static bool
grow(struct uidls *uidls)
{
	struct uidls old = *uidls;

	uidls->capacity = old.capacity ? old.capacity * 2 : 64;
	uidls->entries = calloc(uidls->capacity, sizeof(*uidls->entries));
	if (!uidls->entries) {
		*uidls = old;
		return false;
	}
	for (uint32_t i = 0; i < old.capacity; i++)
		if (old.entries[i].kind != UIDLS_NONE)
			*find(uidls, old.entries[i].digest) = old.entries[i];
	free(old.entries);
	return true;
}

static bool
note(struct uidls *uidls, const unsigned char *digest, enum uidls_kind kind,
	uint64_t offset)
{
	struct uidls_entry *entry;

	if (uidls->count >= uidls->capacity / 2 && !grow(uidls))
		return false;
	entry = find(uidls, digest);
	uidls->count += entry->kind == UIDLS_NONE;
	memcpy(entry->digest, digest, UIDL_DIGEST_OCTETS);
	entry->kind = (uint8_t)kind;
	entry->offset = offset;
	return true;
}

/* Octets of the valid entry at the front of `bytes`, else 0. */
static size_t
check(struct bytes bytes, uint64_t offset)
{
	enum uidls_kind kind;
	size_t octets;

	if (bytes.octets < SLOT_OCTETS)
		return 0;
	kind = (enum uidls_kind)bytes.at[AT_KIND];
	if (kind != UIDLS_GONE && kind != UIDLS_GIVEN)
		return 0;
	octets = entry_octets(kind);
	if (bytes.octets < octets ||
		little_get(bytes.at, 8) != checksum(bytes.at, octets, offset))
		return 0;
	if (kind == UIDLS_GIVEN && !uidl_is_valid(bytes_of(bytes.at + AT_UIDL,
					   bytes.at[AT_UIDL_OCTETS])))
		return 0;
	return octets;
}

/* Reads on behind what a crash left half written: entries begin at multiples
   of SLOT_OCTETS. */
static enum outcome
load(struct uidls *uidls, int fd)
{
	struct files *files = uidls->mailbox->files;
	unsigned char chunk[READ_OCTETS];
	uint64_t offset = 0;

	for (;;) {
		ssize_t n =
			files_read_all(files, fd, chunk, sizeof(chunk), offset);
		struct bytes rest = bytes_of(chunk, n > 0 ? (size_t)n : 0);
		uint64_t at = offset;

		if (n < 0)
			return ERR_TRY_LATER;
		/* The last entry may go on in the next chunk. */
		while (rest.octets >= GIVEN_OCTETS ||
			(rest.octets >= SLOT_OCTETS &&
				n < (ssize_t)sizeof(chunk))) {
			size_t octets = check(rest, at);

			if (octets != 0 &&
				!note(uidls, rest.at + AT_DIGEST,
					(enum uidls_kind)rest.at[AT_KIND], at))
				return ERR_TRY_LATER;
			if (octets == 0) {
				octets = SLOT_OCTETS;
				uidls->damaged_octets += octets;
			}
			rest = bytes_after(rest, octets);
			at += octets;
		}
		if (n < (ssize_t)sizeof(chunk)) {
			uidls->damaged_octets += rest.octets;
			uidls->end = at + (rest.octets ? SLOT_OCTETS : 0);
			return OK;
		}
		offset = at;
	}
}

enum outcome
uidls_open(struct uidls *uidls, struct mailbox *mailbox)
{
	struct files *files = mailbox->files;
	int fd = mailbox_open_state(mailbox, "mailbox", "uidls", O_RDONLY);
	enum outcome outcome;

	*uidls = (struct uidls){.mailbox = mailbox};
	if (fd == -ENOENT)
		return OK;
	if (fd < 0)
		return outcome_of_errno(-fd);
	outcome = load(uidls, fd);
	files->close(files, &fd);
	if (outcome != OK)
		uidls_release(uidls);
	return outcome;
}

void
uidls_release(struct uidls *uidls)
{
	free(uidls->entries);
	free(uidls->pending);
	*uidls = (struct uidls){.mailbox = uidls->mailbox};
}

static bool
read_entry(
	struct uidls *uidls, uint64_t offset, unsigned char out[GIVEN_OCTETS])
{
	struct files *files = uidls->mailbox->files;
	ssize_t n;
	int fd;

	if (offset >= uidls->end) {
		memcpy(out, uidls->pending + (offset - uidls->end),
			GIVEN_OCTETS);
		return true;
	}
	fd = mailbox_open_state(uidls->mailbox, "mailbox", "uidls", O_RDONLY);
	if (fd < 0)
		return false;
	n = files_read_all(files, fd, out, GIVEN_OCTETS, offset);
	files->close(files, &fd);
	return n == GIVEN_OCTETS;
}

enum outcome
uidls_find(struct uidls *uidls, const unsigned char digest[UIDL_DIGEST_OCTETS],
	enum uidls_kind *out_kind, char out[UIDL_MAXIMUM_OCTETS + 1])
{
	unsigned char entry[GIVEN_OCTETS];
	const struct uidls_entry *found;

	*out_kind = UIDLS_NONE;
	if (uidls->capacity == 0)
		return OK;
	found = find(uidls, digest);
	if (found->kind == UIDLS_GIVEN) {
		if (!read_entry(uidls, found->offset, entry) ||
			!bytes_to_string(bytes_of(entry + AT_UIDL,
						 entry[AT_UIDL_OCTETS]),
				out, UIDL_MAXIMUM_OCTETS + 1))
			return ERR_TRY_LATER;
	}
	*out_kind = (enum uidls_kind)found->kind;
	return OK;
}

enum outcome
uidls_each_given(struct uidls *uidls,
	bool (*is_good)(void *context,
		const unsigned char digest[UIDL_DIGEST_OCTETS],
		struct bytes uidl),
	void *context)
{
	for (uint32_t i = 0; i < uidls->capacity; i++) {
		unsigned char entry[GIVEN_OCTETS];

		if (uidls->entries[i].kind != UIDLS_GIVEN)
			continue;
		if (!read_entry(uidls, uidls->entries[i].offset, entry))
			return ERR_TRY_LATER;
		if (!is_good(context, uidls->entries[i].digest,
			    bytes_of(entry + AT_UIDL, entry[AT_UIDL_OCTETS])))
			return ERR_PEER;
	}
	return OK;
}

static enum outcome
append(struct uidls *uidls, enum uidls_kind kind, const unsigned char *digest,
	struct bytes uidl)
{
	size_t octets = entry_octets(kind);
	uint64_t offset = uidls->end + uidls->pending_octets;
	unsigned char *entry;

	if (uidls->pending_octets + octets > uidls->pending_capacity) {
		size_t capacity = uidls->pending_capacity * 2 + 1024;
		unsigned char *more = realloc(uidls->pending, capacity);

		if (!more)
			return ERR_TRY_LATER;
		uidls->pending = more;
		uidls->pending_capacity = capacity;
	}
	if (!note(uidls, digest, kind, offset))
		return ERR_TRY_LATER;
	entry = uidls->pending + uidls->pending_octets;
	memset(entry, 0, octets);
	entry[AT_KIND] = (unsigned char)kind;
	memcpy(entry + AT_DIGEST, digest, UIDL_DIGEST_OCTETS);
	if (kind == UIDLS_GIVEN) {
		entry[AT_UIDL_OCTETS] = (unsigned char)uidl.octets;
		memcpy(entry + AT_UIDL, uidl.at, uidl.octets);
	}
	little_put(entry, 8, checksum(entry, octets, offset));
	uidls->pending_octets += octets;
	return OK;
}

enum outcome
uidls_has_left(struct uidls *uidls,
	const unsigned char digest[UIDL_DIGEST_OCTETS], struct bytes uidl,
	bool *out)
{
	char given[UIDL_MAXIMUM_OCTETS + 1];
	enum uidls_kind kind;
	enum outcome outcome = uidls_find(uidls, digest, &kind, given);

	if (outcome == OK &&
		(kind == UIDLS_GONE ||
			(kind == UIDLS_GIVEN &&
				!bytes_equal(uidl, bytes_of_string(given)))))
		*out = true;
	return outcome;
}

enum outcome
uidls_give(struct uidls *uidls, const unsigned char digest[UIDL_DIGEST_OCTETS],
	struct bytes uidl)
{
	if (!uidl_is_valid(uidl))
		return ERR_PEER;
	return append(uidls, UIDLS_GIVEN, digest, uidl);
}

enum outcome
uidls_bury(struct uidls *uidls, const unsigned char digest[UIDL_DIGEST_OCTETS])
{
	if (uidls->capacity != 0 && find(uidls, digest)->kind == UIDLS_GONE)
		return OK;
	return append(uidls, UIDLS_GONE, digest, BYTES_NONE);
}

enum outcome
uidls_sync(struct uidls *uidls)
{
	struct mailbox *mailbox = uidls->mailbox;
	struct files *files = mailbox->files;
	int fd, error;

	if (uidls->pending_octets == 0)
		return OK;
	fd = mailbox_open_state(
		mailbox, "mailbox", "uidls", O_WRONLY | O_CREAT);
	if (fd < 0)
		return outcome_of_errno(-fd);
	error = files_write_all(files, fd,
		bytes_of(uidls->pending, uidls->pending_octets), uidls->end);
	if (error == 0)
		error = files->sync_data(files, fd);
	files->close(files, &fd);
	if (error == 0 && (uidls->end == 0 || !mailbox->is_uidls_entered)) {
		error = mailbox_sync_state(mailbox, "mailbox");
		mailbox->is_uidls_entered = error == 0;
	}
	if (error != 0)
		return outcome_of_errno(-error);
	uidls->end += uidls->pending_octets;
	uidls->pending_octets = 0;
	return OK;
}

/* ---- mending ---- */

static enum outcome
copy_entry(
	struct uidls *from, const struct uidls_entry *entry, struct uidls *to)
{
	unsigned char given[GIVEN_OCTETS];

	if (entry->kind == UIDLS_GONE)
		return append(to, UIDLS_GONE, entry->digest, BYTES_NONE);
	if (!read_entry(from, entry->offset, given))
		return ERR_TRY_LATER;
	return append(to, UIDLS_GIVEN, entry->digest,
		bytes_of(given + AT_UIDL, given[AT_UIDL_OCTETS]));
}

static enum outcome
copy(struct mailbox *mailbox, struct uidls *to)
{
	struct uidls from;
	enum outcome outcome = uidls_open(&from, mailbox);

	for (uint32_t i = 0; i < from.capacity && outcome == OK; i++)
		if (from.entries[i].kind != UIDLS_NONE)
			outcome = copy_entry(&from, &from.entries[i], to);
	uidls_release(&from);
	return outcome;
}

static int
write_new(struct mailbox *mailbox, struct bytes octets)
{
	struct files *files = mailbox->files;
	int fd = mailbox_open_state(
		mailbox, "mailbox", "uidls.new", O_WRONLY | O_CREAT | O_TRUNC);
	int error;

	if (fd < 0)
		return fd;
	error = files_write_all(files, fd, octets, 0);
	if (error == 0)
		error = files->sync(files, fd);
	files->close(files, &fd);
	return error;
}

/* The damaged file gets a second name before it loses the first. */
static int
exchange(struct mailbox *mailbox)
{
	struct files *files = mailbox->files;
	int root = mailbox->settings->state_root;
	char now[STATE_PATH_OCTETS], fresh[STATE_PATH_OCTETS],
		aside[STATE_PATH_OCTETS], name[ASIDE_OCTETS];
	int error;

	snprintf(name, sizeof(name), "uidls.damaged.%llu",
		(unsigned long long)(files->now_ns(files) / 1000000000));
	mailbox_state_path(mailbox, "mailbox", "uidls", now);
	mailbox_state_path(mailbox, "mailbox", "uidls.new", fresh);
	mailbox_state_path(mailbox, "mailbox", name, aside);
	error = files->link(files, root, now, root, aside);
	if (error == 0)
		error = files->rename(files, root, fresh, root, now);
	if (error == 0)
		error = mailbox_sync_state(mailbox, "mailbox");
	return error;
}

enum outcome
uidls_set_aside(struct mailbox *mailbox)
{
	struct uidls kept = {.mailbox = mailbox};
	enum outcome outcome = copy(mailbox, &kept);
	int error = 0;

	if (outcome == OK)
		error = write_new(
			mailbox, bytes_of(kept.pending, kept.pending_octets));
	if (outcome == OK && error == 0)
		error = exchange(mailbox);
	uidls_release(&kept);
	return outcome == OK ? outcome_of_errno(-error) : outcome;
}
