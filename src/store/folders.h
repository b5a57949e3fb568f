/* SPDX-License-Identifier: ISC */
/* folders - directories below the mail root, made when missing, durably. */
#ifndef STORE_FOLDERS_H
#define STORE_FOLDERS_H

#include "store/files.h"

/* One that is there already is no error. */
int folders_make(struct files *files, int parent, const char *name);
/*
 * Opens the folder `path` below `root`; an empty path is the root itself.
 * Returns the descriptor or a negative errno.
 */
int folders_open(
	struct files *files, int root, const char *path, bool may_make);
/* Each folder from `root` down to `path`: who made one may have been killed
   before its entry was on disk. 0 or a negative errno. */
int folders_sync(struct files *files, int root, const char *path);

#endif
