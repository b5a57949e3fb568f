/* SPDX-License-Identifier: ISC */
#include "store/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "store/path.h"

int
folders_make(struct files *files, int parent, const char *name)
{
	int error = files->mkdir(files, parent, name, 0700);

	if (error == -EEXIST)
		return 0;
	return error == 0 ? files->sync(files, parent) : error;
}

static int
open_one(struct files *files, int parent, const char *name, bool may_make)
{
	int fd = files->open(files, parent, name, O_RDONLY | O_DIRECTORY, 0);
	int error;

	if (fd != -ENOENT || !may_make)
		return fd;
	error = folders_make(files, parent, name);
	if (error != 0)
		return error;
	return files->open(files, parent, name, O_RDONLY | O_DIRECTORY, 0);
}

int
folders_open(struct files *files, int root, const char *path, bool may_make)
{
	char copy[MAILBOX_PATH_OCTETS];
	int parent = root, owned = -1;
	char *rest = copy, *name;

	snprintf(copy, sizeof(copy), "%s", path[0] ? path : ".");
	while ((name = strsep(&rest, "/"))) {
		int fd = open_one(files, parent, name, may_make);

		files->close(files, &owned);
		if (fd < 0)
			return fd;
		owned = parent = fd;
	}
	return owned;
}

int
folders_sync(struct files *files, int root, const char *path)
{
	char copy[MAILBOX_PATH_OCTETS];
	int parent = root, owned = -1, error = files->sync(files, root);
	char *rest = copy, *name;

	snprintf(copy, sizeof(copy), "%s", path[0] ? path : ".");
	while (error == 0 && (name = strsep(&rest, "/"))) {
		int fd = open_one(files, parent, name, false);

		files->close(files, &owned);
		error = fd < 0 ? fd : files->sync(files, fd);
		owned = parent = fd;
	}
	files->close(files, &owned);
	return error;
}
