/* SPDX-License-Identifier: ISC */
/*
 * files - the system calls a store makes, as a table, so that faults, traces
 * of what is not yet synced or a simulated file system can be put beneath.
 *
 * Paths are relative to an open directory. A symbolic link as the last
 * component is never followed. Every function returns what the call returns,
 * or a negative errno; interrupted calls are repeated. Callable from several
 * threads at once.
 */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/bytes.h"

struct files {
	/* O_CLOEXEC, O_NOFOLLOW, O_NOCTTY and O_NONBLOCK are added. */
	int (*open)(struct files *files, int directory, const char *path,
		int flags, mode_t mode);
	/* Leaves *descriptor -1; nothing happens when it is. */
	void (*close)(struct files *files, int *descriptor);
	ssize_t (*read_at)(struct files *files, int descriptor, void *to,
		size_t room, uint64_t offset);
	ssize_t (*write_at)(struct files *files, int descriptor,
		const void *from, size_t octets, uint64_t offset);
	int (*sync)(struct files *files, int descriptor);
	int (*sync_data)(struct files *files, int descriptor);
	/* Everything on the file system that holds it. */
	int (*sync_file_system)(struct files *files, int descriptor);
	/* Blocks for the first `octets`; the file becomes at least that long. */
	int (*allocate)(struct files *files, int descriptor, uint64_t octets);
	int (*truncate)(struct files *files, int descriptor, uint64_t octets);
	/*
	 * The whole file, for writing or for reading, against fcntl(2) locks of
	 * others; does not wait: -EAGAIN. It belongs to this opening of the file
	 * and goes with its last descriptor.
	 */
	int (*lock)(struct files *files, int descriptor, bool is_for_writing);
	int (*link)(struct files *files, int from, const char *from_path,
		int to, const char *to_path);
	int (*rename)(struct files *files, int from, const char *from_path,
		int to, const char *to_path);
	int (*unlink)(struct files *files, int directory, const char *path);
	int (*mkdir)(struct files *files, int directory, const char *path,
		mode_t mode);
	int (*stat)(struct files *files, int descriptor, struct stat *out);
	int (*stat_at)(struct files *files, int directory, const char *path,
		struct stat *out);
	/* Calls `each` for every entry but "." and "..", until it says false. */
	int (*list)(struct files *files, int directory, const char *path,
		bool (*each)(void *context, const char *name), void *context);
	/* An unnamed file in memory, and its end: no more writes. */
	int (*memory)(struct files *files, const char *label);
	int (*seal)(struct files *files, int descriptor);
	int (*duplicate)(struct files *files, int descriptor);
	/* No other host changes or keeps what is there: nobody waits for one. */
	bool (*is_local)(struct files *files, int descriptor);
	/* Since 1970, by the clock that stamps files. */
	uint64_t (*now_ns)(struct files *files);
	int (*random)(struct files *files, void *to, size_t octets);
};

extern struct files files_posix;

/* Everything or a negative errno; a file that takes nothing is -ENOSPC. */
int files_write_all(struct files *files, int descriptor, struct bytes from,
	uint64_t offset);
/* Reads until `room` is full or the file ends; octets read. */
ssize_t files_read_all(struct files *files, int descriptor, void *to,
	size_t room, uint64_t offset);

#endif
