/* SPDX-License-Identifier: ISC */
/* directory - directories that last: the entry of each that is made is synced. */
#ifndef COLLECT_SINKS_DIRECTORY_H
#define COLLECT_SINKS_DIRECTORY_H

#include "base/outcome.h"

/* OK when it is there already. errno says what is wrong. */
enum outcome directory_make(const char *path);
/* As mkdir -p. */
enum outcome directory_make_path(const char *path);

#endif
