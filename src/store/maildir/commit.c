/* SPDX-License-Identifier: ISC */
#include "store/maildir/session.h"

#include <errno.h>
#include <string.h>

#include "store/maildir/journal.h"
#include "store/maildir/ready.h"
#include "store/maildir/uidls.h"

/* The deletions of one QUIT. */
struct commit {
	struct index_content content; /* first */
	struct session *session;
	const struct index_set *deleted;
	struct journal journal;
	bool is_touched[2]; /* by directory: a file was unlinked there */
};

static uint32_t
next_deleted(const struct commit *commit, uint32_t from)
{
	uint32_t next = index_set_next(commit->deleted, from);

	return next < commit->session->view->trailer.count ? next
							   : INDEX_SET_END;
}

static enum outcome
note(struct commit *commit, uint32_t index)
{
	struct journal_entry entry = {0};
	struct index_message message;
	struct file_name name;
	struct stat status;
	enum outcome outcome =
		session_find(commit->session, index, &message, &name, &status);

	if (outcome != OK && outcome != ERR_GONE)
		return outcome;
	/* Gone already: its UIDL must be buried all the same. */
	if (outcome == OK)
		entry.inode = status.st_ino;
	else if (!mailbox_may_come_again(commit->session->mailbox, &name))
		return OK;
	entry.may_come_again =
		mailbox_may_come_again(commit->session->mailbox, &name);
	if (!uidl_digest(file_name_base(&name), entry.digest) ||
		!journal_add(&commit->journal, &entry))
		return ERR_TRY_LATER;
	return OK;
}

/* From here on all of it will be done, now or after a crash. */
static enum outcome
promise(struct commit *commit)
{
	struct mailbox *mailbox = commit->session->mailbox;
	enum outcome outcome = OK;
	uint32_t i = next_deleted(commit, 0);

	for (; i != INDEX_SET_END && outcome == OK;
		i = next_deleted(commit, i + 1))
		outcome = note(commit, i);
	if (outcome != OK || commit->journal.count == 0)
		return outcome;
	outcome = journal_reserve(mailbox, commit->journal.count);
	if (outcome != OK)
		return outcome;
	outcome = journal_write(mailbox, &commit->journal);
	/* Refused: then nothing of it may come true later either. */
	if (outcome != OK && journal_clear(mailbox, true) != OK)
		mailbox->is_replayed = false;
	return outcome;
}

static enum outcome
unlink_message(struct commit *commit, uint32_t index)
{
	struct mailbox *mailbox = commit->session->mailbox;
	struct index_message message;
	struct file_name name;
	struct stat status;
	char path[FILE_NAME_PATH_OCTETS];
	int error = -ENOENT;

	for (unsigned tries = 0; tries < 3 && error == -ENOENT; tries++) {
		/* Where the index says, before anything is looked for. */
		enum outcome outcome =
			tries == 0 ? session_look_up(commit->session, index,
					     &message, &name)
				   : session_find(commit->session, index,
					     &message, &name, &status);

		if (outcome == ERR_GONE)
			break;
		if (outcome != OK)
			return outcome;
		file_name_path(&name, path);
		watch_expect(
			mailbox->watch, name.directory, CHANGE_GOES, name.text);
		error = mailbox->files->unlink(
			mailbox->files, mailbox->root, path);
		if (error != 0)
			watch_spoil(mailbox->watch);
		commit->is_touched[name.directory] = true;
	}
	if (error != 0 && error != -ENOENT)
		mailbox_trouble(mailbox, path, error);
	if (error != -ENOENT)
		return outcome_of_errno(-error);
	/* Another program was faster: that may not be on disk yet. */
	commit->is_touched[DIRECTORY_NEW] = true;
	commit->is_touched[DIRECTORY_CUR] = true;
	return OK;
}

/* Goes on after a failure: the rest is promised as well. */
static enum outcome
unlink_all(struct commit *commit)
{
	struct mailbox *mailbox = commit->session->mailbox;
	enum outcome outcome = OK;
	uint32_t i = next_deleted(commit, 0);

	for (; i != INDEX_SET_END; i = next_deleted(commit, i + 1)) {
		enum outcome one = unlink_message(commit, i);

		if (outcome == OK)
			outcome = one;
	}
	for (unsigned d = 0; d < 2 && outcome == OK; d++)
		if (commit->is_touched[d])
			outcome = mailbox_sync_directory(
				mailbox, maildir_directory_names[d]);
	return outcome;
}

static enum outcome
bury(struct commit *commit, bool *out_is_any)
{
	struct uidls uidls;
	enum outcome outcome = OK;
	bool is_open = false;

	for (uint32_t i = 0; i < commit->journal.count && outcome == OK; i++) {
		struct journal_entry entry;

		journal_get(&commit->journal, i, &entry);
		if (!entry.may_come_again)
			continue;
		if (!is_open)
			outcome = uidls_open(&uidls, commit->session->mailbox);
		if (outcome != OK)
			return outcome;
		is_open = true;
		outcome = uidls_bury(&uidls, entry.digest);
	}
	*out_is_any = is_open;
	if (!is_open)
		return OK;
	if (outcome == OK)
		outcome = uidls_sync(&uidls);
	uidls_release(&uidls);
	return outcome;
}

/* Deleted messages that follow each other share a tombstone. */
static bool
write_tombstones(struct index_content *content, struct index_writer *writer,
	struct index_trailer *trailer)
{
	struct commit *commit = (struct commit *)content;
	struct index_view *view = commit->session->view;
	struct index_tombstone dead = {0};
	uint32_t last = INDEX_SET_END;
	uint32_t i = next_deleted(commit, 0);

	for (; i != INDEX_SET_END; i = next_deleted(commit, i + 1)) {
		struct index_message message;
		uint32_t number;

		if (index_view_message(view, i, &number, &message) != OK)
			return false;
		if (last == INDEX_SET_END || last + 1 != i) {
			if (last != INDEX_SET_END)
				index_writer_tombstone(writer, &dead);
			dead.first = number;
		}
		dead.last = number;
		last = i;
		trailer->count--;
		trailer->octets -= message.octets;
		if (trailer->dense >= number)
			trailer->dense = number - 1;
	}
	if (last != INDEX_SET_END)
		index_writer_tombstone(writer, &dead);
	trailer->flags = 0;
	return true;
}

/* The index is a cache: when it cannot be brought up to date now, the next
   open does it. */
static void
update_index(struct commit *commit)
{
	struct mailbox *mailbox = commit->session->mailbox;

	commit->content.write = write_tombstones;
	if (!mailbox->index.is_loaded ||
		mailbox->index.generation !=
			commit->session->view->generation ||
		index_file_append(mailbox, &commit->content) != OK)
		mailbox->must_scan = true;
}

static enum outcome
carry_out(struct commit *commit)
{
	struct mailbox *mailbox = commit->session->mailbox;
	bool must_sync = false;
	enum outcome outcome = promise(commit);

	if (outcome != OK)
		return outcome;
	outcome = unlink_all(commit);
	if (outcome != OK) {
		mailbox->is_replayed = false;
		mailbox->must_scan = true;
		return outcome;
	}
	update_index(commit);
	if (commit->journal.count > 0 &&
		(bury(commit, &must_sync) != OK ||
			journal_clear(mailbox, must_sync) != OK))
		mailbox->is_replayed = false;
	return OK;
}

enum outcome
session_commit(struct session *session, const struct index_set *deleted)
{
	struct commit commit = {
		.session = session,
		.deleted = deleted,
	};
	enum outcome outcome;

	if (deleted->count == 0)
		return OK;
	outcome = session_open_root(session);
	if (outcome == OK)
		outcome = mailbox_replay(session->mailbox);
	if (outcome == OK)
		outcome = carry_out(&commit);
	journal_release(&commit.journal);
	return outcome;
}
