/* SPDX-License-Identifier: ISC */
#include "store/maildir/arrivals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "message/measure.h"

#define READ_OCTETS 65536

struct arrival {
	uint32_t entry; /* of the listing */
	uint8_t flags;
	bool has_new_uidl;
	unsigned char digest[UIDL_DIGEST_OCTETS];
	uint64_t seconds;
	uint64_t octets, stored_octets, header_octets;
	int32_t surrogate_difference;
};

static int
measure_file(struct files *files, int fd, unsigned char *chunk,
	struct measure *measure)
{
	measure_init(measure);
	for (;;) {
		ssize_t n = files->read_at(
			files, fd, chunk, READ_OCTETS, measure->stored_octets);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		measure_put(measure, bytes_of(chunk, (size_t)n));
	}
	measure_end(measure);
	return 0;
}

/* 0, or -ENOENT for what is gone or no file at all, or what went wrong. */
static int
look(struct mailbox *mailbox, const struct file_name *name,
	unsigned char *chunk, struct measure *out, uint64_t *out_seconds)
{
	struct files *files = mailbox->files;
	char path[FILE_NAME_PATH_OCTETS];
	struct stat status;
	int fd, error;

	file_name_path(name, path);
	fd = files->open(files, mailbox->root, path, O_RDONLY, 0);
	if (fd < 0)
		return fd == -ELOOP ? -ENOENT : fd;
	error = files->stat(files, fd, &status);
	if (error == 0 && !S_ISREG(status.st_mode))
		error = -ENOENT;
	if (error == 0)
		error = measure_file(files, fd, chunk, out);
	files->close(files, &fd);
	if (error == 0 && !file_name_time(name, out_seconds))
		*out_seconds = (uint64_t)status.st_mtim.tv_sec;
	return error;
}

static struct arrival *
add(struct arrivals *arrivals)
{
	if (arrivals->count == arrivals->capacity) {
		uint32_t capacity = arrivals->capacity * 2 + 16;
		struct arrival *more =
			realloc(arrivals->items, capacity * sizeof(*more));

		if (!more)
			return NULL;
		arrivals->items = more;
		arrivals->capacity = capacity;
	}
	return &arrivals->items[arrivals->count++];
}

static enum outcome
measure_entry(struct arrivals *arrivals, struct mailbox *mailbox,
	uint32_t entry, unsigned char *chunk)
{
	struct measure measure;
	struct file_name name;
	struct index_message message;
	struct arrival *arrival;
	uint64_t seconds = 0;
	int error;

	listing_name(
		arrivals->listing, &arrivals->listing->entries[entry], &name);
	error = look(mailbox, &name, chunk, &measure, &seconds);
	if (error == -ENOENT)
		return OK;
	if (error != 0) {
		arrivals->has_unreadable = true;
		mailbox_notice(mailbox, "%s/%s cannot be read (%s); left out",
			maildir_directory_names[name.directory], name.text,
			strerror(-error));
		return OK;
	}
	arrival = add(arrivals);
	if (!arrival)
		return ERR_TRY_LATER;
	message = index_message_of_measure(&measure);
	*arrival = (struct arrival){
		.entry = entry,
		.flags = message.flags,
		.seconds = seconds,
		.octets = message.octets,
		.stored_octets = message.stored_octets,
		.header_octets = message.header_octets,
		.surrogate_difference = message.surrogate_difference,
	};
	arrivals->octets += message.octets;
	return uidl_digest(file_name_base(&name), arrival->digest)
		       ? OK
		       : ERR_TRY_LATER;
}

/* A name whose message was deleted before: its UIDL is used up. */
static enum outcome
renew_uidl(
	struct arrivals *arrivals, struct files *files, struct arrival *arrival)
{
	char uidl[UIDL_MAXIMUM_OCTETS + 1];
	unsigned char digest[UIDL_DIGEST_OCTETS];
	enum uidls_kind kind;
	enum outcome outcome =
		uidls_find(arrivals->uidls, arrival->digest, &kind, uidl);

	if (outcome != OK || kind != UIDLS_GONE)
		return outcome;
	if (files->random(files, digest, sizeof(digest)) != 0)
		return ERR_TRY_LATER;
	uidl_print(digest, uidl);
	arrival->has_new_uidl = true;
	return uidls_give(
		arrivals->uidls, arrival->digest, bytes_of_string(uidl));
}

static int
compare(const void *a, const void *b, void *context)
{
	const struct arrival *left = a, *right = b;
	const struct listing *listing = context;
	const struct listing_entry *x = &listing->entries[left->entry];
	const struct listing_entry *y = &listing->entries[right->entry];
	size_t octets = x->octets < y->octets ? x->octets : y->octets;
	int order;

	if (left->seconds != right->seconds)
		return left->seconds < right->seconds ? -1 : 1;
	order = memcmp(
		listing->arena + x->text, listing->arena + y->text, octets);
	return order ? order : (int)x->octets - (int)y->octets;
}

enum outcome
arrivals_measure(struct arrivals *arrivals, struct mailbox *mailbox,
	const struct listing *listing, struct uidls *uidls)
{
	unsigned char *chunk = malloc(READ_OCTETS);
	enum outcome outcome = chunk ? OK : ERR_TRY_LATER;

	*arrivals = (struct arrivals){.listing = listing, .uidls = uidls};
	for (uint32_t i = 0; i < listing->count && outcome == OK; i++) {
		mailbox_progress(mailbox, i, listing->count);
		if (!listing->entries[i].is_known)
			outcome = measure_entry(arrivals, mailbox, i, chunk);
	}
	free(chunk);
	for (uint32_t i = 0; i < arrivals->count && outcome == OK; i++)
		outcome = renew_uidl(
			arrivals, mailbox->files, &arrivals->items[i]);
	if (outcome == OK && arrivals->count > 1)
		qsort_r(arrivals->items, arrivals->count,
			sizeof(*arrivals->items), compare,
			(void *)(uintptr_t)listing);
	return outcome;
}

void
arrivals_withhold(struct arrivals *arrivals)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < arrivals->count; i++) {
		if (arrivals->items[i].has_new_uidl)
			arrivals->octets -= arrivals->items[i].octets;
		else
			arrivals->items[kept++] = arrivals->items[i];
	}
	arrivals->count = kept;
}

bool
arrivals_write(const struct arrivals *arrivals, struct index_writer *writer)
{
	for (uint32_t i = 0; i < arrivals->count; i++) {
		const struct arrival *arrival = &arrivals->items[i];
		unsigned char encoded[NAMES_ENTRY_OCTETS];
		char uidl[UIDL_MAXIMUM_OCTETS + 1];
		struct index_message message = {
			.octets = arrival->octets,
			.stored_octets = arrival->stored_octets,
			.header_octets = arrival->header_octets,
			.surrogate_difference = arrival->surrogate_difference,
			.flags = arrival->flags,
		};
		struct file_name name;
		enum uidls_kind kind;

		if (uidls_find(arrivals->uidls, arrival->digest, &kind, uidl))
			return false;
		if (kind != UIDLS_GIVEN)
			uidl_print(arrival->digest, uidl);
		listing_name(arrivals->listing,
			&arrivals->listing->entries[arrival->entry], &name);
		message.names_offset = index_writer_names(writer,
			bytes_of(encoded, names_encode(&name, encoded)));
		index_writer_message(writer, &message, bytes_of_string(uidl));
	}
	return true;
}

void
arrivals_release(struct arrivals *arrivals)
{
	free(arrivals->items);
	*arrivals = (struct arrivals){0};
}
