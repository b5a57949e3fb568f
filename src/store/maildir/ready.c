/* SPDX-License-Identifier: ISC */
#include "store/maildir/ready.h"

#include <string.h>

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
static bool
must_note_stamps(const struct mailbox *mailbox, const struct stamps *now)
{
	return mailbox->index.trailer.flags != now->flags &&
	       now->flags == STAMPS_TRUSTED;
}

static void
note_stamps(struct mailbox *mailbox, const struct stamps *now)
{
	struct quiet quiet = {{write_stamps}, now};

	if (must_note_stamps(mailbox, now))
		(void)index_file_append(mailbox, &quiet.content);
}

static bool
are_those_of_index(const struct mailbox *mailbox, const struct stamps *now)
{
	const struct index_trailer *trailer = &mailbox->index.trailer;

	return now->new_ns == trailer->new_ns &&
	       now->cur_ns == trailer->cur_ns &&
	       (trailer->flags & STAMPS_TRUSTED) == STAMPS_TRUSTED;
}

static bool
is_index_incomplete(const struct mailbox *mailbox)
{
	return mailbox->must_scan || mailbox->index.has_tail ||
	       refresh_is_wasteful(mailbox, mailbox->index.trailer.count);
}

/* What was seen of it is in the index, but for what the watch tells. */
static bool
needs_scan(struct mailbox *mailbox, const struct stamps *now)
{
	enum watch_state watched;

	if (is_index_incomplete(mailbox))
		return true;
	if (!mailbox->settings->is_shared && mailbox->is_checked)
		return false;
	watched = watch_look(mailbox->watch, now->inodes);
	if (watched == WATCH_FOREIGN)
		return !follow(mailbox);
	if (watched == WATCH_CLEAN) {
		note_stamps(mailbox, now);
		return false;
	}
	return !are_those_of_index(mailbox, now);
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

	index_view_free(mailbox->files, &mailbox->kept);
	if (outcome == OK && !mailbox->is_checked)
		(void)mailbox_ask_local(mailbox);
	if (outcome == OK)
		mailbox_sweep(mailbox);
	if (outcome == OK)
		outcome = mailbox_replay(mailbox);
	if (outcome == OK)
		outcome = view_of_now(mailbox, out);
	return outcome;
}

/* ---- as it was left ---- */

/* Still at its place: it may be deleted, or replaced, at any time. */
static bool
is_index_as_kept(struct mailbox *mailbox)
{
	char path[STATE_PATH_OCTETS];
	struct stat status;

	if (!index_view_is_current(mailbox->kept, mailbox))
		return false;
	mailbox_state_path(mailbox, "index", "index", path);
	return mailbox->files->stat_at(mailbox->files,
		       mailbox->settings->state_root, path, &status) == 0 &&
	       index_file_is_known(mailbox, &status);
}

static bool
is_maildir_as_kept(struct mailbox *mailbox)
{
	struct stamps now;

	if (!mailbox_stamps_by_path(mailbox, &now))
		return false;
	memcpy(mailbox->kept_inodes, now.inodes, sizeof(now.inodes));
	if (!mailbox->settings->is_shared)
		return true;
	switch (watch_look(mailbox->watch, now.inodes)) {
	case WATCH_CLEAN:
		return !must_note_stamps(mailbox, &now);
	case WATCH_DIRTY:
		return are_those_of_index(mailbox, &now);
	case WATCH_FOREIGN:
	default:
		return false;
	}
}

bool
mailbox_is_as_kept(struct mailbox *mailbox)
{
	return mailbox->kept && mailbox->is_local && mailbox->is_checked &&
	       mailbox->is_swept && mailbox->is_replayed &&
	       !mailbox->must_rebuild && mailbox->memory_index < 0 &&
	       !is_index_incomplete(mailbox) && is_index_as_kept(mailbox) &&
	       is_maildir_as_kept(mailbox);
}

struct index_view *
mailbox_take_kept(struct mailbox *mailbox)
{
	struct index_view *view = mailbox->kept;

	mailbox->kept = NULL;
	index_view_renew(view, mailbox);
	return view;
}

void
mailbox_keep(struct mailbox *mailbox, struct index_view **view)
{
	struct files *files = mailbox->files;

	if (!*view || !index_view_is_current(*view, mailbox)) {
		index_view_free(files, view);
		return;
	}
	index_view_free(files, &mailbox->kept);
	index_view_rest(*view);
	mailbox->kept = *view;
	*view = NULL;
}
