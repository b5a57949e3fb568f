/* SPDX-License-Identifier: ISC */
/*
 * address - "192.0.2.1:995", "[::1]:110", "unix:/run/lmtp.sock", to and from
 * struct sockaddr; no name is ever looked up.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "base/bytes.h"
#include "base/outcome.h"

#include <sys/socket.h>
#include <sys/un.h>

#define ADDRESS_TEXT_SIZE 128 /* cut when longer */

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_storage storage;
		struct sockaddr_un un;
	};
	socklen_t octets;
};

/* False: not an address with a port, or a path too long for a socket. */
bool address_parse(struct bytes text, struct address *out);
/* "192.0.2.1:995", "[::1]:995", "unix:/path" or "unix" when unnamed. */
const char *address_text(
	const struct address *address, char out[ADDRESS_TEXT_SIZE]);
/* Without the port: "192.0.2.1", "::1", "unix". */
const char *address_host_text(
	const struct address *address, char out[ADDRESS_TEXT_SIZE]);
/*
 * Whoever has this address has all of these: the address itself, for IPv6 its
 * /64 as "2001:db8::/64".
 */
const char *address_network_text(
	const struct address *address, char out[ADDRESS_TEXT_SIZE]);
/* A host as people write it ("192.0.2.1", "2001:db8::1", "2001:db8::/64") to
   what address_network_text says of it. False: neither. */
bool address_host_to_network(struct bytes host, char out[ADDRESS_TEXT_SIZE]);
/* 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104, unix sockets. */
bool address_is_loopback(const struct address *address);

#endif
