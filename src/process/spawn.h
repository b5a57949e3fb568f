/* SPDX-License-Identifier: ISC */
/*
 * spawn - starts a role: this program executed anew, so that roles share no
 * memory, no address layout and no secret.
 */
#ifndef PROCESS_SPAWN_H
#define PROCESS_SPAWN_H

#include "base/outcome.h"

#include <sys/types.h>

#define SPAWN_CHANNEL_FD 3 /* where a role finds its channel to the parent */

/*
 * Executes /proc/self/exe as `restanted --role NAME --number N` with only
 * descriptors 0 (/dev/null), 1, 2 and SPAWN_CHANNEL_FD open, and a death signal
 * in case the parent dies. *channel_fd is taken.
 */
enum outcome spawn_role(
	const char *role, unsigned number, int *channel_fd, pid_t *out_pid);

#endif
