/* SPDX-License-Identifier: ISC */
#include "store/mailbox_name.h"

#include <string.h>

#include "store/store.h"

bool
mailbox_name_is_usable(const char *name)
{
	size_t octets = strnlen(name, STORE_MAILBOX_MAXIMUM_OCTETS);
	const char *domain = strrchr(name, '@');

	if (octets == 0 || octets >= STORE_MAILBOX_MAXIMUM_OCTETS)
		return false;
	for (size_t i = 0; i < octets; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c < 0x20 || c == 0x7F || c == '/')
			return false;
	}
	if (name[0] == '.' || name[0] == '@')
		return false;
	return !domain || (domain[1] != '\0' && domain[1] != '.');
}
