/* SPDX-License-Identifier: ISC */
#include "store/maildir/arrivals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/maildir/measuring.h"
#include "store/maildir/ordering.h"

#define FETCHED_AHEAD 8

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

/* The items stay where they are: they are large. */
static enum outcome
put_in_order(struct arrivals *arrivals)
{
	uint32_t count = arrivals->count;

	arrivals->order = malloc((size_t)count * sizeof(*arrivals->order));
	if (!arrivals->order)
		return count == 0 ? OK : ERR_TRY_LATER;
	for (uint32_t i = 0; i < count; i++)
		arrivals->order[i] = (struct ordered){
			.seconds = arrivals->items[i].seconds,
			.index = i,
			.entry = arrivals->items[i].entry,
		};
	return ordering_sort(arrivals->listing, arrivals->order, count)
		       ? OK
		       : ERR_TRY_LATER;
}

static enum outcome
take_unknown(struct arrivals *arrivals)
{
	const struct listing *listing = arrivals->listing;
	uint32_t count = 0;

	for (uint32_t i = 0; i < listing->count; i++)
		count += !listing->entries[i].is_known;
	if (count == 0)
		return OK;
	arrivals->items = calloc(count, sizeof(*arrivals->items));
	if (!arrivals->items)
		return ERR_TRY_LATER;
	for (uint32_t i = 0; i < listing->count; i++)
		if (!listing->entries[i].is_known)
			arrivals->items[arrivals->count++].entry = i;
	return OK;
}

static void
leave_out(struct arrivals *arrivals, struct mailbox *mailbox,
	const struct arrival *arrival)
{
	struct file_name name;

	if (arrival->error == -ENOENT)
		return;
	listing_name(arrivals->listing, &arrival->file, &name);
	arrivals->has_unreadable = true;
	mailbox_notice(mailbox, "%s/%s cannot be read (%s); left out",
		maildir_directory_names[name.directory], name.text,
		strerror(-arrival->error));
}

static void
keep_measured(struct arrivals *arrivals, struct mailbox *mailbox)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < arrivals->count; i++) {
		const struct arrival *arrival = &arrivals->items[i];

		if (arrival->error != 0) {
			leave_out(arrivals, mailbox, arrival);
			continue;
		}
		arrivals->octets += arrival->octets;
		if (kept != i)
			arrivals->items[kept] = *arrival;
		kept++;
	}
	arrivals->count = kept;
}

enum outcome
arrivals_measure(struct arrivals *arrivals, struct mailbox *mailbox,
	const struct listing *listing, struct uidls *uidls)
{
	enum outcome outcome;

	*arrivals = (struct arrivals){.listing = listing, .uidls = uidls};
	outcome = take_unknown(arrivals);
	if (outcome == OK)
		outcome = measuring_run(
			mailbox, listing, arrivals->items, arrivals->count);
	if (outcome == OK)
		keep_measured(arrivals, mailbox);
	for (uint32_t i = 0; i < arrivals->count && outcome == OK; i++)
		outcome = renew_uidl(
			arrivals, mailbox->files, &arrivals->items[i]);
	return outcome == OK ? put_in_order(arrivals) : outcome;
}

void
arrivals_withhold(struct arrivals *arrivals)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < arrivals->count; i++) {
		struct ordered ordered = arrivals->order[i];
		const struct arrival *item = &arrivals->items[ordered.index];

		if (item->has_new_uidl)
			arrivals->octets -= item->octets;
		else
			arrivals->order[kept++] = ordered;
	}
	arrivals->count = kept;
}

static bool
write_one(const struct arrivals *arrivals, const struct arrival *arrival,
	struct index_writer *writer)
{
	unsigned char encoded[NAMES_ENTRY_OCTETS];
	char uidl[UIDL_MAXIMUM_OCTETS + 1];
	struct index_message message = {
		.octets = arrival->octets,
		.stored_octets = arrival->stored_octets,
		.header_octets = arrival->header_octets,
		.surrogate_difference = arrival->surrogate_difference,
		.flags = arrival->flags,
	};
	const struct listing_entry *file = &arrival->file;
	enum uidls_kind kind;
	size_t octets;

	if (uidls_find(arrivals->uidls, arrival->digest, &kind, uidl))
		return false;
	if (kind != UIDLS_GIVEN)
		uidl_print(arrival->digest, uidl);
	octets = names_encode_text((enum maildir_directory)file->directory,
		listing_text(arrivals->listing, file), file->base_octets,
		encoded);
	message.names_offset =
		index_writer_names(writer, bytes_of(encoded, octets));
	index_writer_message(writer, &message, bytes_of_string(uidl));
	return true;
}

/* What is written is anywhere in memory: it is fetched a little ahead, each
   part when the one that leads to it is there. */
static void
expect(const struct arrivals *arrivals, uint32_t at)
{
	const struct ordered *later, *next;
	struct bytes text;

	if (at + 2 * FETCHED_AHEAD >= arrivals->count)
		return;
	later = &arrivals->order[at + 2 * FETCHED_AHEAD];
	next = &arrivals->order[at + FETCHED_AHEAD];
	__builtin_prefetch(&arrivals->items[later->index]);
	__builtin_prefetch(&arrivals->items[later->index].has_new_uidl);
	text = listing_text(
		arrivals->listing, &arrivals->items[next->index].file);
	__builtin_prefetch(text.at);
	__builtin_prefetch(text.at + text.octets);
}

bool
arrivals_write(const struct arrivals *arrivals, struct index_writer *writer)
{
	for (uint32_t i = 0; i < arrivals->count; i++) {
		expect(arrivals, i);
		if (!write_one(arrivals,
			    &arrivals->items[arrivals->order[i].index], writer))
			return false;
	}
	return true;
}

void
arrivals_release(struct arrivals *arrivals)
{
	free(arrivals->items);
	free(arrivals->order);
	*arrivals = (struct arrivals){0};
}
