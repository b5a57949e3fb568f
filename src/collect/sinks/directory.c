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
	char copy[PATH_MAX];
	int fd;

	if (error == -EEXIST)
		return OK;
	if (error != 0)
		return failed(error);
	snprintf(copy, sizeof(copy), "%s/..", path);
	fd = files->open(files, AT_FDCWD, copy, O_RDONLY | O_DIRECTORY, 0);
	error = fd < 0 ? fd : files->sync(files, fd);
	files->close(files, &fd);
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
