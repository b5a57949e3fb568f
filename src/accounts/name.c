/* SPDX-License-Identifier: ISC */
#include "accounts/accounts.h"

#include <stdio.h>
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

static void
fold(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text + ('a' - 'A'));
}

static bool
is_usable(struct bytes name)
{
	if (name.octets == 0 || name.at[0] == '-' || name.at[0] == '.')
		return false;
	for (size_t i = 0; i < name.octets; i++)
		if (!is_allowed(name.at[i]))
			return false;
	return true;
}

bool
accounts_name(const struct accounts_naming *naming, struct bytes given,
	char out[ACCOUNT_NAME_SIZE])
{
	bool is_short = naming->default_domain && naming->default_domain[0] &&
			!bytes_has(given, '@');
	char name[ACCOUNT_NAME_SIZE], *domain;
	size_t room;

	if (!is_usable(given) || !bytes_to_string(given, name, sizeof(name)))
		return false;
	room = sizeof(name) - given.octets;
	if (is_short && (size_t)snprintf(name + given.octets, room, "@%s",
				naming->default_domain) >= room)
		return false;
	/* Dots are fine, but never a way up. */
	if (strstr(name, "..") || !has_usable_parts(name))
		return false;
	domain = strrchr(name, '@');
	if (!naming->keeps_case)
		fold(name);
	else if (domain)
		fold(domain);
	memcpy(out, name, strlen(name) + 1);
	return true;
}

bool
accounts_canonical_name(struct bytes given, char out[ACCOUNT_NAME_SIZE])
{
	static const struct accounts_naming plain;

	return accounts_name(&plain, given, out);
}

bool
accounts_catch_all(struct bytes given, char out[ACCOUNT_NAME_SIZE])
{
	char name[ACCOUNT_NAME_SIZE];

	if (given.octets < 2 || given.at[0] != '@' || given.at[1] == '.' ||
		bytes_has(bytes_after(given, 1), '@') || !is_usable(given) ||
		!bytes_to_string(given, name, sizeof(name)) ||
		strstr(name, ".."))
		return false;
	fold(name);
	memcpy(out, name, strlen(name) + 1);
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
	fold(device);
	for (size_t i = 0; i < given.octets; i++)
		if (!is_device_octet((unsigned char)device[i]) &&
			(i == 0 || !strchr("._-", device[i])))
			return false;
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
accounts_login_name(const struct accounts_naming *naming, struct bytes given,
	char name[ACCOUNT_NAME_SIZE], char device[ACCOUNT_DEVICE_SIZE])
{
	size_t at = last_of(given, '@'), sign = last_of(given, '%'), end;
	char plain[ACCOUNT_NAME_SIZE + ACCOUNT_DEVICE_SIZE];

	device[0] = '\0';
	if (sign == given.octets)
		return accounts_name(naming, given, name);
	/* What is in front of the "@" ends there. */
	end = sign < at ? at : given.octets;
	if (given.octets >= sizeof(plain) ||
		!accounts_canonical_device(
			bytes_of(given.at + sign + 1, end - sign - 1), device))
		return false;
	if (strcmp(device, ACCOUNT_MAIN_DEVICE) == 0)
		device[0] = '\0';
	memcpy(plain, given.at, sign);
	memcpy(plain + sign, given.at + end, given.octets - end);
	return accounts_name(
		naming, bytes_of(plain, sign + given.octets - end), name);
}
