/* SPDX-License-Identifier: ISC */
#include "faulty_files.h"

#include <errno.h>
#include <fcntl.h>

static unsigned calls, failing;
static int error_given;
static bool is_for_ever, is_full;

void
faulty_files_arm(unsigned n, int error, bool for_ever)
{
	calls = 0;
	failing = n;
	error_given = error;
	is_for_ever = for_ever;
}

void
faulty_files_fill(bool full)
{
	is_full = full;
}

unsigned
faulty_files_calls(void)
{
	return calls;
}

static int
fault(bool needs_space)
{
	calls++;
	if (failing != 0 &&
		(calls == failing || (is_for_ever && calls > failing)))
		return -error_given;
	return is_full && needs_space ? -ENOSPC : 0;
}

#define OR_FAIL(needs_space, call)                                             \
	do {                                                                   \
		int error = fault(needs_space);                                \
		return error ? error : (call);                                 \
	} while (0)

static int
faulty_open(struct files *files, int directory, const char *path, int flags,
	mode_t mode)
{
	OR_FAIL(flags & O_CREAT,
		files_posix.open(&files_posix, directory, path, flags, mode));
}

static void
faulty_close(struct files *files, int *descriptor)
{
	files_posix.close(&files_posix, descriptor);
}

static ssize_t
faulty_read_at(
	struct files *files, int fd, void *to, size_t room, uint64_t offset)
{
	OR_FAIL(false, files_posix.read_at(&files_posix, fd, to, room, offset));
}

/* What goes into blocks that a file has needs no space. */
static bool
grows(int fd, uint64_t end)
{
	struct stat status;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals >= 0 && !(seals & F_SEAL_SEAL))
		return false; /* in memory */
	return fstat(fd, &status) != 0 || (uint64_t)status.st_size < end;
}

/* The call that fails writes half before it does. */
static ssize_t
faulty_write_at(struct files *files, int fd, const void *from, size_t octets,
	uint64_t offset)
{
	int error = fault(grows(fd, offset + octets));

	if (error != 0 && calls == failing && octets > 1)
		files_posix.write_at(
			&files_posix, fd, from, octets / 2, offset);
	if (error != 0)
		return error;
	return files_posix.write_at(&files_posix, fd, from, octets, offset);
}

static int
faulty_sync(struct files *files, int fd)
{
	OR_FAIL(false, 0);
}

static int
faulty_allocate(struct files *files, int fd, uint64_t octets)
{
	OR_FAIL(true, files_posix.allocate(&files_posix, fd, octets));
}

static int
faulty_truncate(struct files *files, int fd, uint64_t octets)
{
	OR_FAIL(false, files_posix.truncate(&files_posix, fd, octets));
}

static int
faulty_lock(struct files *files, int fd, bool is_for_writing)
{
	OR_FAIL(false, files_posix.lock(&files_posix, fd, is_for_writing));
}

static int
faulty_link(struct files *files, int from, const char *from_path, int to,
	const char *to_path)
{
	OR_FAIL(true,
		files_posix.link(&files_posix, from, from_path, to, to_path));
}

static int
faulty_rename(struct files *files, int from, const char *from_path, int to,
	const char *to_path)
{
	OR_FAIL(false,
		files_posix.rename(&files_posix, from, from_path, to, to_path));
}

static int
faulty_unlink(struct files *files, int directory, const char *path)
{
	OR_FAIL(false, files_posix.unlink(&files_posix, directory, path));
}

static int
faulty_mkdir(struct files *files, int directory, const char *path, mode_t mode)
{
	OR_FAIL(true, files_posix.mkdir(&files_posix, directory, path, mode));
}

static int
faulty_stat(struct files *files, int fd, struct stat *out)
{
	OR_FAIL(false, files_posix.stat(&files_posix, fd, out));
}

static int
faulty_stat_at(
	struct files *files, int directory, const char *path, struct stat *out)
{
	OR_FAIL(false, files_posix.stat_at(&files_posix, directory, path, out));
}

static int
faulty_list(struct files *files, int directory, const char *path,
	bool (*each)(void *context, const char *name), void *context)
{
	OR_FAIL(false,
		files_posix.list(&files_posix, directory, path, each, context));
}

static int
faulty_memory(struct files *files, const char *label)
{
	OR_FAIL(false, files_posix.memory(&files_posix, label));
}

static int
faulty_seal(struct files *files, int fd)
{
	OR_FAIL(false, files_posix.seal(&files_posix, fd));
}

static int
faulty_duplicate(struct files *files, int fd)
{
	OR_FAIL(false, files_posix.duplicate(&files_posix, fd));
}

static bool
faulty_is_local(struct files *files, int fd)
{
	return files_posix.is_local(&files_posix, fd);
}

static uint64_t
faulty_now_ns(struct files *files)
{
	return files_posix.now_ns(&files_posix);
}

static int
faulty_random(struct files *files, void *to, size_t octets)
{
	OR_FAIL(false, files_posix.random(&files_posix, to, octets));
}

struct files faulty_files = {
	.open = faulty_open,
	.close = faulty_close,
	.read_at = faulty_read_at,
	.write_at = faulty_write_at,
	.sync = faulty_sync,
	.sync_data = faulty_sync,
	.sync_file_system = faulty_sync,
	.allocate = faulty_allocate,
	.truncate = faulty_truncate,
	.lock = faulty_lock,
	.link = faulty_link,
	.rename = faulty_rename,
	.unlink = faulty_unlink,
	.mkdir = faulty_mkdir,
	.stat = faulty_stat,
	.stat_at = faulty_stat_at,
	.list = faulty_list,
	.memory = faulty_memory,
	.seal = faulty_seal,
	.duplicate = faulty_duplicate,
	.is_local = faulty_is_local,
	.now_ns = faulty_now_ns,
	.random = faulty_random,
};
