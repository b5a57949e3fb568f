/* SPDX-License-Identifier: ISC */
#include "store/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

static int
result(int value)
{
	return value < 0 ? -errno : value;
}

static int
posix_open(struct files *files, int directory, const char *path, int flags,
	mode_t mode)
{
	int fd;

	do {
		fd = openat(directory, path,
			flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
			mode);
	} while (fd < 0 && errno == EINTR);
	return result(fd);
}

static void
posix_close(struct files *files, int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
	*descriptor = -1;
}

static ssize_t
posix_read_at(struct files *files, int descriptor, void *to, size_t room,
	uint64_t offset)
{
	ssize_t n;

	do {
		n = pread(descriptor, to, room, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t
posix_write_at(struct files *files, int descriptor, const void *from,
	size_t octets, uint64_t offset)
{
	ssize_t n;

	do {
		n = pwrite(descriptor, from, octets, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int
posix_sync(struct files *files, int descriptor)
{
	return result(fsync(descriptor));
}

static int
posix_sync_data(struct files *files, int descriptor)
{
	return result(fdatasync(descriptor));
}

static int
posix_sync_file_system(struct files *files, int descriptor)
{
	return result(syncfs(descriptor));
}

static int
posix_allocate(struct files *files, int descriptor, uint64_t octets)
{
	int n;

	do {
		n = fallocate(descriptor, 0, 0, (off_t)octets);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EOPNOTSUPP)
		return -posix_fallocate(descriptor, 0, (off_t)octets);
	return result(n);
}

static int
posix_truncate(struct files *files, int descriptor, uint64_t octets)
{
	int n;

	do {
		n = ftruncate(descriptor, (off_t)octets);
	} while (n < 0 && errno == EINTR);
	return result(n);
}

/* Not a lock of the process: that one would go when any descriptor of the file
   is closed, by whichever thread. */
static int
posix_lock(struct files *files, int descriptor, bool is_for_writing)
{
	struct flock lock = {
		.l_type = is_for_writing ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET,
	};
	int n = result(fcntl(descriptor, F_OFD_SETLK, &lock));

	return n == -EACCES ? -EAGAIN : n;
}

static int
posix_link(struct files *files, int from, const char *from_path, int to,
	const char *to_path)
{
	return result(linkat(from, from_path, to, to_path, 0));
}

static int
posix_rename(struct files *files, int from, const char *from_path, int to,
	const char *to_path)
{
	return result(renameat(from, from_path, to, to_path));
}

static int
posix_unlink(struct files *files, int directory, const char *path)
{
	return result(unlinkat(directory, path, 0));
}

static int
posix_mkdir(struct files *files, int directory, const char *path, mode_t mode)
{
	return result(mkdirat(directory, path, mode));
}

static int
posix_stat(struct files *files, int descriptor, struct stat *out)
{
	return result(fstat(descriptor, out));
}

static int
posix_stat_at(
	struct files *files, int directory, const char *path, struct stat *out)
{
	return result(fstatat(directory, path, out, AT_SYMLINK_NOFOLLOW));
}

static int
read_entries(DIR *stream, bool (*each)(void *context, const char *name),
	void *context)
{
	for (;;) {
		struct dirent *entry;

		errno = 0;
		entry = readdir(stream);
		if (!entry)
			return -errno;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (!each(context, entry->d_name))
			return 0;
	}
}

static int
posix_list(struct files *files, int directory, const char *path,
	bool (*each)(void *context, const char *name), void *context)
{
	int fd = posix_open(files, directory, path, O_RDONLY | O_DIRECTORY, 0);
	DIR *stream;
	int n;

	if (fd < 0)
		return fd;
	stream = fdopendir(fd);
	if (!stream) {
		n = -errno;
		close(fd);
		return n;
	}
	n = read_entries(stream, each, context);
	closedir(stream);
	return n;
}

static int
posix_memory(struct files *files, const char *label)
{
	return result(memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

static int
posix_seal(struct files *files, int descriptor)
{
	return result(fcntl(descriptor, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
}

static int
posix_duplicate(struct files *files, int descriptor)
{
	return result(fcntl(descriptor, F_DUPFD_CLOEXEC, 3));
}

static bool
posix_is_local(struct files *files, int descriptor)
{
	static const uint32_t kinds[] = {
		0xEF53,	    /* ext2, ext3, ext4 */
		0x58465342, /* XFS */
		0x9123683E, /* Btrfs */
		0x01021994, /* tmpfs */
		0x2FC12FC1, /* ZFS */
		0xF2F52010, /* F2FS */
		0xCA451A4E, /* bcachefs */
		0x3153464A, /* JFS */
		0x794C7630, /* overlayfs */
	};
	struct statfs status;

	if (fstatfs(descriptor, &status) != 0)
		return false;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((uint32_t)status.f_type == kinds[i])
			return true;
	return false;
}

static uint64_t
posix_now_ns(struct files *files)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int
posix_random(struct files *files, void *to, size_t octets)
{
	ssize_t n;

	do {
		n = getrandom(to, octets, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == octets ? 0 : -EIO;
}

struct files files_posix = {
	.open = posix_open,
	.close = posix_close,
	.read_at = posix_read_at,
	.write_at = posix_write_at,
	.sync = posix_sync,
	.sync_data = posix_sync_data,
	.sync_file_system = posix_sync_file_system,
	.allocate = posix_allocate,
	.truncate = posix_truncate,
	.lock = posix_lock,
	.link = posix_link,
	.rename = posix_rename,
	.unlink = posix_unlink,
	.mkdir = posix_mkdir,
	.stat = posix_stat,
	.stat_at = posix_stat_at,
	.list = posix_list,
	.memory = posix_memory,
	.seal = posix_seal,
	.duplicate = posix_duplicate,
	.is_local = posix_is_local,
	.now_ns = posix_now_ns,
	.random = posix_random,
};
