/* SPDX-License-Identifier: ISC */
/* directory - directories that last: the entry of each that is made is synced. */
#ifndef COLLECT_SINKS_DIRECTORY_H
#define COLLECT_SINKS_DIRECTORY_H

#include "base/outcome.h"
#include "store/files.h"

/* OK when it is there already. errno says what is wrong. */
enum outcome directory_make(struct files *files, const char *path);
/* As mkdir -p. */
enum outcome directory_make_path(struct files *files, const char *path);

#endif
