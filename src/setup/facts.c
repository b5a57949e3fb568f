/* SPDX-License-Identifier: ISC */
#include "setup/facts.h"
#include "base/utf8.h"

#include <string.h>

#define IMPLICIT_TLS_PORT 465 /* RFC 8314 section 3.3 */

bool
setup_is_host(struct bytes text)
{
	for (size_t i = 0; i < text.octets; i++) {
		unsigned char c = text.at[i] | 0x20;

		if (!((c >= 'a' && c <= 'z') ||
			    (text.at[i] >= '0' && text.at[i] <= '9') ||
			    text.at[i] == '-' || text.at[i] == '.'))
			return false;
	}
	return text.octets > 0 && text.octets < SETUP_HOST_SIZE &&
	       text.at[0] != '.' && text.at[0] != '-';
}

bool
setup_server_parse(struct bytes text, struct setup_server *out)
{
	struct setup_server server = {.port = 0};
	struct bytes port = text, host = bytes_cut(&port, ':');
	uint64_t number = 0;

	if (!setup_is_host(host) || !bytes_to_number(port, 65535, &number) ||
		number == 0 ||
		!bytes_to_string(host, server.host, sizeof(server.host)))
		return false;
	server.port = (unsigned)number;
	server.is_starttls = number != IMPLICIT_TLS_PORT;
	*out = server;
	return true;
}

/* U+FFFE and U+FFFF, which XML has not. */
static bool
has_no_character(struct bytes text)
{
	static const unsigned char front[] = {0xEF, 0xBF};
	const unsigned char *at;

	while (text.octets > 2 &&
		(at = memmem(text.at, text.octets - 1, front, 2))) {
		if (at[2] >= 0xBE)
			return true;
		text = bytes_after(text, (size_t)(at - text.at) + 3);
	}
	return false;
}

/* Nothing that ends a line, or that nobody sees. */
static bool
is_local_part(struct bytes text)
{
	for (size_t i = 0; i < text.octets; i++)
		if (text.at[i] <= ' ' || text.at[i] == 0x7F)
			return false;
	return text.octets > 0 && utf8_is_valid(text) &&
	       !has_no_character(text);
}

bool
setup_who_parse(const char *text, struct setup_who *out)
{
	const char *at = strrchr(text, '@');
	struct setup_who who = {{0}, {0}, {0}};
	struct bytes local;

	*out = who;
	if (!at)
		return false;
	local = bytes_of(text, (size_t)(at - text));
	if (!is_local_part(local) ||
		!bytes_to_string(local, who.local, sizeof(who.local)) ||
		!setup_is_host(bytes_of_string(at + 1)) ||
		!bytes_to_string(bytes_of_string(at + 1), who.domain,
			sizeof(who.domain)) ||
		!bytes_to_string(bytes_of_string(text), who.address,
			sizeof(who.address)))
		return false;
	*out = who;
	return true;
}

const char *
setup_login(const struct setup_facts *facts, const struct setup_who *who)
{
	return facts->is_local_part ? who->local : who->address;
}
