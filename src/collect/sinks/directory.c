/* SPDX-License-Identifier: ISC */
#include "collect/sinks/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static enum outcome
failed(int error)
{
	errno = -error;
	return outcome_of_errno(-error);
}

enum outcome
directory_make(struct files *files, const char *path)
{
	int error = files->mkdir(files, AT_FDCWD, path, 0700);
	bool is_old = error == -EEXIST;
	char copy[PATH_MAX];
	int fd;

	if (error != 0 && !is_old)
		return failed(error);
	snprintf(copy, sizeof(copy), "%s/..", path);
	fd = files->open(files, AT_FDCWD, copy, O_RDONLY | O_DIRECTORY, 0);
	/* Also when it is there: who made it may have been killed before this.
	   Where it cannot be done it was not us. */
	error = fd < 0 ? fd : files->sync(files, fd);
	files->close(files, &fd);
	if (is_old && error != -EIO && error != -ENOSPC)
		return OK;
	return failed(error);
}

enum outcome
directory_make_path(struct files *files, const char *target)
{
	char path[PATH_MAX];
	enum outcome outcome = OK;

	snprintf(path, sizeof(path), "%s/", target);
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		outcome = directory_make(files, path);
		if (outcome != OK)
			break;
		*slash = '/';
	}
	return outcome;
}
