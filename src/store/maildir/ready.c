/* SPDX-License-Identifier: ISC */
#include "store/maildir/ready.h"

#include "store/maildir/follow.h"
#include "store/maildir/refresh.h"

struct quiet {
	struct index_content content; /* first */
	const struct stamps *stamps;
};

static bool
write_stamps(struct index_content *content, struct index_writer *writer,
	struct index_trailer *trailer)
{
	const struct stamps *stamps = ((struct quiet *)content)->stamps;

	trailer->new_ns = stamps->new_ns;
	trailer->cur_ns = stamps->cur_ns;
	trailer->flags = stamps->flags;
	return true;
}

/* Changes of ours took the trust away; as nothing else has happened, the next
   process need not scan. */
static void
keep_stamps(struct mailbox *mailbox, const struct stamps *now)
{
	struct quiet quiet = {{write_stamps}, now};

	if (mailbox->index.trailer.flags != now->flags &&
		now->flags == STAMPS_TRUSTED)
		(void)index_file_append(mailbox, &quiet.content);
}

/* What was seen of it is in the index, but for what the watch tells. */
static bool
needs_scan(struct mailbox *mailbox, const struct stamps *now)
{
	const struct index_trailer *trailer = &mailbox->index.trailer;
	enum watch_state watched;

	if (mailbox->must_scan || mailbox->index.has_tail ||
		refresh_is_wasteful(mailbox, trailer->count))
		return true;
	if (!mailbox->settings->is_shared && mailbox->is_checked)
		return false;
	watched = watch_look(&mailbox->watch, now->inodes);
	if (watched == WATCH_FOREIGN)
		return !follow(mailbox);
	if (watched == WATCH_CLEAN) {
		keep_stamps(mailbox, now);
		return false;
	}
	return now->new_ns != trailer->new_ns ||
	       now->cur_ns != trailer->cur_ns ||
	       (trailer->flags & STAMPS_TRUSTED) != STAMPS_TRUSTED;
}

/* *view is of before; it follows when the index has grown. */
static enum outcome
bring_up_to_date(struct mailbox *mailbox, struct index_view **view)
{
	struct stamps now;
	enum outcome outcome = mailbox_stamps(mailbox, &now);

	if (outcome != OK)
		return outcome;
	if (!*view || needs_scan(mailbox, &now))
		outcome = refresh_index(mailbox, view);
	else if ((*view)->trailer_number == mailbox->index.trailer_number)
		return OK;
	else
		index_view_free(mailbox->files, view);
	return outcome == OK ? index_view_open(mailbox, view) : outcome;
}

static enum outcome
view_of_now(struct mailbox *mailbox, struct index_view **out)
{
	struct index_view *view = NULL;
	enum outcome outcome = index_view_open(mailbox, &view);

	if (outcome == ERR_BROKEN && !mailbox->mending)
		mailbox_notice(mailbox,
			"the index is damaged; it is rebuilt from the Maildir");
	if (outcome != OK && outcome != ERR_BROKEN && outcome != ERR_GONE)
		return outcome;
	outcome = bring_up_to_date(mailbox, &view);
	if (outcome != OK) {
		index_view_free(mailbox->files, &view);
		return outcome == ERR_GONE ? ERR_TRY_LATER : outcome;
	}
	mailbox->is_checked = true;
	*out = view;
	return OK;
}

enum outcome
mailbox_ready(struct mailbox *mailbox, bool may_make, struct index_view **out)
{
	enum outcome outcome = mailbox_open_root(mailbox, may_make);

	if (outcome == OK)
		mailbox_sweep(mailbox);
	if (outcome == OK)
		outcome = mailbox_replay(mailbox);
	if (outcome == OK)
		outcome = view_of_now(mailbox, out);
	return outcome;
}
