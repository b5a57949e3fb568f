/* SPDX-License-Identifier: ISC */
#include "accounts/accounts.h"

#include <string.h>

static bool
is_allowed(unsigned char octet)
{
	return octet > ' ' && octet != 0x7f && octet != '/' && octet != '\\';
}

/* Local part and domain become folders: not empty, and no Maildir++ folder. */
static bool
has_usable_parts(const char *name)
{
	const char *at = strrchr(name, '@');

	return name[0] != '@' && (!at || (at[1] && at[1] != '.'));
}

bool
accounts_canonical_name(struct bytes given, char out[ACCOUNT_NAME_SIZE])
{
	char name[ACCOUNT_NAME_SIZE];

	if (given.octets == 0 || given.at[0] == '-' || given.at[0] == '.' ||
		!bytes_to_string(given, name, sizeof(name)))
		return false;
	/* Dots are fine, but never a way up. */
	if (strstr(name, "..") || !has_usable_parts(name))
		return false;
	for (size_t i = 0; i < given.octets; i++) {
		if (!is_allowed(given.at[i]))
			return false;
		if (name[i] >= 'A' && name[i] <= 'Z')
			name[i] = (char)(name[i] + ('a' - 'A'));
	}
	memcpy(out, name, given.octets + 1);
	return true;
}
