/* SPDX-License-Identifier: ISC */
#include "collect/discovery/detour.h"

#include <string.h>

static bool
read_port(struct bytes text, uint16_t *out)
{
	uint64_t port = 0;

	*out = 0;
	if (text.octets == 0)
		return true;
	if (!bytes_to_number(text, 65535, &port) || port == 0)
		return false;
	*out = (uint16_t)port;
	return true;
}

static bool
read_host(struct bytes text, char out[HOST_SIZE])
{
	char host[HOST_SIZE];

	out[0] = '\0';
	if (text.octets == 0)
		return true;
	return bytes_to_string(text, host, sizeof(host)) &&
	       host_name_normalize(host, out);
}

static bool
read_detour(struct bytes text, struct detour *out)
{
	struct bytes host = bytes_cut(&text, ':');
	struct bytes port = bytes_cut(&text, ':');
	struct bytes to_host = bytes_cut(&text, ':');

	return read_host(host, out->host) && read_port(port, &out->port) &&
	       read_host(to_host, out->to_host) &&
	       read_port(text, &out->to_port) &&
	       (out->to_host[0] || out->to_port);
}

bool
detours_parse(const char *text, struct detours *out)
{
	struct bytes rest = bytes_of_string(text);
	struct detours detours = {.count = 0};

	while (rest.octets > 0) {
		struct bytes one = bytes_trim(bytes_cut(&rest, ','));

		if (detours.count == DETOURS_MAXIMUM ||
			!read_detour(one, &detours.rows[detours.count++]))
			return false;
	}
	*out = detours;
	return true;
}

void
detours_apply(const struct detours *detours, const char **host, uint16_t *port)
{
	for (size_t i = 0; i < detours->count; i++) {
		const struct detour *detour = &detours->rows[i];

		if ((detour->host[0] && strcmp(detour->host, *host) != 0) ||
			(detour->port && detour->port != *port))
			continue;
		if (detour->to_host[0])
			*host = detour->to_host;
		if (detour->to_port)
			*port = detour->to_port;
		return;
	}
}
