/* SPDX-License-Identifier: ISC */
/*
 * landlock - nothing of the file system but some folders, no TCP (or only
 * outwards), no signal and no abstract socket outside of this process's domain:
 * as far as the kernel can.
 *
 * Linux 5.13 has the first version of it; 6.12 all that is asked for here.
 */
#ifndef PROCESS_LANDLOCK_H
#define PROCESS_LANDLOCK_H

#include "base/outcome.h"

#include <stdbool.h>
#include <stddef.h>

struct landlock_folder {
	int fd; /* borrowed; everything below it may be read and written */
	bool is_read_only;
};

struct landlock_rules {
	const struct landlock_folder *folders;
	size_t count;
	bool may_connect; /* TCP to anywhere; no port is listened on */
};

/*
 * For the calling thread and those it starts from now on. *out_version: the
 * kernel's, 0 when it has none (and nothing is restricted).
 * ERR_BROKEN: it has, and it failed.
 */
enum outcome landlock_enter(
	const struct landlock_rules *rules, int *out_version);

#endif
