/* SPDX-License-Identifier: ISC */
#include "store/maildir/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "store/maildir/ready.h"

struct whereabouts {
	struct listing listing;
	struct stamps stamps; /* as it was made */
};

static void
free_whereabouts(struct whereabouts **whereabouts)
{
	if (!*whereabouts)
		return;
	listing_release(&(*whereabouts)->listing);
	free(*whereabouts);
	*whereabouts = NULL;
}

static enum outcome
begin(struct session *session, struct mailbox *mailbox, struct index_view *view,
	struct store_snapshot *out)
{
	struct files *files = mailbox->files;
	int fd = files->duplicate(files, view->index);

	if (fd < 0) {
		index_view_free(files, &view);
		return outcome_of_errno(-fd);
	}
	*session = (struct session){
		.mailbox = mailbox,
		.view = view,
		.read_at = -1,
	};
	*out = (struct store_snapshot){
		.descriptor = fd,
		.trailer_offset =
			(uint64_t)view->trailer_number * INDEX_RECORD_OCTETS,
		.count = view->trailer.count,
		.octets = view->trailer.octets,
	};
	return OK;
}

enum outcome
session_open(struct session *session, struct mailbox *mailbox,
	struct store_snapshot *out)
{
	struct index_view *view = NULL;
	enum outcome outcome = mailbox_ready(mailbox, true, &view);

	return outcome == OK ? begin(session, mailbox, view, out) : outcome;
}

enum outcome
session_open_kept(struct session *session, struct mailbox *mailbox,
	struct store_snapshot *out)
{
	enum outcome outcome =
		begin(session, mailbox, mailbox_take_kept(mailbox), out);

	session->has_no_root = true;
	session->inodes[0] = mailbox->kept_inodes[0];
	session->inodes[1] = mailbox->kept_inodes[1];
	return outcome;
}

bool
session_is_quickly_closed(const struct session *session)
{
	return session->read_at < 0 &&
	       index_view_is_current(session->view, session->mailbox);
}

void
session_close(struct session *session)
{
	struct files *files = session->mailbox->files;

	files->close(files, &session->read_at);
	mailbox_keep(session->mailbox, &session->view);
	free_whereabouts(&session->whereabouts);
}

enum outcome
session_open_root(struct session *session)
{
	enum outcome outcome = mailbox_open_root(session->mailbox, false);
	struct stamps now;

	if (outcome != OK || !session->has_no_root)
		return outcome == ERR_DENIED ? ERR_TRY_LATER : outcome;
	outcome = mailbox_stamps(session->mailbox, &now);
	if (outcome != OK)
		return outcome;
	session->has_no_root = now.inodes[0] != session->inodes[0] ||
			       now.inodes[1] != session->inodes[1];
	return session->has_no_root ? ERR_TRY_LATER : OK;
}

/* NULL: the Maildir cannot be read, or memory is short. */
static struct whereabouts *
look_around(struct mailbox *mailbox, const struct stamps *now)
{
	struct whereabouts *found = calloc(1, sizeof(*found));

	if (!found)
		return NULL;
	found->stamps = *now;
	if (listing_scan(&found->listing, mailbox->files, mailbox->root) != OK)
		free_whereabouts(&found);
	return found;
}

/* A new listing unless the directories are as they were at the last. */
static bool
list_again(struct session *session)
{
	const struct whereabouts *last = session->whereabouts;
	struct stamps now;

	if (mailbox_stamps(session->mailbox, &now) != OK)
		return false;
	if (last && now.new_ns == last->stamps.new_ns &&
		now.cur_ns == last->stamps.cur_ns &&
		(last->stamps.flags & STAMPS_TRUSTED) == STAMPS_TRUSTED)
		return false;
	free_whereabouts(&session->whereabouts);
	session->whereabouts = look_around(session->mailbox, &now);
	return session->whereabouts != NULL;
}

static bool
find_elsewhere(struct session *session, struct file_name *name)
{
	const struct listing *listing = &session->whereabouts->listing;
	const struct listing_entry *entry;
	struct file_name found;
	char path[FILE_NAME_PATH_OCTETS];
	struct stat status;

	entry = listing_find(listing, file_name_base(name));
	if (!entry)
		return false;
	listing_name(listing, entry, &found);
	file_name_path(&found, path);
	if (session->mailbox->files->stat_at(session->mailbox->files,
		    session->mailbox->root, path, &status) != 0)
		return false;
	*name = found;
	return true;
}

bool
session_relocate(struct session *session, struct file_name *name)
{
	if (session->whereabouts && find_elsewhere(session, name))
		return true;
	return list_again(session) && find_elsewhere(session, name);
}

/* Damage that shows while a session reads is mended at the next open. */
enum outcome
session_look_up(struct session *session, uint32_t index,
	struct index_message *message, struct file_name *name)
{
	uint32_t number;
	enum outcome outcome;

	if (index >= session->view->trailer.count)
		return ERR_PEER;
	outcome = index_view_message(session->view, index, &number, message);
	if (outcome == OK)
		outcome = index_view_name(session->view, message, name);
	if (outcome == ERR_BROKEN)
		session->mailbox->must_rebuild = true;
	return outcome;
}

static enum outcome
refused(struct session *session, const struct file_name *name, int error)
{
	char path[FILE_NAME_PATH_OCTETS];

	file_name_path(name, path);
	mailbox_trouble(session->mailbox, path, error);
	return outcome_of_errno(-error);
}

enum outcome
session_find(struct session *session, uint32_t index,
	struct index_message *out_message, struct file_name *out_name,
	struct stat *out_status)
{
	struct mailbox *mailbox = session->mailbox;
	char path[FILE_NAME_PATH_OCTETS];
	enum outcome outcome =
		session_look_up(session, index, out_message, out_name);
	int error;

	if (outcome != OK)
		return outcome;
	file_name_path(out_name, path);
	error = mailbox->files->stat_at(
		mailbox->files, mailbox->root, path, out_status);
	if (error == -ENOENT && session_relocate(session, out_name)) {
		file_name_path(out_name, path);
		error = mailbox->files->stat_at(
			mailbox->files, mailbox->root, path, out_status);
	}
	if (error == -ENOENT)
		return ERR_GONE;
	return error == 0 ? OK : refused(session, out_name, error);
}

static int
open_file(struct session *session, struct file_name *name)
{
	struct mailbox *mailbox = session->mailbox;
	char path[FILE_NAME_PATH_OCTETS];
	int fd;

	file_name_path(name, path);
	fd = mailbox->files->open(
		mailbox->files, mailbox->root, path, O_RDONLY, 0);
	if (fd != -ENOENT || !session_relocate(session, name))
		return fd;
	file_name_path(name, path);
	return mailbox->files->open(
		mailbox->files, mailbox->root, path, O_RDONLY, 0);
}

/* The file must be as long as was announced: a client counts on it. */
static enum outcome
check_length(struct session *session, int fd, uint64_t stored_octets)
{
	struct stat status;
	int error = session->mailbox->files->stat(
		session->mailbox->files, fd, &status);

	if (error != 0)
		return outcome_of_errno(-error);
	if (S_ISREG(status.st_mode) &&
		(uint64_t)status.st_size == stored_octets)
		return OK;
	mailbox_notice(session->mailbox,
		"a message was changed in place by another program; the "
		"index is rebuilt at the next open");
	session->mailbox->must_rebuild = true;
	return ERR_BROKEN;
}

static enum outcome
open_message(struct session *session, uint32_t index, int *out_descriptor,
	uint64_t *out_octets)
{
	struct index_message message;
	struct file_name name;
	enum outcome outcome = session_open_root(session);
	int fd;

	if (outcome == OK)
		outcome = session_look_up(session, index, &message, &name);
	if (outcome != OK)
		return outcome;
	fd = open_file(session, &name);
	if (fd == -ENOENT)
		return ERR_GONE;
	if (fd < 0)
		return refused(session, &name, fd);
	outcome = check_length(session, fd, message.stored_octets);
	if (outcome != OK) {
		session->mailbox->files->close(session->mailbox->files, &fd);
		return outcome;
	}
	*out_descriptor = fd;
	*out_octets = message.stored_octets;
	return OK;
}

enum outcome
session_read(struct session *session, struct store_read_call *call)
{
	enum outcome outcome = open_message(
		session, call->index, &call->descriptor, &call->octets);

	if (outcome == OK)
		call->offset = 0;
	return outcome;
}

enum outcome
session_read_at(struct session *session, struct store_read_at_call *call)
{
	struct files *files = session->mailbox->files;
	ssize_t n;

	if (session->read_at < 0 || session->read_at_index != call->index) {
		uint64_t octets;
		enum outcome outcome;

		files->close(files, &session->read_at);
		outcome = open_message(
			session, call->index, &session->read_at, &octets);
		if (outcome != OK)
			return outcome;
		session->read_at_index = call->index;
	}
	n = files_read_all(
		files, session->read_at, call->to, call->room, call->offset);
	if (n < 0)
		return outcome_of_errno((int)-n);
	call->octets = (size_t)n;
	return OK;
}
