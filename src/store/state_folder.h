/* SPDX-License-Identifier: ISC */
/*
 * state_folder - the files below `state` that belong to one mailbox:
 * "KIND/NAME/FILE", where KIND is "index" (caches) or "mailbox" (the rest).
 */
#ifndef STORE_STATE_FOLDER_H
#define STORE_STATE_FOLDER_H

#include "store/files.h"
#include "store/path.h"

#define STATE_PATH_OCTETS (STATE_NAME_OCTETS + 48)

struct state_folder {
	struct files *files;
	int root;
	const char *name; /* path_of_state; borrowed */
};

/* Without `file` the folder. */
void state_path(const struct state_folder *state, const char *kind,
	const char *file, char out[STATE_PATH_OCTETS]);
/* Opens a file; with O_CREAT makes the folders it needs. */
int state_open(const struct state_folder *state, const char *kind,
	const char *file, int flags);
/* Makes the entry of a new file, and of its folders, durable. */
int state_sync(const struct state_folder *state, const char *kind);

#endif
