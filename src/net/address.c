/* SPDX-License-Identifier: ISC */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static bool
parse_unix(struct bytes path, struct address *out)
{
	struct address made = {.octets = sizeof(made.un)};

	made.un.sun_family = AF_UNIX;
	if (path.octets == 0 || path.at[0] != '/' ||
		!bytes_to_string(
			path, made.un.sun_path, sizeof(made.un.sun_path)))
		return false;
	*out = made;
	return true;
}

static bool
parse_host(struct bytes host, uint16_t port, struct address *out)
{
	struct address made = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&made.storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&made.storage;
	char text[INET6_ADDRSTRLEN];
	bool is_v6 = host.octets > 2 && host.at[0] == '[' &&
		     host.at[host.octets - 1] == ']';

	if (is_v6)
		host = bytes_of(host.at + 1, host.octets - 2);
	if (!bytes_to_string(host, text, sizeof(text)))
		return false;
	if (is_v6 && inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		made.octets = sizeof(*v6);
	} else if (!is_v6 && inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		made.octets = sizeof(*v4);
	} else {
		return false;
	}
	*out = made;
	return true;
}

bool
address_parse(struct bytes text, struct address *out)
{
	const unsigned char *colon;
	uint64_t port;

	if (text.octets > 5 && memcmp(text.at, "unix:", 5) == 0)
		return parse_unix(bytes_after(text, 5), out);
	colon = text.octets ? memrchr(text.at, ':', text.octets) : NULL;
	if (!colon || !bytes_to_number(
			      bytes_after(text, (size_t)(colon - text.at) + 1),
			      65535, &port))
		return false;
	return parse_host(bytes_of(text.at, (size_t)(colon - text.at)),
		(uint16_t)port, out);
}

static unsigned
port_of(const struct address *address)
{
	const struct sockaddr_in *v4 =
		(const struct sockaddr_in *)&address->storage;
	const struct sockaddr_in6 *v6 =
		(const struct sockaddr_in6 *)&address->storage;

	return ntohs(address->any.sa_family == AF_INET ? v4->sin_port
						       : v6->sin6_port);
}

/* As inet_ntop, which formats by printf: too dear for each connection. */
static void
put_v4(const struct in_addr *v4, char *out)
{
	const unsigned char *octets = (const unsigned char *)&v4->s_addr;

	for (int i = 0; i < 4; i++) {
		out += bytes_put_number(out, octets[i]);
		*out++ = i < 3 ? '.' : '\0';
	}
}

const char *
address_host_text(const struct address *address, char out[ADDRESS_TEXT_SIZE])
{
	const struct sockaddr_in *v4 =
		(const struct sockaddr_in *)&address->storage;
	const struct sockaddr_in6 *v6 =
		(const struct sockaddr_in6 *)&address->storage;

	if (address->any.sa_family == AF_INET)
		put_v4(&v4->sin_addr, out);
	else if (address->any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, out, ADDRESS_TEXT_SIZE);
	else
		memcpy(out, "unix", sizeof("unix"));
	return out;
}

static void
append_port(const struct address *address, char *text)
{
	text += strlen(text);
	*text++ = ':';
	text[bytes_put_number(text, port_of(address))] = '\0';
}

const char *
address_text(const struct address *address, char out[ADDRESS_TEXT_SIZE])
{
	char host[ADDRESS_TEXT_SIZE];

	if (address->any.sa_family == AF_INET) {
		address_host_text(address, out);
		append_port(address, out);
	} else if (address->any.sa_family == AF_INET6) {
		snprintf(out, ADDRESS_TEXT_SIZE, "[%.100s]:%u",
			address_host_text(address, host), port_of(address));
	} else if (address->octets > sizeof(sa_family_t) &&
		   address->un.sun_path[0]) {
		snprintf(out, ADDRESS_TEXT_SIZE, "unix:%.108s",
			address->un.sun_path);
	} else {
		snprintf(out, ADDRESS_TEXT_SIZE, "unix");
	}
	return out;
}

const char *
address_network_text(const struct address *address, char out[ADDRESS_TEXT_SIZE])
{
	const struct sockaddr_in6 *v6 =
		(const struct sockaddr_in6 *)&address->storage;
	struct in6_addr network = v6->sin6_addr;

	if (address->any.sa_family != AF_INET6)
		return address_host_text(address, out);
	if (IN6_IS_ADDR_V4MAPPED(&network)) {
		inet_ntop(
			AF_INET, network.s6_addr + 12, out, ADDRESS_TEXT_SIZE);
		return out;
	}
	memset(network.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &network, out, ADDRESS_TEXT_SIZE);
	memcpy(out + strlen(out), "/64", sizeof("/64"));
	return out;
}

bool
address_host_to_network(struct bytes host, char out[ADDRESS_TEXT_SIZE])
{
	struct address address = {.octets = sizeof(struct sockaddr_in6)};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address.storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address.storage;
	struct bytes rest = host;
	char text[INET6_ADDRSTRLEN];
	bool has_length = bytes_has(host, '/');

	if (!bytes_to_string(bytes_cut(&rest, '/'), text, sizeof(text)) ||
		(has_length && !bytes_equal(rest, bytes_of_string("64"))))
		return false;
	if (!has_length && inet_pton(AF_INET, text, &v4->sin_addr) == 1)
		v4->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
		v6->sin6_family = AF_INET6;
	else
		return false;
	address_network_text(&address, out);
	return true;
}

bool
address_is_loopback(const struct address *address)
{
	const struct sockaddr_in *v4 =
		(const struct sockaddr_in *)&address->storage;
	const struct sockaddr_in6 *v6 =
		(const struct sockaddr_in6 *)&address->storage;

	if (address->any.sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	if (address->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
		       (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) &&
			       v6->sin6_addr.s6_addr[12] == 127);
	return address->any.sa_family == AF_UNIX;
}
