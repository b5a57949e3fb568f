/* SPDX-License-Identifier: ISC */
#include "store/mbox/mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/folders.h"
#include "store/mailbox_name.h"
#include "store/mbox/replay.h"

/* Mail in /var/mail is the user's and the group's, as MTAs make it. */
#define FILE_MODE 0660

/* The lock file of another mailbox. */
static bool
is_lock_name(const char *path)
{
	size_t octets = strlen(path), suffix = strlen(MBOX_LOCK_SUFFIX);

	return octets >= suffix &&
	       strcmp(path + octets - suffix, MBOX_LOCK_SUFFIX) == 0;
}

enum outcome
mbox_init(struct mbox *mbox, const struct mbox_settings *settings,
	const char *name)
{
	enum outcome outcome;

	if (!mailbox_name_is_usable(name))
		return ERR_PEER;
	*mbox = (struct mbox){
		.settings = settings,
		.files = settings->files,
		.state = {.files = settings->files,
			.root = settings->state_root,
			.name = mbox->state_name},
		.folder = -1,
		.descriptor = -1,
	};
	snprintf(mbox->name, sizeof(mbox->name), "%s", name);
	outcome = path_expand(settings->template, name, mbox->path);
	if (outcome == OK && is_lock_name(mbox->path))
		outcome = ERR_PEER;
	if (outcome == OK)
		outcome = path_of_state(name, mbox->state_name);
	return outcome;
}

void
mbox_notice(struct mbox *mbox, const char *format, ...)
{
	va_list list;

	if (mbox->notice[0] != '\0')
		return;
	va_start(list, format);
	vsnprintf(mbox->notice, sizeof(mbox->notice), format, list);
	va_end(list);
}

static const char *
advice(int error)
{
	switch (-error) {
	case EACCES:
	case EPERM:
		return "the user of [server] user must be allowed to write to "
		       "it: by its group (mail), say";
	case EROFS:
		return "mount the file system for writing";
	case ENOSPC:
	case EDQUOT:
		return "make room; reading and deleting go on";
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
		return "put a plain file there";
	default:
		return "look at the system's log";
	}
}

enum outcome
mbox_trouble(struct mbox *mbox, int error)
{
	mbox_notice(mbox, "%.200s: %s; %s", mbox->path, strerror(-error),
		advice(error));
	if (error == -ELOOP || error == -EISDIR)
		return ERR_BROKEN;
	return outcome_of_errno(-error);
}

static const char *
file_of(const struct mbox *mbox)
{
	const char *slash = strrchr(mbox->path, '/');

	return slash ? slash + 1 : mbox->path;
}

static int
open_folder(struct mbox *mbox, bool may_make)
{
	char folder[MAILBOX_PATH_OCTETS];

	snprintf(folder, sizeof(folder), "%.*s",
		(int)(file_of(mbox) - mbox->path), mbox->path);
	if (folder[0])
		folder[strlen(folder) - 1] = '\0';
	return folders_open(
		mbox->files, mbox->settings->mail_root, folder, may_make);
}

static int
make_file(struct mbox *mbox)
{
	struct files *files = mbox->files;
	int fd = files->open(files, mbox->folder, file_of(mbox),
		O_RDWR | O_CREAT | O_EXCL, FILE_MODE);
	int error = fd < 0 ? fd : files->sync(files, mbox->folder);

	if (error == 0)
		return fd;
	if (fd >= 0)
		files->close(files, &fd);
	return error;
}

int
mbox_open_file(struct mbox *mbox, int flags, bool may_make)
{
	struct files *files = mbox->files;
	struct stat status;
	int fd;

	if (mbox->folder < 0) {
		fd = open_folder(mbox, may_make);
		if (fd < 0)
			return fd;
		mbox->folder = fd;
	}
	fd = files->open(files, mbox->folder, file_of(mbox), flags, 0);
	if (fd == -ENOENT && may_make)
		fd = make_file(mbox);
	/* Another program made it just now. */
	if (fd == -EEXIST)
		fd = files->open(files, mbox->folder, file_of(mbox), flags, 0);
	if (fd >= 0 && (files->stat(files, fd, &status) != 0 ||
			       !S_ISREG(status.st_mode))) {
		files->close(files, &fd);
		return -EISDIR;
	}
	return fd;
}

/* ---- locks ---- */

static enum outcome
lock_descriptor(struct mbox *mbox, uint32_t *waited_ms)
{
	struct files *files = mbox->files;
	int error;

	do {
		error = files->lock(
			files, mbox->descriptor, !mbox->is_read_only);
	} while (error == -EAGAIN && mbox_lock_wait(mbox, waited_ms));
	/* File systems without such locks have the other one. */
	if (error == 0 || error == -ENOLCK || error == -EOPNOTSUPP)
		return OK;
	return error == -EAGAIN ? ERR_BUSY : outcome_of_errno(-error);
}

/* What was locked may have lost its name while we waited: ERR_BUSY then. */
static enum outcome
check_name(struct mbox *mbox)
{
	struct files *files = mbox->files;
	struct stat ours, now;
	int error = files->stat(files, mbox->descriptor, &ours);

	if (error == 0)
		error = files->stat_at(
			files, mbox->folder, file_of(mbox), &now);
	if (error != 0 && error != -ENOENT)
		return outcome_of_errno(-error);
	return error == 0 && ours.st_dev == now.st_dev &&
			       ours.st_ino == now.st_ino
		       ? OK
		       : ERR_BUSY;
}

static enum outcome
open_for_lock(struct mbox *mbox, bool may_make)
{
	int fd = mbox_open_file(mbox, O_RDWR, may_make);

	mbox->is_read_only = fd == -EROFS || fd == -EACCES || fd == -EPERM;
	if (mbox->is_read_only)
		fd = mbox_open_file(mbox, O_RDONLY, false);
	if (fd == -ENOENT && !may_make)
		return ERR_DENIED;
	if (fd < 0)
		return mbox_trouble(mbox, fd);
	mbox->descriptor = fd;
	return OK;
}

static enum outcome
take_locks(struct mbox *mbox, bool may_make)
{
	uint32_t waited_ms = 0;
	enum outcome outcome;

	do {
		mbox->files->close(mbox->files, &mbox->descriptor);
		outcome = open_for_lock(mbox, may_make);
		if (outcome == OK)
			outcome = lock_descriptor(mbox, &waited_ms);
		if (outcome == OK)
			outcome = check_name(mbox);
	} while (outcome == ERR_BUSY && mbox_lock_wait(mbox, &waited_ms));
	if (outcome == OK && !mbox->is_read_only)
		outcome = mbox_lock_file_make(mbox);
	return outcome;
}

enum outcome
mbox_lock(struct mbox *mbox, bool may_make)
{
	enum outcome outcome = take_locks(mbox, may_make);

	if (outcome == ERR_BUSY)
		mbox_notice(mbox,
			"%.200s: another program holds its lock for long",
			mbox->path);
	if (outcome == OK)
		outcome = mbox_replay(mbox);
	if (outcome != OK)
		mbox_unlock(mbox);
	return outcome;
}

void
mbox_unlock(struct mbox *mbox)
{
	mbox_lock_file_remove(mbox);
	mbox->files->close(mbox->files, &mbox->descriptor);
	mbox->files->close(mbox->files, &mbox->folder);
}
