/* SPDX-License-Identifier: ISC */
#include "store/maildir/refresh.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "store/maildir/arrivals.h"
#include "store/maildir/journal.h"

/* More new messages than this are written with a new index, which keeps them
   dense. */
#define APPEND_MAXIMUM 1024
/* Records that are no live message, beyond half as many as there are
   messages. */
#define WASTE_RECORDS 256

struct refresh {
	struct index_content content; /* first */
	struct mailbox *mailbox;
	struct stamps stamps; /* read before the directories were */
	struct listing listing;
	struct index_view *old; /* NULL: there is nothing to keep */
	struct arrivals arrivals;
	struct uidls uidls;
	uint32_t *removed; /* indexes in old, rising */
	uint32_t removed_count, removed_capacity;
	uint64_t removed_octets;
	bool has_moved;
};

static bool
note_removed(struct refresh *refresh, uint32_t index, uint64_t octets)
{
	if (refresh->removed_count == refresh->removed_capacity) {
		uint32_t capacity = refresh->removed_capacity * 2 + 64;
		uint32_t *more =
			realloc(refresh->removed, capacity * sizeof(*more));

		if (!more)
			return false;
		refresh->removed = more;
		refresh->removed_capacity = capacity;
	}
	refresh->removed[refresh->removed_count++] = index;
	refresh->removed_octets += octets;
	return true;
}

static bool
has_name(const struct refresh *refresh, const struct listing_entry *entry,
	const struct file_name *name)
{
	return entry->directory == name->directory &&
	       entry->octets == name->octets &&
	       !memcmp(refresh->listing.arena + entry->text, name->text,
		       name->octets);
}

/* What a power cut left of the index may be older than the UIDLs; within the
   life of this process it is not behind. */
static enum outcome
came_again(struct refresh *refresh, const struct index_message *message,
	const struct file_name *name, bool *out)
{
	unsigned char digest[UIDL_DIGEST_OCTETS], uidl[UIDL_MAXIMUM_OCTETS];
	enum outcome outcome;
	size_t octets;

	if (refresh->mailbox->is_checked || file_name_is_own(name))
		return OK;
	outcome = index_view_uidl(refresh->old, message, uidl, &octets);
	if (outcome == OK && !uidl_digest(file_name_base(name), digest))
		outcome = ERR_TRY_LATER;
	return outcome == OK ? uidls_has_left(&refresh->uidls, digest,
				       bytes_of(uidl, octets), out)
			     : outcome;
}

static enum outcome
compare_message(struct refresh *refresh, uint32_t index)
{
	bool is_another = false;

	struct index_message message;
	struct listing_entry *entry;
	struct file_name name;
	uint32_t number;
	enum outcome outcome;

	outcome = index_view_message(refresh->old, index, &number, &message);
	if (outcome == OK)
		outcome = index_view_name(refresh->old, &message, &name);
	if (outcome != OK)
		return outcome;
	entry = listing_find(&refresh->listing, file_name_base(&name));
	if (entry)
		outcome = came_again(refresh, &message, &name, &is_another);
	if (outcome != OK)
		return outcome;
	if (!entry || is_another)
		return note_removed(refresh, index, message.octets)
			       ? OK
			       : ERR_TRY_LATER;
	if (entry->is_known)
		return ERR_BROKEN;
	entry->is_known = true;
	if (!has_name(refresh, entry, &name))
		refresh->has_moved = true;
	return OK;
}

static void
forget_old(struct refresh *refresh)
{
	for (uint32_t i = 0; i < refresh->listing.count; i++)
		refresh->listing.entries[i].is_known = false;
	refresh->removed_count = 0;
	refresh->removed_octets = 0;
	refresh->has_moved = false;
}

static enum outcome
compare(struct refresh *refresh)
{
	uint32_t count = refresh->old->trailer.count;
	enum outcome outcome = OK;

	forget_old(refresh);
	for (uint32_t i = 0; i < count && outcome == OK; i++)
		outcome = compare_message(refresh, i);
	return outcome;
}

/*
 * A file that is renamed while the directories are read may be in neither
 * list. It must not count as removed: it would come back as another message.
 * So what is missing is looked for once more unless nothing has changed for a
 * while.
 */
static enum outcome
confirm_removed(struct refresh *refresh)
{
	struct stamps now;
	enum outcome outcome = mailbox_stamps(refresh->mailbox, &now);

	if (outcome != OK)
		return outcome;
	if (refresh->stamps.flags == STAMPS_TRUSTED &&
		now.new_ns == refresh->stamps.new_ns &&
		now.cur_ns == refresh->stamps.cur_ns)
		return OK;
	outcome = mailbox_scan(refresh->mailbox, &refresh->listing);
	return outcome == OK ? compare(refresh) : outcome;
}

static enum outcome
look_at_old(struct refresh *refresh)
{
	enum outcome outcome;

	if (!refresh->old)
		return OK;
	outcome = compare(refresh);
	if (outcome == OK && refresh->removed_count > 0)
		outcome = confirm_removed(refresh);
	if (outcome != ERR_BROKEN)
		return outcome;
	mailbox_notice(refresh->mailbox,
		"the index is damaged; it is rebuilt from the Maildir");
	forget_old(refresh);
	index_view_free(refresh->mailbox->files, &refresh->old);
	return OK;
}

static enum outcome
bury_removed(struct refresh *refresh)
{
	enum outcome outcome = OK;

	for (uint32_t i = 0; i < refresh->removed_count && outcome == OK; i++) {
		unsigned char digest[UIDL_DIGEST_OCTETS];
		struct index_message message;
		struct file_name name;
		uint32_t number;

		outcome = index_view_message(
			refresh->old, refresh->removed[i], &number, &message);
		if (outcome == OK)
			outcome =
				index_view_name(refresh->old, &message, &name);
		/* One that came again has an entry already. */
		if (outcome != OK ||
			!mailbox_may_come_again(refresh->mailbox, &name) ||
			mailbox_may_be_filed_yet(refresh->mailbox, &name) ||
			listing_find(&refresh->listing, file_name_base(&name)))
			continue;
		outcome = uidl_digest(file_name_base(&name), digest)
				  ? uidls_bury(&refresh->uidls, digest)
				  : ERR_TRY_LATER;
	}
	return outcome;
}

static void
set_stamps(const struct refresh *refresh, struct index_trailer *trailer)
{
	trailer->new_ns = refresh->stamps.new_ns;
	trailer->cur_ns = refresh->stamps.cur_ns;
	trailer->flags = refresh->stamps.flags;
	if (refresh->arrivals.has_unreadable)
		trailer->flags = 0;
}

/* Removed messages that follow each other share a tombstone. */
static bool
write_tombstones(struct refresh *refresh, struct index_writer *writer,
	struct index_trailer *trailer)
{
	struct index_tombstone dead = {0};
	struct index_message message;

	for (uint32_t i = 0; i < refresh->removed_count; i++) {
		uint32_t number, index = refresh->removed[i];

		if (index_view_message(
			    refresh->old, index, &number, &message) != OK)
			return false;
		if (i == 0 || refresh->removed[i - 1] + 1 != index) {
			if (i > 0)
				index_writer_tombstone(writer, &dead);
			dead.first = number;
		}
		dead.last = number;
		if (trailer->dense >= number)
			trailer->dense = number - 1;
	}
	if (refresh->removed_count > 0)
		index_writer_tombstone(writer, &dead);
	return true;
}

static bool
write_changes(struct index_content *content, struct index_writer *writer,
	struct index_trailer *trailer)
{
	struct refresh *refresh = (struct refresh *)content;

	if (!write_tombstones(refresh, writer, trailer) ||
		!arrivals_write(&refresh->arrivals, writer))
		return false;
	trailer->count += refresh->arrivals.count - refresh->removed_count;
	trailer->octets += refresh->arrivals.octets - refresh->removed_octets;
	set_stamps(refresh, trailer);
	return true;
}

static bool
write_kept(struct refresh *refresh, struct index_writer *writer, uint32_t index)
{
	unsigned char uidl[UIDL_MAXIMUM_OCTETS];
	unsigned char entry[NAMES_ENTRY_OCTETS];
	const struct listing_entry *found;
	struct index_message message;
	struct file_name name;
	size_t uidl_octets;
	uint32_t number;

	if (index_view_message(refresh->old, index, &number, &message) != OK ||
		index_view_name(refresh->old, &message, &name) != OK ||
		index_view_uidl(refresh->old, &message, uidl, &uidl_octets) !=
			OK)
		return false;
	found = listing_find(&refresh->listing, file_name_base(&name));
	if (!found)
		return false;
	listing_name(&refresh->listing, found, &name);
	message.names_offset = index_writer_names(
		writer, bytes_of(entry, names_encode(&name, entry)));
	index_writer_message(writer, &message, bytes_of(uidl, uidl_octets));
	return true;
}

static uint32_t
new_count(const struct refresh *refresh)
{
	uint32_t old = refresh->old ? refresh->old->trailer.count : 0;

	return old - refresh->removed_count + refresh->arrivals.count;
}

static bool
write_all(struct index_content *content, struct index_writer *writer,
	struct index_trailer *trailer)
{
	struct refresh *refresh = (struct refresh *)content;
	uint32_t old = refresh->old ? refresh->old->trailer.count : 0;
	uint64_t octets = refresh->old ? refresh->old->trailer.octets : 0;
	uint32_t skipped = 0;

	for (uint32_t i = 0; i < old; i++) {
		if (skipped < refresh->removed_count &&
			refresh->removed[skipped] == i)
			skipped++;
		else if (!write_kept(refresh, writer, i))
			return false;
	}
	if (!arrivals_write(&refresh->arrivals, writer))
		return false;
	trailer->count = trailer->dense = new_count(refresh);
	trailer->octets =
		octets - refresh->removed_octets + refresh->arrivals.octets;
	set_stamps(refresh, trailer);
	return true;
}

bool
refresh_is_wasteful(const struct mailbox *mailbox, uint32_t count)
{
	return mailbox->index.trailer_number >
	       (uint64_t)count + count / 2 + WASTE_RECORDS;
}

static bool
may_append(const struct refresh *refresh)
{
	const struct index_state *state = &refresh->mailbox->index;
	uint32_t count = new_count(refresh);

	/* A first filling is written whole too, so that it is dense. */
	if (!refresh->old || (refresh->old->trailer.count == 0 &&
				     refresh->arrivals.count > 0))
		return false;
	return state->is_loaded && !state->has_tail && !refresh->has_moved &&
	       refresh->arrivals.count <= APPEND_MAXIMUM &&
	       !refresh_is_wasteful(refresh->mailbox, count);
}

static bool
is_unchanged(const struct refresh *refresh)
{
	struct index_trailer now = refresh->mailbox->index.trailer;

	set_stamps(refresh, &now);
	return refresh->removed_count == 0 && refresh->arrivals.count == 0 &&
	       refresh->old && now.boot == refresh->mailbox->settings->boot &&
	       now.new_ns == refresh->old->trailer.new_ns &&
	       now.cur_ns == refresh->old->trailer.cur_ns &&
	       now.flags == refresh->old->trailer.flags;
}

static enum outcome
write_index(struct refresh *refresh, bool may_persist)
{
	struct mailbox *mailbox = refresh->mailbox;

	if (may_persist && may_append(refresh)) {
		if (is_unchanged(refresh))
			return OK;
		refresh->content.write = write_changes;
		if (index_file_append(mailbox, &refresh->content) == OK)
			return OK;
	}
	refresh->content.write = write_all;
	return index_file_replace(
		mailbox, new_count(refresh), may_persist, &refresh->content);
}

/* Where other hosts may change it inotify would not see that. */
static void
begin_watch(struct mailbox *mailbox)
{
	if (mailbox_ask_local(mailbox) && mailbox->settings->is_shared)
		watch_begin(&mailbox->watch, mailbox->settings->watches,
			mailbox->root);
	else
		watch_end(&mailbox->watch);
}

static enum outcome
run(struct refresh *refresh)
{
	struct mailbox *mailbox = refresh->mailbox;
	bool may_persist = true;
	enum outcome outcome;

	begin_watch(mailbox);
	outcome = mailbox_stamps(mailbox, &refresh->stamps);

	if (outcome == OK)
		outcome = mailbox_scan(mailbox, &refresh->listing);
	if (outcome == OK)
		outcome = uidls_open(&refresh->uidls, mailbox);
	if (outcome == OK)
		outcome = look_at_old(refresh);
	if (outcome == OK)
		outcome = arrivals_measure(&refresh->arrivals, mailbox,
			&refresh->listing, &refresh->uidls);
	if (outcome == OK)
		outcome = bury_removed(refresh);
	if (outcome != OK)
		return outcome;
	/* Without its entry there a UIDL could be given twice: what needs one
	   waits until it can be written. */
	if (uidls_sync(&refresh->uidls) != OK) {
		arrivals_withhold(&refresh->arrivals);
		may_persist = false;
	}
	/* Blocks for deleting everything; without them it is tried again when
	   they are needed. */
	(void)journal_reserve(mailbox, new_count(refresh));
	return write_index(refresh, may_persist);
}

enum outcome
refresh_index(struct mailbox *mailbox, struct index_view **old)
{
	struct refresh refresh = {.mailbox = mailbox, .old = *old};
	enum outcome outcome;
	bool is_complete;

	*old = NULL;
	refresh.uidls.mailbox = mailbox;
	outcome = run(&refresh);
	is_complete = outcome == OK && !refresh.arrivals.has_unreadable &&
		      mailbox->memory_index < 0;
	if (outcome == OK && mailbox->mending && refresh.old) {
		mailbox->mending->new_found += refresh.arrivals.count;
		mailbox->mending->removed += refresh.removed_count;
	}
	index_view_free(mailbox->files, &refresh.old);
	arrivals_release(&refresh.arrivals);
	uidls_release(&refresh.uidls);
	if (is_complete)
		watch_scanned(mailbox->watch, &refresh.listing);
	listing_release(&refresh.listing);
	free(refresh.removed);
	if (outcome == OK) {
		mailbox->must_rebuild = false;
		mailbox->must_scan = !is_complete;
		mailbox->is_checked = true;
	}
	return outcome;
}
