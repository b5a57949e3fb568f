/* SPDX-License-Identifier: ISC */
#include "store/maildir/follow.h"

#include "store/maildir/arrivals.h"
#include "store/maildir/journal.h"

struct following {
	struct index_content content; /* first */
	struct mailbox *mailbox;
	struct listing arrived;
	struct arrivals arrivals;
	struct uidls uidls;
};

/*
 * False: it is no simple arrival. A message that the index may have was renamed
 * or removed, or came again. One that came and went may have a second name.
 */
static bool
note(struct following *following, const struct foreign_change *change)
{
	struct watch *watch = following->mailbox->watch;
	const struct listing_entry *entry;
	struct file_name name, noted;

	if (!file_name_set(&name, change->directory, change->name))
		return true; /* a scan would not see it */
	if (watch_knows(watch, file_name_base(&name)))
		return false;
	if (change->change == CHANGE_ARRIVES)
		return listing_add(
			&following->arrived, change->directory, change->name);
	entry = listing_find(&following->arrived, file_name_base(&name));
	if (!entry)
		return true; /* it was never ours to see */
	listing_name(&following->arrived, entry, &noted);
	return noted.directory != name.directory ||
	       !bytes_equal(bytes_of(noted.text, noted.octets),
		       bytes_of(name.text, name.octets));
}

static bool
note_all(struct following *following, struct bytes rest)
{
	struct foreign_change change;
	bool is_simple = true;

	while (is_simple && foreign_next(&rest, &change))
		is_simple = note(following, &change);
	return is_simple;
}

/* As after a delivery of ours: the times stay those of the last scan, and are
   not trusted. */
static bool
write_arrivals(struct index_content *content, struct index_writer *writer,
	struct index_trailer *trailer)
{
	struct following *following = (struct following *)content;

	if (!arrivals_write(&following->arrivals, writer))
		return false;
	trailer->count += following->arrivals.count;
	trailer->octets += following->arrivals.octets;
	trailer->flags = 0;
	return true;
}

static void
learn_arrivals(struct following *following)
{
	for (uint32_t i = 0; i < following->arrived.count; i++) {
		struct file_name name;

		listing_name(&following->arrived,
			&following->arrived.entries[i], &name);
		watch_learn(following->mailbox->watch, file_name_base(&name));
	}
}

/* One that is gone may have another name by now, or be no file. */
static bool
all_are_there(const struct following *following)
{
	return following->arrivals.count == following->arrived.count &&
	       !following->arrivals.has_unreadable;
}

static bool
add_to_index(struct following *following)
{
	struct mailbox *mailbox = following->mailbox;
	uint32_t count = following->arrived.count;

	if (count == 0)
		return true;
	/* A first filling is written whole, so that it is dense. */
	if (mailbox->index.trailer.count == 0)
		return false;
	if (uidls_open(&following->uidls, mailbox) != OK ||
		arrivals_measure(&following->arrivals, mailbox,
			&following->arrived, &following->uidls) != OK ||
		!all_are_there(following) ||
		uidls_sync(&following->uidls) != OK)
		return false;
	(void)journal_reserve(mailbox, mailbox->index.trailer.count + count);
	learn_arrivals(following);
	following->content.write = write_arrivals;
	return index_file_append(mailbox, &following->content) == OK;
}

bool
follow(struct mailbox *mailbox)
{
	struct following following = {.mailbox = mailbox};
	struct buffer changes;
	bool is_done;

	following.uidls.mailbox = mailbox;
	watch_take(mailbox->watch, &changes);
	is_done = note_all(&following, buffer_bytes(&changes)) &&
		  add_to_index(&following);
	if (!is_done)
		mailbox->must_scan = true;
	buffer_release(&changes);
	arrivals_release(&following.arrivals);
	uidls_release(&following.uidls);
	listing_release(&following.arrived);
	return is_done;
}
