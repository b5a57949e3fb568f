/* SPDX-License-Identifier: ISC */
#include "store/maildir/arrivals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/maildir/measuring.h"

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
	listing_name(arrivals->listing,
		&arrivals->listing->entries[arrival->entry], &name);
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
		arrivals->items[kept++] = *arrival;
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
