/* SPDX-License-Identifier: ISC */
#include "server/role_lost.h"

#include "base/log.h"

void
role_lost_log(const char *role, enum outcome why)
{
	log_event(why == ERR_GONE ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
		"role-lost", "role=%s why=%s", role, outcome_name(why));
}
