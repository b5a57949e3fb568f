/* SPDX-License-Identifier: ISC */
/*
 * confinement - the last step of a role's start: its threads run, everything it
 * needs is open; from here on it can do what its list says and nothing else.
 */
#ifndef SERVER_CONFINEMENT_H
#define SERVER_CONFINEMENT_H

#include "process/landlock.h"
#include "server/protocol.h"

#include <stdbool.h>

#include <uv.h>

#define CONFINEMENT_FOLDERS_MAXIMUM 32

struct confinement {
	enum role role;
	/* What it may open files below of. */
	struct landlock_folder folders[CONFINEMENT_FOLDERS_MAXIMUM];
	size_t folder_count;
	/* Loads libraries of others as it goes, and connects to anywhere. */
	bool is_open;
	bool has_threads; /* libuv's pool, of the size that was set */
};

/*
 * Landlock, then the threads (which inherit it), then the list of system calls.
 * Says in the log what this kernel lacks; ends the process when something that
 * it has fails.
 */
void confinement_enter(const struct confinement *confinement, uv_loop_t *loop);

#endif
