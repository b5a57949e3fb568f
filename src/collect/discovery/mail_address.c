/* SPDX-License-Identifier: ISC */
#include "collect/discovery/mail_address.h"

#include <idn2.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAXIMUM_OCTETS 63
#define INPUT_MAXIMUM_OCTETS 1024

static bool
is_label(struct bytes label)
{
	if (label.octets == 0 || label.octets > LABEL_MAXIMUM_OCTETS ||
		label.at[0] == '-' || label.at[label.octets - 1] == '-')
		return false;
	for (size_t i = 0; i < label.octets; i++) {
		unsigned char c = label.at[i];

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-')
			return false;
	}
	return true;
}

static bool
is_host_name(const char *name)
{
	struct bytes rest = bytes_of_string(name);

	if (rest.octets == 0 || rest.octets > MAIL_DOMAIN_MAXIMUM_OCTETS ||
		rest.at[rest.octets - 1] == '.')
		return false;
	while (rest.octets > 0)
		if (!is_label(bytes_cut(&rest, '.')))
			return false;
	return true;
}

bool
host_name_normalize(const char *text, char out[HOST_SIZE])
{
	char name[INPUT_MAXIMUM_OCTETS];
	size_t octets = strlen(text);
	char *converted = NULL;
	bool is_good;

	if (octets > 0 && text[octets - 1] == '.')
		octets--;
	if (octets == 0 || octets >= sizeof(name))
		return false;
	memcpy(name, text, octets);
	name[octets] = '\0';
	if (idn2_to_ascii_8z(name, &converted, IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	for (char *at = converted; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at += 'a' - 'A';
	is_good = is_host_name(converted);
	if (is_good)
		snprintf(out, HOST_SIZE, "%s", converted);
	idn2_free(converted);
	return is_good;
}

bool
host_name_is_within(const char *host, const char *domain)
{
	size_t host_octets = strlen(host), octets = strlen(domain);

	if (host_octets < octets ||
		strcmp(host + host_octets - octets, domain) != 0)
		return false;
	return host_octets == octets || host[host_octets - octets - 1] == '.';
}

/* The login name comes of it: nothing that a terminal or a line minds. */
static bool
is_local(struct bytes local)
{
	if (local.octets == 0 || local.octets > MAIL_LOCAL_MAXIMUM_OCTETS)
		return false;
	for (size_t i = 0; i < local.octets; i++)
		if (local.at[i] <= ' ' || local.at[i] >= 0x7f)
			return false;
	return local.at[0] == '"' || !bytes_has(local, '@');
}

bool
mail_address_parse(const char *text, struct mail_address *out,
	char error[MAIL_ADDRESS_ERROR_SIZE])
{
	const char *at = strrchr(text, '@');
	struct mail_address address;

	if (!at || !is_local(bytes_of(text, (size_t)(at - text)))) {
		snprintf(error, MAIL_ADDRESS_ERROR_SIZE,
			"%.100s is no mail address: alice@example.org is one",
			text);
		return false;
	}
	if (!host_name_normalize(at + 1, address.domain)) {
		snprintf(error, MAIL_ADDRESS_ERROR_SIZE,
			"%.100s: what stands behind @ is no domain", text);
		return false;
	}
	snprintf(address.local, sizeof(address.local), "%.*s", (int)(at - text),
		text);
	snprintf(address.address, sizeof(address.address), "%s@%s",
		address.local, address.domain);
	*out = address;
	return true;
}
