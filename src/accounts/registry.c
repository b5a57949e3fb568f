/* SPDX-License-Identifier: ISC */
#include "accounts/accounts.h"
#include "accounts/sqlite/sqlite.h"

#include <string.h>

static const struct {
	const char *kind;
	enum outcome (*open)(
		const char *location, bool may_create, struct accounts **out);
} kinds[] = {
	{"sqlite", accounts_sqlite_open},
};

enum outcome
accounts_open(const char *kind, const char *location, bool may_create,
	struct accounts **out)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return kinds[i].open(location, may_create, out);
	return ERR_PEER;
}
