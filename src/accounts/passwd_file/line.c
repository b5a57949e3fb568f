/* SPDX-License-Identifier: ISC */
#include "accounts/passwd_file/line.h"
#include "base/networks.h"
#include "accounts/scheme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Behind user and password: uid, gid, gecos, home, shell. */
#define FIELDS_BETWEEN 5

struct reading {
	struct account account;
	struct credential credential;
	char *error;
};

static bool
begins_with(struct bytes text, const char *start, struct bytes *out_rest)
{
	size_t octets = strlen(start);

	if (text.octets < octets || memcmp(text.at, start, octets) != 0)
		return false;
	*out_rest = bytes_after(text, octets);
	return true;
}

static bool
is_bad(struct reading *reading, const char *what)
{
	snprintf(reading->error, PASSWD_LINE_ERROR_SIZE, "%s", what);
	return false;
}

/* ---- extra fields ---- */

static bool
read_networks(struct reading *reading, struct bytes value)
{
	struct bytes wrong;

	if (networks_canonical(value, reading->credential.networks, &wrong) &&
		reading->credential.networks[0])
		return true;
	return is_bad(reading,
		"allow_nets has something that is no network (addresses and "
		"networks, at most 16, no names)");
}

/* "1000", "10M", "2GB"; in octets unless it has no unit, then in KiB as
   Dovecot has it. */
static bool
read_storage(struct bytes value, uint64_t *out)
{
	static const char units[] = "BKMGT";
	struct bytes digits = value;
	unsigned shift = 10;
	const char *unit;
	uint64_t number;

	while (digits.octets > 0 && (digits.at[digits.octets - 1] < '0' ||
					    digits.at[digits.octets - 1] > '9'))
		digits.octets--;
	value = bytes_after(value, digits.octets);
	if (value.octets > 0) {
		unit = strchr(units, value.at[0] & ~0x20);
		if (!unit || !*unit || value.octets > 3)
			return false;
		shift = 10 * (unsigned)(unit - units);
	}
	if (!bytes_to_number(digits, UINT32_MAX, &number))
		return false;
	*out = number << shift;
	return true;
}

/* "*:storage=1G:messages=1000"; rules of folders are not for POP3. */
static bool
read_quota(struct reading *reading, struct bytes value)
{
	struct account_limits *limits = &reading->account.limits;
	struct bytes word, number;
	bool is_good = true;

	if (!begins_with(value, "*:", &value))
		return true;
	while (is_good && value.octets > 0) {
		word = bytes_cut(&value, ':');
		if (begins_with(word, "storage=", &number))
			is_good = read_storage(number, &limits->quota_octets);
		else if (begins_with(word, "bytes=", &number))
			is_good = bytes_to_number(
				number, INT64_MAX, &limits->quota_octets);
		else if (begins_with(word, "messages=", &number))
			is_good = bytes_to_number(
				number, UINT32_MAX, &limits->quota_messages);
	}
	return is_good || is_bad(reading, "userdb_quota_rule has a number that "
					  "is none");
}

static bool
read_extra(struct reading *reading, struct bytes word)
{
	struct bytes value;

	if (begins_with(word, "nologin", &value) &&
		(value.octets == 0 || value.at[0] == '='))
		reading->account.is_disabled = true;
	else if (begins_with(word, "nopassword", &value))
		return is_bad(reading, "nopassword would let everybody in");
	else if (begins_with(word, "allow_nets=", &value))
		return read_networks(reading, value);
	else if (begins_with(word, "userdb_quota_rule=", &value))
		return read_quota(reading, value);
	return true;
}

static bool
read_extras(struct reading *reading, struct bytes extras)
{
	while (extras.octets > 0)
		if (!read_extra(reading, bytes_cut(&extras, ' ')))
			return false;
	return true;
}

/* ---- the line ---- */

static bool
read_password(struct reading *reading, struct bytes text, const char *scheme)
{
	struct bytes name;
	enum scheme_result result =
		scheme_read(text, scheme, &reading->credential, &name);
	int shown = name.octets < 40 ? (int)name.octets : 40;

	if (result == SCHEME_OK)
		return true;
	snprintf(reading->credential.hash, sizeof(reading->credential.hash),
		"%s", SCHEME_UNUSABLE);
	if (result == SCHEME_UNKNOWN)
		snprintf(reading->error, PASSWD_LINE_ERROR_SIZE,
			"unknown password scheme %.*s", shown,
			(const char *)name.at);
	else
		snprintf(reading->error, PASSWD_LINE_ERROR_SIZE,
			"the password is not what the scheme %.*s takes", shown,
			(const char *)name.at);
	return false;
}

enum passwd_line
passwd_line_read(struct bytes line, const struct passwd_line_rules *rules,
	struct account *account, struct credential *credential,
	char error[PASSWD_LINE_ERROR_SIZE])
{
	struct reading reading = {.error = error};
	struct bytes user, password;
	bool is_usable;

	if (line.octets > 0 && line.at[line.octets - 1] == '\r')
		line.octets--;
	if (bytes_trim(line).octets == 0 || line.at[0] == '#')
		return PASSWD_LINE_EMPTY;
	user = bytes_cut(&line, ':');
	if (!accounts_name(&rules->naming, user, reading.account.name)) {
		is_bad(&reading, "what stands before the first : cannot be a "
				 "user's name");
		return PASSWD_LINE_BAD;
	}
	password = bytes_cut(&line, ':');
	for (int i = 0; i < FIELDS_BETWEEN; i++)
		bytes_cut(&line, ':');
	if (!read_extras(&reading, line))
		return PASSWD_LINE_BAD;
	is_usable = read_password(&reading, password, rules->scheme);
	*account = reading.account;
	*credential = reading.credential;
	explicit_bzero(&reading, sizeof(reading));
	return is_usable ? PASSWD_LINE_OK : PASSWD_LINE_UNUSABLE;
}
