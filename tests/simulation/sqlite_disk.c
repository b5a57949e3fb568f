/* SPDX-License-Identifier: ISC */
#include "sqlite_disk.h"
#include "chance.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define PATH_OCTETS    256
#define REGIONS	       8
#define JULIAN_1970_MS 210866760000000ll

struct file {
	sqlite3_file base; /* first */
	int fd;
	void *regions[REGIONS];
};

static struct disk_process *process;

static struct file *
file_of(sqlite3_file *base)
{
	return (struct file *)base;
}

static int
result(int error, int otherwise)
{
	if (error == 0)
		return SQLITE_OK;
	return error == -ENOSPC ? SQLITE_FULL : otherwise;
}

/* ---- files ---- */

static int
close_file(sqlite3_file *base)
{
	struct files *files = &process->files;

	files->close(files, &file_of(base)->fd);
	for (unsigned i = 0; i < REGIONS; i++)
		free(file_of(base)->regions[i]);
	return SQLITE_OK;
}

static int
read_file(sqlite3_file *base, void *to, int octets, sqlite3_int64 offset)
{
	ssize_t n = files_read_all(&process->files, file_of(base)->fd, to,
		(size_t)octets, (uint64_t)offset);

	if (n < 0)
		return SQLITE_IOERR_READ;
	memset((char *)to + n, 0, (size_t)octets - (size_t)n);
	return n == octets ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int
write_file(
	sqlite3_file *base, const void *from, int octets, sqlite3_int64 offset)
{
	return result(files_write_all(&process->files, file_of(base)->fd,
			      bytes_of(from, (size_t)octets), (uint64_t)offset),
		SQLITE_IOERR_WRITE);
}

static int
truncate_file(sqlite3_file *base, sqlite3_int64 octets)
{
	struct files *files = &process->files;

	return result(
		files->truncate(files, file_of(base)->fd, (uint64_t)octets),
		SQLITE_IOERR_TRUNCATE);
}

static int
sync_file(sqlite3_file *base, int flags)
{
	struct files *files = &process->files;

	return result(
		files->sync(files, file_of(base)->fd), SQLITE_IOERR_FSYNC);
}

static int
tell_size(sqlite3_file *base, sqlite3_int64 *out)
{
	struct files *files = &process->files;
	struct stat status;

	if (files->stat(files, file_of(base)->fd, &status) != 0)
		return SQLITE_IOERR_FSTAT;
	*out = status.st_size;
	return SQLITE_OK;
}

static int
lock(sqlite3_file *base, int kind)
{
	return SQLITE_OK;
}

static int
is_reserved(sqlite3_file *base, int *out)
{
	*out = 0;
	return SQLITE_OK;
}

static int
control(sqlite3_file *base, int operation, void *argument)
{
	return SQLITE_NOTFOUND;
}

static int
sector_size(sqlite3_file *base)
{
	return DISK_SECTOR_OCTETS;
}

static int
characteristics(sqlite3_file *base)
{
	return 0;
}

static int
map_region(sqlite3_file *base, int region, int octets, int may_grow,
	void volatile **out)
{
	void **at = &file_of(base)->regions[region];

	if (region >= REGIONS)
		return SQLITE_NOMEM;
	if (!*at && may_grow)
		*at = calloc(1, (size_t)octets);
	*out = *at;
	return SQLITE_OK;
}

static int
lock_region(sqlite3_file *base, int offset, int n, int flags)
{
	return SQLITE_OK;
}

static void
barrier(sqlite3_file *base)
{
}

static int
unmap_regions(sqlite3_file *base, int must_remove)
{
	for (unsigned i = 0; i < REGIONS; i++) {
		free(file_of(base)->regions[i]);
		file_of(base)->regions[i] = NULL;
	}
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = close_file,
	.xRead = read_file,
	.xWrite = write_file,
	.xTruncate = truncate_file,
	.xSync = sync_file,
	.xFileSize = tell_size,
	.xLock = lock,
	.xUnlock = lock,
	.xCheckReservedLock = is_reserved,
	.xFileControl = control,
	.xSectorSize = sector_size,
	.xDeviceCharacteristics = characteristics,
	.xShmMap = map_region,
	.xShmLock = lock_region,
	.xShmBarrier = barrier,
	.xShmUnmap = unmap_regions,
};

/* ---- names ---- */

/* A new file's entry is not synced: SQLite syncs the directory through the
   journal's deletion only, so its own VFS does it at creation too. */
static void
sync_directory(void)
{
	struct files *files = &process->files;
	int fd = files->open(files, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, 0);

	if (fd >= 0)
		(void)files->sync(files, fd);
	files->close(files, &fd);
}

static int
open_file(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags,
	int *out_flags)
{
	struct files *files = &process->files;
	struct file *file = file_of(base);
	bool may_make = flags & SQLITE_OPEN_CREATE;

	memset(file, 0, sizeof(*file));
	file->fd = files->open(files, AT_FDCWD, path ? path : "/temporary",
		O_RDWR | (may_make ? O_CREAT : 0), 0600);
	if (file->fd < 0)
		return result(file->fd, SQLITE_CANTOPEN);
	if (may_make)
		sync_directory();
	base->pMethods = &methods;
	if (out_flags)
		*out_flags = flags;
	return SQLITE_OK;
}

static int
delete_file(sqlite3_vfs *vfs, const char *path, int must_sync)
{
	struct files *files = &process->files;
	int error = files->unlink(files, AT_FDCWD, path);

	if (error == -ENOENT)
		return SQLITE_IOERR_DELETE_NOENT;
	if (error == 0 && must_sync)
		sync_directory();
	return result(error, SQLITE_IOERR_DELETE);
}

static int
has_file(sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
	struct files *files = &process->files;
	struct stat status;
	int error = files->stat_at(files, AT_FDCWD, path, &status);

	if (error != 0 && error != -ENOENT)
		return SQLITE_IOERR_ACCESS;
	*out = error == 0 && status.st_size > 0;
	return SQLITE_OK;
}

static int
full_path(sqlite3_vfs *vfs, const char *path, int octets, char *out)
{
	sqlite3_snprintf(octets, out, "%s", path);
	return SQLITE_OK;
}

static int
random_octets(sqlite3_vfs *vfs, int octets, char *out)
{
	for (int i = 0; i < octets; i++)
		out[i] = (char)(chance_number() >> 32);
	return octets;
}

static int
sleep_us(sqlite3_vfs *vfs, int microseconds)
{
	return microseconds;
}

static int
now(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
	*out = JULIAN_1970_MS + (sqlite3_int64)(clock_now_ns() / MILLISECOND);
	return SQLITE_OK;
}

static int
now_days(sqlite3_vfs *vfs, double *out)
{
	sqlite3_int64 ms;

	now(vfs, &ms);
	*out = (double)ms / 86400000.0;
	return SQLITE_OK;
}

static int
last_error(sqlite3_vfs *vfs, int octets, char *out)
{
	return 0;
}

static sqlite3_vfs vfs = {
	.iVersion = 2,
	.szOsFile = sizeof(struct file),
	.mxPathname = PATH_OCTETS,
	.zName = "simulated",
	.xOpen = open_file,
	.xDelete = delete_file,
	.xAccess = has_file,
	.xFullPathname = full_path,
	.xRandomness = random_octets,
	.xSleep = sleep_us,
	.xCurrentTime = now_days,
	.xGetLastError = last_error,
	.xCurrentTimeInt64 = now,
};

void
sqlite_disk_use(struct disk_process *new_process)
{
	if (!process)
		sqlite3_vfs_register(&vfs, 1);
	process = new_process;
	/* Its own chance begins anew, and is ours. */
	sqlite3_randomness(0, NULL);
}
