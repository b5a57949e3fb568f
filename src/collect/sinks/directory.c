/* SPDX-License-Identifier: ISC */
#include "collect/sinks/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum outcome
directory_make(const char *path)
{
	char copy[PATH_MAX];
	int fd;

	if (mkdir(path, 0700) == 0) {
		snprintf(copy, sizeof(copy), "%s/..", path);
		fd = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || fsync(fd) < 0) {
			if (fd >= 0)
				close(fd);
			return outcome_of_errno(errno);
		}
		close(fd);
		return OK;
	}
	return errno == EEXIST ? OK : outcome_of_errno(errno);
}

enum outcome
directory_make_path(const char *target)
{
	char path[PATH_MAX];
	enum outcome outcome = OK;

	snprintf(path, sizeof(path), "%s/", target);
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		outcome = directory_make(path);
		if (outcome != OK)
			break;
		*slash = '/';
	}
	return outcome;
}
