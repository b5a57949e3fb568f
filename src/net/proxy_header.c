/* SPDX-License-Identifier: ISC */
#include "net/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define V1_MARK "PROXY "
#define V2_MARK "\r\n\r\n\0\r\nQUIT\n"

#define V2_FIXED_OCTETS 16
#define V2_COMMAND_AT	12
#define V2_FAMILY_AT	13
#define V2_LENGTH_AT	14

#define V4_OCTETS	 4
#define V6_OCTETS	 16
#define TLV_HEAD_OCTETS	 3
#define TLV_CRC32C	 0x03
#define CRC32C_OCTETS	 4
#define CRC32C_REFLECTED 0x82f63b78u

void
proxy_header_init(struct proxy_header *header)
{
	*header = (struct proxy_header){0};
	buffer_init(&header->held, PROXY_HEADER_MAXIMUM_OCTETS);
}

void
proxy_header_release(struct proxy_header *header)
{
	buffer_release(&header->held);
}

static enum proxy_result
fail(struct proxy_header *header, const char *why)
{
	header->error = why;
	return PROXY_FAILED;
}

/* ---- addresses, in network order ---- */

static void
set_v4(struct address *out, const void *host, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&out->storage;

	*out = (struct address){.octets = sizeof(*v4)};
	v4->sin_family = AF_INET;
	v4->sin_port = port;
	memcpy(&v4->sin_addr, host, V4_OCTETS);
}

static void
set_v6(struct address *out, const void *host, uint16_t port)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->storage;

	*out = (struct address){.octets = sizeof(*v6)};
	v6->sin6_family = AF_INET6;
	v6->sin6_port = port;
	memcpy(&v6->sin6_addr, host, V6_OCTETS);
}

/* ---- version 1: a line ---- */

static bool
parse_port(struct bytes text, uint16_t *out)
{
	uint64_t port;

	if (!bytes_to_number(text, UINT16_MAX, &port))
		return false;
	*out = htons((uint16_t)port);
	return true;
}

static bool
parse_host(int family, struct bytes text, unsigned char out[V6_OCTETS])
{
	char host[INET6_ADDRSTRLEN];

	return bytes_to_string(text, host, sizeof(host)) &&
	       inet_pton(family, host, out) == 1;
}

/* "192.0.2.1 192.0.2.2 4711 995": from where, to where. */
static bool
parse_ends(int family, struct bytes rest, struct address *out)
{
	unsigned char from[V6_OCTETS], to[V6_OCTETS];
	uint16_t from_port, to_port;

	if (!parse_host(family, bytes_cut(&rest, ' '), from) ||
		!parse_host(family, bytes_cut(&rest, ' '), to) ||
		!parse_port(bytes_cut(&rest, ' '), &from_port) ||
		!parse_port(rest, &to_port))
		return false;
	if (family == AF_INET)
		set_v4(out, from, from_port);
	else
		set_v6(out, from, from_port);
	return true;
}

static enum proxy_result
parse_line(struct proxy_header *header)
{
	struct bytes rest = buffer_bytes(&header->held), family;

	if (rest.at[rest.octets - 2] != '\r')
		return fail(header, "its line does not end with CR LF");
	rest = bytes_after(
		bytes_of(rest.at, rest.octets - 2), sizeof(V1_MARK) - 1);
	family = bytes_cut(&rest, ' ');
	if (bytes_equal(family, bytes_of_string("UNKNOWN")))
		return PROXY_DONE;
	if (bytes_equal(family, bytes_of_string("TCP4")) &&
		parse_ends(AF_INET, rest, &header->client))
		return PROXY_DONE;
	if (bytes_equal(family, bytes_of_string("TCP6")) &&
		parse_ends(AF_INET6, rest, &header->client))
		return PROXY_DONE;
	return fail(header, "its line is not of version 1");
}

static enum proxy_result
judge_line(struct proxy_header *header)
{
	struct bytes held = buffer_bytes(&header->held);

	if (held.at[held.octets - 1] == '\n')
		return parse_line(header);
	if (held.octets == PROXY_LINE_MAXIMUM_OCTETS)
		return fail(header, "its line is too long");
	return PROXY_MORE;
}

/* ---- version 2: binary ---- */

static unsigned
get_u16(const unsigned char *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static size_t
whole_octets(struct bytes held)
{
	return V2_FIXED_OCTETS + get_u16(held.at + V2_LENGTH_AT);
}

static uint32_t
crc32c(uint32_t crc, struct bytes bytes)
{
	for (size_t i = 0; i < bytes.octets; i++) {
		crc ^= bytes.at[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (CRC32C_REFLECTED & (0 - (crc & 1)));
	}
	return crc;
}

/* Of the whole header, with zeros where the checksum itself stands. */
static bool
is_checksum_right(struct bytes held, const unsigned char *at)
{
	static const unsigned char zeros[CRC32C_OCTETS];
	uint32_t told = (uint32_t)get_u16(at) << 16 | get_u16(at + 2);
	uint32_t crc = UINT32_MAX;

	crc = crc32c(crc, bytes_of(held.at, (size_t)(at - held.at)));
	crc = crc32c(crc, bytes_of(zeros, CRC32C_OCTETS));
	crc = crc32c(
		crc, bytes_after(held, (size_t)(at - held.at) + CRC32C_OCTETS));
	return ~crc == told;
}

static enum proxy_result
check_tlvs(struct proxy_header *header, size_t offset)
{
	struct bytes held = buffer_bytes(&header->held);
	struct bytes rest = bytes_after(held, offset);

	while (rest.octets > 0) {
		size_t octets;

		if (rest.octets < TLV_HEAD_OCTETS ||
			rest.octets - TLV_HEAD_OCTETS < get_u16(rest.at + 1))
			return fail(header, "a TLV runs over its end");
		octets = get_u16(rest.at + 1);
		if (rest.at[0] == TLV_CRC32C &&
			(octets != CRC32C_OCTETS ||
				!is_checksum_right(
					held, rest.at + TLV_HEAD_OCTETS)))
			return fail(header, "its checksum is wrong");
		rest = bytes_after(rest, TLV_HEAD_OCTETS + octets);
	}
	return PROXY_DONE;
}

/* What else it may name (unix sockets, datagrams) has no address for us: as if
   the proxy did not know. */
static enum proxy_result
parse_family(struct proxy_header *header)
{
	struct bytes held = buffer_bytes(&header->held);
	const unsigned char *at = held.at + V2_FIXED_OCTETS;
	size_t host = held.at[V2_FAMILY_AT] == 0x11   ? V4_OCTETS
		      : held.at[V2_FAMILY_AT] == 0x21 ? V6_OCTETS
						      : 0;
	/* Both ends, and the port of each. */
	size_t octets = 2 * host + 2 * sizeof(uint16_t);
	uint16_t port;

	if (host == 0)
		return PROXY_DONE;
	if (held.octets - V2_FIXED_OCTETS < octets)
		return fail(header, "its addresses are cut off");
	memcpy(&port, at + 2 * host, sizeof(port));
	if (host == V4_OCTETS)
		set_v4(&header->client, at, port);
	else
		set_v6(&header->client, at, port);
	return check_tlvs(header, V2_FIXED_OCTETS + octets);
}

static enum proxy_result
judge_binary(struct proxy_header *header)
{
	struct bytes held = buffer_bytes(&header->held);
	unsigned command;

	if (held.octets < V2_FIXED_OCTETS)
		return PROXY_MORE;
	command = held.at[V2_COMMAND_AT];
	if (command != 0x20 && command != 0x21)
		return fail(header, "its version or command is unknown");
	if (whole_octets(held) > PROXY_HEADER_MAXIMUM_OCTETS)
		return fail(header, "it is too long");
	if (held.octets < whole_octets(held))
		return PROXY_MORE;
	/* LOCAL: the proxy itself calls, to see whether we are well. */
	return command == 0x20 ? PROXY_DONE : parse_family(header);
}

/* ---- both ---- */

static bool
begins_like(struct bytes held, const char *mark, size_t octets)
{
	return memcmp(held.at, mark,
		       held.octets < octets ? held.octets : octets) == 0;
}

/* How many octets of `in` belong to the header for sure. */
static size_t
wanted(struct bytes held, struct bytes in)
{
	const unsigned char *end;
	size_t most;

	if (held.octets == 0)
		return 1;
	if (held.at[0] == V1_MARK[0]) {
		end = memchr(in.at, '\n', in.octets);
		most = PROXY_LINE_MAXIMUM_OCTETS - held.octets;
		return end && (size_t)(end - in.at) < most
			       ? (size_t)(end - in.at) + 1
			       : most;
	}
	return (held.octets < V2_FIXED_OCTETS ? V2_FIXED_OCTETS
					      : whole_octets(held)) -
	       held.octets;
}

static enum proxy_result
judge(struct proxy_header *header)
{
	struct bytes held = buffer_bytes(&header->held);

	if (begins_like(held, V1_MARK, sizeof(V1_MARK) - 1))
		return judge_line(header);
	if (begins_like(held, V2_MARK, sizeof(V2_MARK) - 1))
		return judge_binary(header);
	return fail(header, "it sends none");
}

enum proxy_result
proxy_header_take(struct proxy_header *header, struct bytes *in)
{
	enum proxy_result result = PROXY_MORE;

	while (result == PROXY_MORE && in->octets > 0) {
		size_t octets = wanted(buffer_bytes(&header->held), *in);

		if (octets > in->octets)
			octets = in->octets;
		if (!buffer_append(&header->held, in->at, octets))
			return fail(header, "memory is short");
		*in = bytes_after(*in, octets);
		result = judge(header);
	}
	return result;
}
