/* SPDX-License-Identifier: ISC */
/* The lock that is a file beside the mbox, for programs that know no other. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/mbox/mailbox.h"

#define STEP_MS		 20
#define OWNER_OCTETS	 320
#define LOCK_NAME_OCTETS (MAILBOX_PATH_OCTETS + 32)

bool
mbox_lock_wait(const struct mbox *mbox, uint32_t *waited_ms)
{
	struct timespec step = {.tv_nsec = STEP_MS * 1000000};

	if (*waited_ms >= mbox->settings->lock_wait_ms)
		return false;
	*waited_ms += STEP_MS;
	nanosleep(&step, NULL);
	return true;
}

static const char *
file_of(const struct mbox *mbox)
{
	const char *slash = strrchr(mbox->path, '/');

	return slash ? slash + 1 : mbox->path;
}

static void
lock_name(const struct mbox *mbox, char out[LOCK_NAME_OCTETS])
{
	snprintf(out, LOCK_NAME_OCTETS, "%s" MBOX_LOCK_SUFFIX, file_of(mbox));
}

/* The number is for others, who ask whether that process lives. */
static size_t
owner_text(const struct mbox *mbox, char out[OWNER_OCTETS], size_t *out_mark)
{
	*out_mark =
		(size_t)snprintf(out, OWNER_OCTETS, "%ld\n", (long)getpid());
	snprintf(out + *out_mark, OWNER_OCTETS - *out_mark, "restante %s\n",
		mbox->settings->hostname);
	return strlen(out);
}

/*
 * Of an earlier process of ours: there is one store at a time on this host, and
 * we hold the other lock, so that nobody of us can have this one.
 */
static bool
is_ours(struct mbox *mbox, int fd)
{
	char text[OWNER_OCTETS] = "", own[OWNER_OCTETS];
	const char *mark;
	size_t at;

	if (files_read_all(mbox->files, fd, text, sizeof(text) - 1, 0) <= 0)
		return false;
	owner_text(mbox, own, &at);
	mark = strchr(text, '\n');
	return mark && strcmp(mark + 1, own + at) == 0;
}

/*
 * What a program left behind that died is not waited for. Whether its process
 * lives cannot be asked: it may be another host's, and this process may not
 * send signals.
 */
static bool
is_stale(struct mbox *mbox, const char *name)
{
	struct files *files = mbox->files;
	uint64_t now = files->now_ns(files) / 1000000000;
	int fd = files->open(files, mbox->folder, name, O_RDONLY, 0);
	struct stat status;
	bool is_stale = false;

	if (fd >= 0)
		is_stale = is_ours(mbox, fd);
	files->close(files, &fd);
	if (is_stale)
		return true;
	return files->stat_at(files, mbox->folder, name, &status) == 0 &&
	       (uint64_t)status.st_mtim.tv_sec + MBOX_LOCK_STALE_SECONDS < now;
}

static int
write_owner(struct mbox *mbox, const char *name)
{
	struct files *files = mbox->files;
	char text[OWNER_OCTETS];
	size_t octets, mark;
	int fd = files->open(
		files, mbox->folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int error;

	if (fd < 0)
		return fd;
	octets = owner_text(mbox, text, &mark);
	error = files_write_all(files, fd, bytes_of(text, octets), 0);
	files->close(files, &fd);
	return error;
}

/* Whole from the start, so that it always says whose it is; and by link(2), as
   is right on NFS too. No mailbox begins with a dot. */
static int
make_once(struct mbox *mbox, const char *name)
{
	struct files *files = mbox->files;
	char fresh[LOCK_NAME_OCTETS];
	int error;

	snprintf(fresh, sizeof(fresh), ".%s%s.%ld", file_of(mbox),
		MBOX_LOCK_SUFFIX, (long)getpid());
	error = write_owner(mbox, fresh);
	if (error == 0)
		error = files->link(
			files, mbox->folder, fresh, mbox->folder, name);
	files->unlink(files, mbox->folder, fresh);
	return error;
}

/*
 * On a full disk there may be no room for one more file, and in a folder that
 * is not ours nobody lets us make one. The other lock has to do then.
 */
static bool
is_impossible(int error)
{
	return error == -EACCES || error == -EPERM || error == -EROFS ||
	       error == -ENOSPC || error == -EDQUOT || error == -ENAMETOOLONG;
}

enum outcome
mbox_lock_file_make(struct mbox *mbox)
{
	char name[LOCK_NAME_OCTETS];
	uint32_t waited_ms = 0;
	int error;

	lock_name(mbox, name);
	do {
		error = make_once(mbox, name);
		if (error == -EEXIST && is_stale(mbox, name)) {
			mbox->files->unlink(mbox->files, mbox->folder, name);
			error = make_once(mbox, name);
		}
	} while (error == -EEXIST && mbox_lock_wait(mbox, &waited_ms));
	mbox->has_lock_file = error == 0;
	if (error == 0 || is_impossible(error))
		return OK;
	return error == -EEXIST ? ERR_BUSY : outcome_of_errno(-error);
}

void
mbox_lock_file_remove(struct mbox *mbox)
{
	char name[LOCK_NAME_OCTETS];

	if (!mbox->has_lock_file)
		return;
	lock_name(mbox, name);
	mbox->files->unlink(mbox->files, mbox->folder, name);
	mbox->has_lock_file = false;
}
