/* SPDX-License-Identifier: ISC */
/*
 * descriptors - which are open: what was sent must be closed here, what was
 * refused must be closed there, and nothing may be left at the end.
 */
#ifndef TESTS_PROCESS_DESCRIPTORS_H
#define TESTS_PROCESS_DESCRIPTORS_H

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static inline bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static inline unsigned
count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	const struct dirent *entry;
	unsigned count = 0;

	while (directory && (entry = readdir(directory)))
		count += entry->d_name[0] != '.' &&
			 atoi(entry->d_name) != dirfd(directory);
	if (directory)
		closedir(directory);
	return count;
}

/* The reading end; *out_writing the other. */
static inline int
open_pipe(int *out_writing)
{
	int ends[2] = {-1, -1};

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		abort();
	*out_writing = ends[1];
	return ends[0];
}

/* Nobody holds the writing end any more. */
static inline bool
is_at_end(int reading)
{
	char octet;

	return read(reading, &octet, 1) == 0;
}

#endif
