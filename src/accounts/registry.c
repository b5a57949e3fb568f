/* SPDX-License-Identifier: ISC */
#include "accounts/accounts.h"
#include "accounts/passwd_file/passwd_file.h"
#include "accounts/sqlite/sqlite.h"

#include <fcntl.h>
#include <string.h>

#define STANDARD_SCHEME "CRYPT"

static const struct {
	const char *kind;
	enum outcome (*open)(
		const struct accounts_options *options, struct accounts **out);
} kinds[] = {
	{"sqlite", accounts_sqlite_open},
	{"passwd-file", accounts_passwd_file_open},
};

enum outcome
accounts_open_with(
	const struct accounts_options *options, struct accounts **out)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kind, options->kind) == 0)
			return kinds[i].open(options, out);
	return ERR_PEER;
}

enum outcome
accounts_open(const char *kind, const char *location, bool may_create,
	struct accounts **out)
{
	struct accounts_options options = {.kind = kind,
		.directory = AT_FDCWD,
		.location = location,
		.may_create = may_create,
		.scheme = STANDARD_SCHEME};

	return accounts_open_with(&options, out);
}
