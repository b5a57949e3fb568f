/* SPDX-License-Identifier: ISC */
#include "lmtp/state.h"

#include <string.h>

/*
 * Where the path ends: the first ">" that is not quoted; 0 for nowhere. Also
 * behind a "\" a control character has no place: the path goes into replies
 * and header fields.
 */
static size_t
path_octets(struct bytes text)
{
	bool is_quoted = false, is_escaped = false;

	for (size_t i = 0; i < text.octets; i++) {
		unsigned char octet = text.at[i];

		if (octet < ' ' || octet == 0x7f)
			return 0;
		if (is_escaped || (is_quoted && octet == '\\'))
			is_escaped = !is_escaped;
		else if (octet == '"')
			is_quoted = !is_quoted;
		else if (octet == '>' && !is_quoted)
			return i + 1;
		else if ((octet == ' ' || octet == '<') && !is_quoted && i > 0)
			return 0;
	}
	return 0;
}

/* "@a,@b:user@c" is delivered as "user@c" (RFC 5321 section 4.1.1.3). */
static struct bytes
without_route(struct bytes path)
{
	const unsigned char *colon;

	if (path.octets == 0 || path.at[0] != '@')
		return path;
	colon = memchr(path.at, ':', path.octets);
	return colon ? bytes_after(path, (size_t)(colon - path.at) + 1)
		     : BYTES_NONE;
}

bool
lmtp_take_path(struct bytes *rest, bool may_be_null,
	char out[LMTP_ADDRESS_MAXIMUM_OCTETS + 1])
{
	size_t octets =
		rest->octets > 0 && rest->at[0] == '<' ? path_octets(*rest) : 0;
	struct bytes path;
	bool is_null;

	if (octets < 2)
		return false;
	is_null = octets == 2;
	path = without_route(bytes_of(rest->at + 1, octets - 2));
	if ((path.octets == 0 && !(is_null && may_be_null)) ||
		!bytes_to_string(path, out, LMTP_ADDRESS_MAXIMUM_OCTETS + 1))
		return false;
	*rest = bytes_after(*rest, octets);
	return true;
}
