/* SPDX-License-Identifier: ISC */
#include "process/privileges.h"
#include "base/bytes.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum outcome
privileges_find_user(const char *user, uid_t *out_uid, gid_t *out_gid,
	char *error, size_t error_size)
{
	const struct passwd *found;
	uint64_t number;

	/* 0 is no answer: a role never stays root. */
	if (bytes_to_number(bytes_of_string(user), 0x7fffffff, &number) &&
		number > 0) {
		*out_uid = (uid_t)number;
		*out_gid = (gid_t)number;
		return OK;
	}
	found = getpwnam(user);
	if (found && found->pw_uid != 0) {
		*out_uid = found->pw_uid;
		*out_gid = found->pw_gid;
		return OK;
	}
	snprintf(error, error_size,
		found ? "user %s is root: a role needs a user of its own"
		      : "no user %s: make it with  useradd --system "
			"--no-create-home --shell /usr/sbin/nologin %s",
		user, user);
	return ERR_DENIED;
}

enum outcome
privileges_find_group(const char *group, gid_t *out_gid)
{
	const struct group *found = getgrnam(group);
	uint64_t number;

	if (found)
		*out_gid = found->gr_gid;
	else if (bytes_to_number(bytes_of_string(group), 0x7fffffff, &number))
		*out_gid = (gid_t)number;
	else
		return ERR_DENIED;
	return OK;
}

static bool
drop_user(const struct privileges *privileges)
{
	if (privileges->root_fd >= 0 &&
		(fchdir(privileges->root_fd) < 0 || chroot(".") < 0 ||
			chdir("/") < 0))
		return false;
	if (setgroups(privileges->group ? 1 : 0, &privileges->group) < 0 ||
		setresgid(privileges->gid, privileges->gid, privileges->gid) <
			0 ||
		setresuid(privileges->uid, privileges->uid, privileges->uid) <
			0)
		return false;
	/* They must not come back. */
	return setuid(0) < 0 && setgid(0) < 0 && geteuid() == privileges->uid;
}

enum outcome
privileges_drop(const struct privileges *privileges)
{
	const struct rlimit no_core = {0, 0};

	if (privileges->is_root && !drop_user(privileges))
		return ERR_BROKEN;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
		setrlimit(RLIMIT_CORE, &no_core) < 0)
		return ERR_BROKEN;
	return OK;
}

unsigned long
privileges_raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return (unsigned long)limit.rlim_cur;
}
