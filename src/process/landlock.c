/* SPDX-License-Identifier: ISC */
#include "process/landlock.h"

#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What younger kernels know and this header may not. */
#define FS_REFER		   (1ull << 13) /* version 2 */
#define FS_TRUNCATE		   (1ull << 14) /* 3 */
#define FS_IOCTL_DEV		   (1ull << 15) /* 5 */
#define NET_BIND_TCP		   (1ull << 0)	/* 4 */
#define NET_CONNECT_TCP		   (1ull << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ull << 0) /* 6 */
#define SCOPE_SIGNAL		   (1ull << 1)
#define FS_FIRST		   ((1ull << 13) - 1)

/* As of version 6; older ones read less of it, and want the rest to be 0. */
struct ruleset {
	uint64_t fs, net, scoped;
};

static struct ruleset
handled(int version, bool may_connect)
{
	struct ruleset ruleset = {.fs = FS_FIRST};

	if (version >= 2)
		ruleset.fs |= FS_REFER;
	if (version >= 3)
		ruleset.fs |= FS_TRUNCATE;
	if (version >= 5)
		ruleset.fs |= FS_IOCTL_DEV;
	if (version >= 4)
		ruleset.net =
			NET_BIND_TCP | (may_connect ? 0 : NET_CONNECT_TCP);
	if (version >= 6)
		ruleset.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
	return ruleset;
}

/* Regular files and folders; nothing is executed, no device, socket, FIFO or
   link is made. */
static uint64_t
granted(uint64_t handled_fs, bool is_read_only)
{
	if (is_read_only)
		return LANDLOCK_ACCESS_FS_READ_FILE |
		       LANDLOCK_ACCESS_FS_READ_DIR;
	return handled_fs &
	       (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
		       LANDLOCK_ACCESS_FS_WRITE_FILE |
		       LANDLOCK_ACCESS_FS_MAKE_REG |
		       LANDLOCK_ACCESS_FS_MAKE_DIR |
		       LANDLOCK_ACCESS_FS_REMOVE_FILE |
		       LANDLOCK_ACCESS_FS_REMOVE_DIR | FS_REFER | FS_TRUNCATE);
}

static bool
add_folder(int ruleset_fd, int fd, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights, .parent_fd = fd};

	return syscall(SYS_landlock_add_rule, ruleset_fd,
		       LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

enum outcome
landlock_enter(const struct landlock_rules *rules, int *out_version)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset ruleset = handled((int)version, rules->may_connect);
	const struct landlock_folder *folders = rules->folders;
	bool is_good = true;
	int fd;

	/* The first version cannot allow what every delivery does: a rename
	   from one folder into another. */
	if (version <= 0 || (version == 1 && rules->count > 0)) {
		*out_version = 0;
		return OK;
	}
	fd = (int)syscall(
		SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
	if (fd < 0)
		return ERR_BROKEN;
	for (size_t i = 0; i < rules->count; i++)
		is_good = is_good &&
			  add_folder(fd, folders[i].fd,
				  granted(ruleset.fs, folders[i].is_read_only));
	is_good = is_good && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	close(fd);
	*out_version = (int)version;
	return is_good ? OK : ERR_BROKEN;
}
