/* SPDX-License-Identifier: ISC */
#include "server/parent_state.h"

/* From who reads what strangers send to who keeps the mail. */
static const enum role by_trust[] = {
	ROLE_SESSION, ROLE_LOOKUP, ROLE_WEB, ROLE_KEY, ROLE_AUTH, ROLE_STORE};

enum role
parent_less_trusted(enum role by, enum role who)
{
	for (size_t i = 0; i < sizeof(by_trust) / sizeof(*by_trust); i++)
		if (by_trust[i] == by || by_trust[i] == who)
			return by_trust[i];
	return by;
}
