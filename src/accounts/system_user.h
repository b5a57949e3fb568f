/* SPDX-License-Identifier: ISC */
/*
 * system_user - the users that this machine knows: /etc/passwd, LDAP, whatever
 * nsswitch.conf(5) names. Thread-safe; may block for as long as a server far
 * away takes, and loads libraries.
 */
#ifndef ACCOUNTS_SYSTEM_USER_H
#define ACCOUNTS_SYSTEM_USER_H

#include "base/outcome.h"

#include <sys/types.h>

/* ERR_DENIED: no such user. ERR_TRY_LATER: who would know is away. */
enum outcome system_user_find(const char *name, uid_t *out_uid);

#endif
