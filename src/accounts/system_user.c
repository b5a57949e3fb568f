/* SPDX-License-Identifier: ISC */
#include "accounts/system_user.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>

/* What a line of passwd(5) takes, beyond any that is in use. */
#define ENTRY_FIRST_OCTETS   1024
#define ENTRY_MAXIMUM_OCTETS 65536

/* Some sources say it by these, whatever getpwnam_r(3) promises. */
static bool
means_unknown(int error)
{
	return error == 0 || error == ENOENT || error == ESRCH ||
	       error == EBADF || error == EPERM;
}

enum outcome
system_user_find(const char *name, uid_t *out_uid)
{
	size_t octets = ENTRY_FIRST_OCTETS;
	struct passwd entry, *found = NULL;
	char *memory = NULL, *more;
	int error = ERANGE;

	while (error == ERANGE && octets <= ENTRY_MAXIMUM_OCTETS) {
		more = realloc(memory, octets);
		if (!more) {
			error = ENOMEM;
			break;
		}
		memory = more;
		error = getpwnam_r(name, &entry, memory, octets, &found);
		octets *= 2;
	}
	if (found)
		*out_uid = entry.pw_uid;
	free(memory);
	if (found)
		return OK;
	return means_unknown(error) ? ERR_DENIED : ERR_TRY_LATER;
}
