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

static bool
is_device_octet(unsigned char octet)
{
	return (octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9');
}

bool
accounts_canonical_device(struct bytes given, char out[ACCOUNT_DEVICE_SIZE])
{
	char device[ACCOUNT_DEVICE_SIZE];

	if (given.octets == 0 ||
		!bytes_to_string(given, device, sizeof(device)))
		return false;
	for (size_t i = 0; i < given.octets; i++) {
		if (device[i] >= 'A' && device[i] <= 'Z')
			device[i] = (char)(device[i] + ('a' - 'A'));
		if (!is_device_octet((unsigned char)device[i]) &&
			(i == 0 || !strchr("._-", device[i])))
			return false;
	}
	memcpy(out, device, given.octets + 1);
	return true;
}

/* The last one in the text, or its end. */
static size_t
last_of(struct bytes text, unsigned char octet)
{
	size_t at = text.octets;

	while (at > 0 && text.at[at - 1] != octet)
		at--;
	return at > 0 ? at - 1 : text.octets;
}

bool
accounts_login_name(struct bytes given, char name[ACCOUNT_NAME_SIZE],
	char device[ACCOUNT_DEVICE_SIZE])
{
	size_t at = last_of(given, '@'), sign = last_of(given, '%'), end;
	char plain[ACCOUNT_NAME_SIZE + ACCOUNT_DEVICE_SIZE];

	device[0] = '\0';
	if (sign == given.octets)
		return accounts_canonical_name(given, name);
	/* What is in front of the "@" ends there. */
	end = sign < at ? at : given.octets;
	if (given.octets >= sizeof(plain) ||
		!accounts_canonical_device(
			bytes_of(given.at + sign + 1, end - sign - 1), device))
		return false;
	memcpy(plain, given.at, sign);
	memcpy(plain + sign, given.at + end, given.octets - end);
	return accounts_canonical_name(
		bytes_of(plain, sign + given.octets - end), name);
}
