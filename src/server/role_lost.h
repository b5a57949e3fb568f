/* SPDX-License-Identifier: ISC */
/* role_lost - the line of the log when a channel to another role has ended. */
#ifndef SERVER_ROLE_LOST_H
#define SERVER_ROLE_LOST_H

#include "base/outcome.h"

/* A warning, but for ERR_GONE: so it is at every stop, and of a role that died
   the parent says more. */
void role_lost_log(const char *role, enum outcome why);

#endif
