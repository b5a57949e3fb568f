/* SPDX-License-Identifier: ISC */
#include "store/maildir/mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/folders.h"
#include "store/mailbox_name.h"
#include "store/maildir/index_file.h"

/* A stamp younger than this when it is read may be given again to a change
   that comes after; file systems stamp by the clock tick. */
#define STAMP_TRUSTED_NS 1000000000ull

/* A mailbox is kept while it is known: it holds no more than its names need. */
static enum outcome
copy_names(struct mailbox *mailbox, const char *name, const char *maildir,
	const char *state)
{
	size_t octets = strlen(name) + 1;
	size_t maildir_octets = strlen(maildir) + 1;
	size_t state_octets = strlen(state) + 1;

	mailbox->name = malloc(octets + maildir_octets + state_octets);
	if (!mailbox->name)
		return ERR_TRY_LATER;
	mailbox->maildir = mailbox->name + octets;
	mailbox->state.name = mailbox->maildir + maildir_octets;
	memcpy(mailbox->name, name, octets);
	memcpy(mailbox->maildir, maildir, maildir_octets);
	memcpy(mailbox->maildir + maildir_octets, state, state_octets);
	return OK;
}

enum outcome
mailbox_init(struct mailbox *mailbox, const struct maildir_settings *settings,
	const char *name)
{
	char maildir[MAILBOX_PATH_OCTETS], state[STATE_NAME_OCTETS];
	enum outcome outcome;

	if (!mailbox_name_is_usable(name))
		return ERR_PEER;
	*mailbox = (struct mailbox){
		.settings = settings,
		.files = settings->files,
		.state = {.files = settings->files,
			.root = settings->state_root},
		.root = -1,
		.memory_index = -1,
		.memory_names = -1,
	};
	outcome = path_expand(settings->template, name, maildir);
	if (outcome == OK)
		outcome = path_of_state(name, state);
	return outcome == OK ? copy_names(mailbox, name, maildir, state)
			     : outcome;
}

void
mailbox_progress(struct mailbox *mailbox, uint32_t done, uint32_t total)
{
	if (!mailbox->mending)
		return;
	atomic_store(&mailbox->mending->total_messages, total);
	atomic_store(&mailbox->mending->done_messages, done);
}

void
mailbox_rest(struct mailbox *mailbox)
{
	mailbox->files->close(mailbox->files, &mailbox->root);
	mailbox->files->close(mailbox->files, &mailbox->memory_index);
	mailbox->files->close(mailbox->files, &mailbox->memory_names);
}

void
mailbox_end(struct mailbox *mailbox)
{
	mailbox_rest(mailbox);
	index_view_free(mailbox->files, &mailbox->kept);
	watch_end(&mailbox->watch);
	free(mailbox->name);
	free(mailbox->notice);
	mailbox->name = mailbox->maildir = mailbox->notice = NULL;
}

void
mailbox_notice(struct mailbox *mailbox, const char *format, ...)
{
	char text[MAILBOX_NOTICE_OCTETS];
	va_list list;

	if (mailbox->notice)
		return;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	mailbox->notice = strdup(text);
}

static const char *
advice(int error)
{
	switch (-error) {
	case EACCES:
	case EPERM:
		return "it must belong to the user of [server] user";
	case EROFS:
		return "mount the file system for writing";
	case ENOSPC:
	case EDQUOT:
		return "make room; reading and deleting go on";
	case ENOTDIR:
	case ELOOP:
		return "put a directory there";
	default:
		return "look at the system's log";
	}
}

void
mailbox_trouble(struct mailbox *mailbox, const char *path, int error)
{
	mailbox_notice(mailbox, "%.200s%s%.100s: %s; %s", mailbox->maildir,
		path[0] ? "/" : "", path, strerror(-error), advice(error));
}

static int
make_subdirectories(struct files *files, int root)
{
	static const char *const names[] = {"tmp", "new", "cur"};
	struct stat status;
	int error = files->stat_at(files, root, "cur", &status);

	if (error != -ENOENT)
		return error;
	for (unsigned i = 0; i < 3; i++) {
		error = folders_make(files, root, names[i]);
		if (error != 0)
			return error;
	}
	return 0;
}

/* It had messages, and not even its folder is there: a file system that is not
   mounted, or a folder that was moved. Only who knows that it had none, or never
   was, goes on. */
static enum outcome
may_be_missing(struct mailbox *mailbox)
{
	enum outcome outcome;
	uint32_t count = 0;
	int fd = -1;

	if (mailbox->may_be_gone)
		return OK;
	outcome = index_file_open(mailbox, &fd);
	mailbox->files->close(mailbox->files, &fd);
	if (outcome == OK)
		count = mailbox->index.trailer.count;
	if (outcome == ERR_GONE || (outcome == OK && count == 0))
		return OK;
	if (outcome == OK || outcome == ERR_BROKEN)
		mailbox_notice(mailbox,
			"%.200s is gone, with %u messages that the index "
			"knows; mount or restore it, or make an empty "
			"directory there when they are to be forgotten",
			mailbox->maildir, count);
	return ERR_TRY_LATER;
}

enum outcome
mailbox_open_root(struct mailbox *mailbox, bool may_make)
{
	struct files *files = mailbox->files;
	int mail_root = mailbox->settings->mail_root;
	enum outcome outcome = OK;
	int fd, error = 0;

	if (mailbox->root >= 0)
		return OK;
	fd = folders_open(files, mail_root, mailbox->maildir, false);
	if (fd == -ENOENT)
		outcome = may_be_missing(mailbox);
	if (outcome != OK)
		return outcome;
	if (fd == -ENOENT && may_make)
		fd = folders_open(files, mail_root, mailbox->maildir, true);
	if (fd == -ENOENT)
		return ERR_DENIED;
	if (fd < 0)
		mailbox_trouble(mailbox, "", fd);
	if (fd == -ELOOP)
		return ERR_BROKEN;
	if (fd < 0)
		return outcome_of_errno(-fd);
	if (may_make)
		error = make_subdirectories(files, fd);
	if (error != 0) {
		mailbox_trouble(mailbox, "cur", error);
		files->close(files, &fd);
		return outcome_of_errno(-error);
	}
	mailbox->root = fd;
	return OK;
}

bool
mailbox_ask_device(struct mailbox *mailbox)
{
	struct stat status;

	mailbox->is_on_mail_device =
		mailbox->files->stat(mailbox->files, mailbox->root, &status) ==
			0 &&
		status.st_dev == mailbox->settings->mail_device;
	return mailbox->is_on_mail_device;
}

bool
mailbox_ask_local(struct mailbox *mailbox)
{
	struct files *files = mailbox->files;

	mailbox->is_local =
		files->is_local(files, mailbox->root) &&
		files->is_local(files, mailbox->settings->state_root);
	return mailbox->is_local;
}

bool
mailbox_may_come_again(
	const struct mailbox *mailbox, const struct file_name *name)
{
	const _Atomic uint64_t *oldest =
		mailbox->settings->journal_oldest_seconds;
	uint64_t seconds;

	return !file_name_is_own(name) || !file_name_time(name, &seconds) ||
	       seconds >= atomic_load(oldest);
}

bool
mailbox_may_be_filed_yet(
	const struct mailbox *mailbox, const struct file_name *name)
{
	return file_name_is_own(name) &&
	       atomic_load(mailbox->settings->journal_oldest_seconds) == 0;
}

static int
read_stamp(struct mailbox *mailbox, int directory, const char *path,
	uint64_t *out, ino_t *out_inode)
{
	struct stat status;
	int error = mailbox->files->stat_at(
		mailbox->files, directory, path, &status);

	if (error != 0)
		return error;
	if (!S_ISDIR(status.st_mode))
		return -ENOTDIR;
	*out_inode = status.st_ino;
	*out = (uint64_t)status.st_mtim.tv_sec * 1000000000 +
	       (uint64_t)status.st_mtim.tv_nsec;
	return 0;
}

/* `now`: before they were read. */
static void
trust(struct stamps *stamps, uint64_t now)
{
	if (stamps->new_ns + STAMP_TRUSTED_NS < now)
		stamps->flags |= INDEX_NEW_TRUSTED;
	if (stamps->cur_ns + STAMP_TRUSTED_NS < now)
		stamps->flags |= INDEX_CUR_TRUSTED;
}

enum outcome
mailbox_stamps(struct mailbox *mailbox, struct stamps *out)
{
	uint64_t now = mailbox->files->now_ns(mailbox->files);
	struct stamps stamps = {0};
	const char *name = "new";
	int error = read_stamp(mailbox, mailbox->root, name, &stamps.new_ns,
		&stamps.inodes[0]);

	if (error == 0) {
		name = "cur";
		error = read_stamp(mailbox, mailbox->root, name, &stamps.cur_ns,
			&stamps.inodes[1]);
	}
	if (error != 0) {
		mailbox_trouble(mailbox, name, error);
		return outcome_of_errno(-error);
	}
	trust(&stamps, now);
	*out = stamps;
	return OK;
}

bool
mailbox_stamps_by_path(struct mailbox *mailbox, struct stamps *out)
{
	uint64_t now = mailbox->files->now_ns(mailbox->files);
	int mail_root = mailbox->settings->mail_root;
	char path[MAILBOX_PATH_OCTETS + 4];
	struct stamps stamps = {0};
	int n = snprintf(path, sizeof(path), "%s/new",
		mailbox->maildir[0] ? mailbox->maildir : ".");

	if (read_stamp(mailbox, mail_root, path, &stamps.new_ns,
		    &stamps.inodes[0]) != 0)
		return false;
	memcpy(path + n - 3, "cur", 3);
	if (read_stamp(mailbox, mail_root, path, &stamps.cur_ns,
		    &stamps.inodes[1]) != 0)
		return false;
	trust(&stamps, now);
	*out = stamps;
	return true;
}

enum outcome
mailbox_scan(struct mailbox *mailbox, struct listing *listing)
{
	enum outcome outcome =
		listing_scan(listing, mailbox->files, mailbox->root);

	if (outcome != OK && !listing->is_short_of_memory)
		mailbox_trouble(mailbox,
			maildir_directory_names[listing->failed],
			listing->error);
	return outcome;
}

enum outcome
mailbox_sync_directory(struct mailbox *mailbox, const char *path)
{
	struct files *files = mailbox->files;
	int fd = files->open(
		files, mailbox->root, path, O_RDONLY | O_DIRECTORY, 0);
	int error;

	if (fd < 0)
		return outcome_of_errno(-fd);
	error = files->sync(files, fd);
	files->close(files, &fd);
	return outcome_of_errno(-error);
}

enum outcome
mailbox_enter_root(struct mailbox *mailbox)
{
	int error = 0;

	if (!mailbox->is_root_entered)
		error = folders_sync(mailbox->files,
			mailbox->settings->mail_root, mailbox->maildir);
	mailbox->is_root_entered = error == 0;
	return outcome_of_errno(-error);
}

void
mailbox_state_path(const struct mailbox *mailbox, const char *kind,
	const char *file, char out[STATE_PATH_OCTETS])
{
	state_path(&mailbox->state, kind, file, out);
}

int
mailbox_open_state(
	struct mailbox *mailbox, const char *kind, const char *file, int flags)
{
	return state_open(&mailbox->state, kind, file, flags);
}

int
mailbox_sync_state(struct mailbox *mailbox, const char *kind)
{
	return state_sync(&mailbox->state, kind);
}
