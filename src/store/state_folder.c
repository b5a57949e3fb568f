/* SPDX-License-Identifier: ISC */
#include "store/state_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

void
state_path(const struct state_folder *state, const char *kind, const char *file,
	char out[STATE_PATH_OCTETS])
{
	snprintf(out, STATE_PATH_OCTETS, "%s/%s%s%s", kind, state->name,
		file ? "/" : "", file ? file : "");
}

static int
make(const struct state_folder *state, const char *kind)
{
	struct files *files = state->files;
	char path[STATE_PATH_OCTETS];
	int error = files->mkdir(files, state->root, kind, 0700);

	if (error != 0 && error != -EEXIST)
		return error;
	state_path(state, kind, NULL, path);
	error = files->mkdir(files, state->root, path, 0700);
	return error == -EEXIST ? 0 : error;
}

int
state_open(const struct state_folder *state, const char *kind, const char *file,
	int flags)
{
	struct files *files = state->files;
	char path[STATE_PATH_OCTETS];
	int fd, error;

	state_path(state, kind, file, path);
	/* What is there must be found on a full disk too. */
	fd = files->open(files, state->root, path,
		flags & O_EXCL ? flags : flags & ~O_CREAT, 0600);
	if (fd != -ENOENT || !(flags & O_CREAT))
		return fd;
	fd = files->open(files, state->root, path, flags, 0600);
	if (fd != -ENOENT)
		return fd;
	error = make(state, kind);
	if (error != 0)
		return error;
	return files->open(files, state->root, path, flags, 0600);
}

static int
sync_path(const struct state_folder *state, const char *path)
{
	struct files *files = state->files;
	int fd = files->open(
		files, state->root, path, O_RDONLY | O_DIRECTORY, 0);
	int error;

	if (fd < 0)
		return fd;
	error = files->sync(files, fd);
	files->close(files, &fd);
	return error;
}

int
state_sync(const struct state_folder *state, const char *kind)
{
	char path[STATE_PATH_OCTETS];
	int error;

	state_path(state, kind, NULL, path);
	error = sync_path(state, path);
	if (error == 0)
		error = sync_path(state, kind);
	if (error == 0)
		error = sync_path(state, ".");
	return error;
}
