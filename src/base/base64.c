/* SPDX-License-Identifier: ISC */
#include "base/base64.h"

#include <string.h>

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool
base64_encode(struct bytes in, struct buffer *out)
{
	unsigned char *to = buffer_reserve(out, (in.octets + 2) / 3 * 4);

	if (!to)
		return false;
	for (size_t i = 0; i < in.octets; i += 3, to += 4) {
		size_t left = in.octets - i;
		uint32_t group = (uint32_t)in.at[i] << 16;

		if (left > 1)
			group |= (uint32_t)in.at[i + 1] << 8;
		if (left > 2)
			group |= in.at[i + 2];
		to[0] = (unsigned char)alphabet[group >> 18];
		to[1] = (unsigned char)alphabet[group >> 12 & 63];
		to[2] = left > 1 ? (unsigned char)alphabet[group >> 6 & 63]
				 : '=';
		to[3] = left > 2 ? (unsigned char)alphabet[group & 63] : '=';
	}
	buffer_grow(out, (in.octets + 2) / 3 * 4);
	return true;
}

static int
value_of(unsigned char octet)
{
	const char *found = octet ? strchr(alphabet, octet) : NULL;

	return found ? (int)(found - alphabet) : -1;
}

/* Decodes one group of four; returns its octets (1..3), 0 when it is wrong. */
static size_t
decode_group(const unsigned char *in, bool is_last, unsigned char out[3])
{
	size_t octets = 3;
	uint32_t group = 0;

	if (is_last && in[3] == '=')
		octets = in[2] == '=' ? 1 : 2;
	for (size_t i = 0; i < 4; i++) {
		int value = i <= octets ? value_of(in[i]) : 0;

		if (value < 0)
			return 0;
		group = group << 6 | (uint32_t)value;
	}
	out[0] = (unsigned char)(group >> 16);
	out[1] = (unsigned char)(group >> 8);
	out[2] = (unsigned char)group;
	if ((octets == 1 && out[1]) || (octets <= 2 && out[2]))
		return 0;
	return octets;
}

bool
base64_decode(struct bytes in, struct buffer *out)
{
	size_t before = out->octets;

	if (in.octets % 4 != 0)
		return false;
	for (size_t i = 0; i < in.octets; i += 4) {
		unsigned char group[3];
		size_t octets =
			decode_group(in.at + i, i + 4 == in.octets, group);

		if (octets == 0 || !buffer_append(out, group, octets)) {
			out->octets = before;
			return false;
		}
	}
	return true;
}
