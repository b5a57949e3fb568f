/* SPDX-License-Identifier: ISC */
#include "collect/sinks/mbox_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TRIES	   100
#define LOCK_STEP_US	   100000
#define LOCK_STALE_SECONDS 300
#define COPIED_OCTETS	   65536

bool
mbox_file_path(const char *target, const char *folder, char *out, size_t size)
{
	const char *slash = strrchr(target, '/');
	int front = slash ? (int)(slash + 1 - target) : 0;

	if (!folder[0])
		return snprintf(out, size, "%s", target) < (int)size;
	if (strchr(folder, '/') || folder[0] == '.')
		return false;
	return snprintf(out, size, "%.*s%s", front, target, folder) < (int)size;
}

/* ---- locks ---- */

/* What a program that died left behind is not waited for. */
static void
remove_stale(const char *lock)
{
	struct stat status;
	char text[32] = "";
	long owner = 0;
	int fd = open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) > 0)
		owner = strtol(text, NULL, 10);
	if ((owner > 1 && kill((pid_t)owner, 0) < 0 && errno == ESRCH) ||
		(fstat(fd, &status) == 0 &&
			status.st_mtime < time(NULL) - LOCK_STALE_SECONDS))
		unlink(lock);
	close(fd);
}

static bool
write_owner(int fd)
{
	char text[32];
	int octets = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	return write(fd, text, (size_t)octets) == octets;
}

/* Whole from the start, so that a lock always says whose it is; where the file
 * system cannot do that, the name comes first. */
static bool
make_lock_once(const char *directory, const char *lock)
{
	char path[64];
	bool is_made;
	int fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	if (fd >= 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		is_made = write_owner(fd) &&
			  linkat(AT_FDCWD, path, AT_FDCWD, lock,
				  AT_SYMLINK_FOLLOW) == 0;
	} else {
		fd = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		is_made = fd >= 0;
		/* The name is the lock; whose it is only helps. */
		if (is_made)
			write_owner(fd);
	}
	if (fd >= 0)
		close(fd);
	return is_made;
}

static void
directory_of(const char *path, char out[MBOX_PATH_SIZE])
{
	char *slash;

	snprintf(out, MBOX_PATH_SIZE, "%s", path);
	slash = strrchr(out, '/');
	if (slash)
		slash[slash == out] = '\0';
	else
		snprintf(out, MBOX_PATH_SIZE, ".");
}

static bool
make_lock(struct mbox_file *file)
{
	char directory[MBOX_PATH_SIZE];

	directory_of(file->path, directory);
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (make_lock_once(directory, file->lock))
			return true;
		/* Where nobody may make files fcntl(2) has to do. */
		if (errno == EACCES || errno == EPERM) {
			file->lock[0] = '\0';
			return true;
		}
		if (errno != EEXIST)
			return false;
		remove_stale(file->lock);
		usleep(i == 0 ? 0 : LOCK_STEP_US);
	}
	errno = EAGAIN;
	return false;
}

static bool
lock_octets(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (fcntl(fd, F_SETLK, &lock) == 0)
			return true;
		if (errno != EAGAIN && errno != EACCES)
			return false;
		usleep(LOCK_STEP_US);
	}
	return false;
}

/* ---- opening ---- */

static bool
open_file(struct mbox_file *file, const char *path)
{
	struct stat status;

	file->fd = open(path, O_RDWR | O_CLOEXEC);
	file->was_made = file->fd < 0 && errno == ENOENT;
	if (file->was_made)
		file->fd =
			open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file->fd < 0 || !lock_octets(file->fd) ||
		fstat(file->fd, &status) < 0)
		return false;
	errno = EINVAL;
	file->octets = status.st_size;
	return S_ISREG(status.st_mode);
}

enum outcome
mbox_file_open(struct mbox_file *file, const char *path)
{
	enum outcome outcome = OK;
	int error;

	*file = (struct mbox_file){.fd = -1};
	snprintf(file->path, sizeof(file->path), "%s", path);
	snprintf(file->lock, sizeof(file->lock), "%s.lock", file->path);
	if (!make_lock(file)) {
		error = errno;
		outcome = outcome_of_errno(error);
		file->lock[0] = '\0';
	} else if (!open_file(file, path)) {
		error = errno;
		outcome = outcome_of_errno(error);
	}
	if (outcome == OK)
		return OK;
	mbox_file_close(file);
	errno = error;
	return outcome;
}

void
mbox_file_close(struct mbox_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->lock[0])
		unlink(file->lock);
	file->fd = -1;
}

/* ---- octets ---- */

bool
mbox_file_copy(FILE *from, FILE *to)
{
	char piece[COPIED_OCTETS];
	size_t got;

	rewind(from);
	while ((got = fread(piece, 1, sizeof(piece), from)) > 0)
		if (fwrite(piece, 1, got, to) != got)
			return false;
	return !ferror(from);
}

static bool
write_all(int fd, const char *at, size_t octets)
{
	while (octets > 0) {
		ssize_t done = write(fd, at, octets);

		if (done <= 0)
			return false;
		at += done;
		octets -= (size_t)done;
	}
	return true;
}

static bool
sync_directory(const char *path)
{
	char directory[MBOX_PATH_SIZE];
	int fd;
	bool is_good;

	directory_of(path, directory);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	is_good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return is_good;
}

enum outcome
mbox_file_append(struct mbox_file *file, FILE *body)
{
	char piece[COPIED_OCTETS];
	bool is_good = lseek(file->fd, file->octets, SEEK_SET) >= 0;
	enum outcome outcome;
	size_t got;

	rewind(body);
	while (is_good && (got = fread(piece, 1, sizeof(piece), body)) > 0)
		is_good = write_all(file->fd, piece, got);
	if (is_good && fsync(file->fd) == 0 &&
		(!file->was_made || sync_directory(file->path)))
		return OK;
	outcome = outcome_of_errno(errno);
	mbox_file_cut(file, file->octets);
	return outcome;
}

enum outcome
mbox_file_cut(struct mbox_file *file, off_t length)
{
	if (ftruncate(file->fd, length) < 0 || fsync(file->fd) < 0)
		return outcome_of_errno(errno);
	file->octets = length;
	return OK;
}

enum mbox_tail
mbox_file_compare(struct mbox_file *file, off_t length, FILE *batch)
{
	char ours[COPIED_OCTETS], theirs[COPIED_OCTETS];
	off_t at = length;
	size_t wanted;

	if (file->octets <= length)
		return MBOX_TAIL_OTHER;
	while ((wanted = fread(ours, 1, sizeof(ours), batch)) > 0) {
		ssize_t got = pread(file->fd, theirs, wanted, at);

		if (got < 0 || memcmp(ours, theirs, (size_t)got) != 0)
			return MBOX_TAIL_OTHER;
		if ((size_t)got < wanted)
			return MBOX_TAIL_PART;
		at += got;
	}
	return MBOX_TAIL_WHOLE;
}
