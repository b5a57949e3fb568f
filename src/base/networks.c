/* SPDX-License-Identifier: ISC */
#include "base/networks.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define V4_OCTETS 4
#define V6_OCTETS 16

struct network {
	int family;
	unsigned char octets[V6_OCTETS];
	unsigned bits;
};

static const unsigned char mapped[] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}; /* ::ffff:0:0/96 */

static bool
parse_host(const char *text, struct network *out)
{
	struct network network = {.family = AF_INET, .bits = 8 * V4_OCTETS};

	if (inet_pton(AF_INET, text, network.octets) != 1) {
		if (inet_pton(AF_INET6, text, network.octets) != 1)
			return false;
		network.family = AF_INET6;
		network.bits = 8 * V6_OCTETS;
		if (memcmp(network.octets, mapped, sizeof(mapped)) == 0) {
			memmove(network.octets, network.octets + sizeof(mapped),
				V4_OCTETS);
			network.family = AF_INET;
			network.bits = 8 * V4_OCTETS;
		}
	}
	*out = network;
	return true;
}

static void
clear_behind(struct network *network)
{
	for (unsigned i = 0; i < V6_OCTETS; i++) {
		unsigned before = i * 8;

		if (before >= network->bits)
			network->octets[i] = 0;
		else if (network->bits - before < 8)
			network->octets[i] &=
				(unsigned char)(0xff00u >>
						(network->bits - before));
	}
}

static bool
parse_network(struct bytes text, struct network *out)
{
	char host[INET6_ADDRSTRLEN];
	bool has_bits = bytes_has(text, '/');
	struct bytes address = bytes_cut(&text, '/');
	struct network network;
	uint64_t bits;

	if (!bytes_to_string(address, host, sizeof(host)) ||
		!parse_host(host, &network))
		return false;
	if (has_bits) {
		bits = network.bits;
		/* A prefix is that of the notation: /96 of mapped ones. */
		if (strchr(host, ':') && network.family == AF_INET)
			return false;
		if (!bytes_to_number(text, bits, &bits))
			return false;
		network.bits = (unsigned)bits;
		clear_behind(&network);
	}
	*out = network;
	return true;
}

static bool
append(char out[NETWORKS_SIZE], const struct network *network)
{
	size_t used = strlen(out), room = NETWORKS_SIZE - used;
	unsigned all = 8 * (network->family == AF_INET ? V4_OCTETS : V6_OCTETS);
	char host[INET6_ADDRSTRLEN], bits[8] = "";

	inet_ntop(network->family, network->octets, host, sizeof(host));
	if (network->bits < all)
		snprintf(bits, sizeof(bits), "/%u", network->bits);
	return (size_t)snprintf(out + used, room, "%s%s%s", used ? "," : "",
		       host, bits) < room;
}

bool
networks_canonical(
	struct bytes given, char out[NETWORKS_SIZE], struct bytes *out_wrong)
{
	char text[NETWORKS_SIZE] = "";
	struct network network;
	unsigned count = 0;

	while (given.octets > 0) {
		struct bytes word = bytes_trim(bytes_cut(&given, ','));

		if (++count > NETWORKS_MAXIMUM ||
			!parse_network(word, &network) ||
			!append(text, &network)) {
			*out_wrong = word;
			return false;
		}
	}
	memcpy(out, text, sizeof(text));
	return true;
}

static bool
is_in(const struct network *network, struct network host)
{
	if (network->family != host.family)
		return false;
	host.bits = network->bits;
	clear_behind(&host);
	return memcmp(host.octets, network->octets, V6_OCTETS) == 0;
}

bool
networks_hold(const char *networks, const char *host)
{
	struct bytes rest = bytes_of_string(networks);
	struct network address, network;

	if (!parse_host(host, &address))
		return false;
	clear_behind(&address);
	while (rest.octets > 0)
		if (parse_network(bytes_cut(&rest, ','), &network) &&
			is_in(&network, address))
			return true;
	return false;
}
