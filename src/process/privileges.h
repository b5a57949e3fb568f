/* SPDX-License-Identifier: ISC */
/*
 * privileges - giving up what a role does not need, for good.
 */
#ifndef PROCESS_PRIVILEGES_H
#define PROCESS_PRIVILEGES_H

#include "base/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct privileges {
	bool is_root; /* started as root: uid, gid and root matter */
	uid_t uid;
	gid_t gid;
	int root_fd; /* directory to chroot into; -1: keep the root */
	/* A supplementary group, 0 for none. */
	gid_t group;
};

/* A name, or a number (uid, and gid the same). ERR_DENIED: no such user; `error` says how to make it. */
enum outcome privileges_find_user(const char *user, uid_t *out_uid,
	gid_t *out_gid, char *error, size_t error_size);

/* A name or a number. ERR_DENIED: no such group. */
enum outcome privileges_find_group(const char *group, gid_t *out_gid);

/*
 * In this order: chroot, supplementary groups, gid, uid (checked that they
 * cannot come back), no_new_privs, not dumpable, no core files. Not as root:
 * the last three. A failure is ERR_BROKEN and the role must end.
 */
enum outcome privileges_drop(const struct privileges *privileges);

/* Raises the limit of open files as far as allowed; returns it. */
unsigned long privileges_raise_file_limit(void);

#endif
