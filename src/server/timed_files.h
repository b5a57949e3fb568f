/* SPDX-License-Identifier: ISC */
/*
 * timed_files - the system calls of the store, with the time that the disk
 * takes to make something durable counted.
 */
#ifndef SERVER_TIMED_FILES_H
#define SERVER_TIMED_FILES_H

#include "server/stats.h"
#include "store/files.h"

/* files_posix, counted in `stats` (borrowed for ever). One a process. */
struct files *timed_files(struct stats *stats);

#endif
