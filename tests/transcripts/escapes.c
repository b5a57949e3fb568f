/* SPDX-License-Identifier: ISC */
#include "transcript.h"

#include <stdio.h>
#include <string.h>

/* Repeats hold no repeats: deep enough for any mail worth a transcript. */
static bool undo(struct bytes text, struct buffer *out, bool may_repeat);

static int
digit_of(unsigned char octet)
{
	if (octet >= '0' && octet <= '9')
		return octet - '0';
	if (octet >= 'a' && octet <= 'f')
		return octet - 'a' + 10;
	return -1;
}

/* "xHH" at the front of *rest. */
static bool
undo_octet(struct bytes *rest, struct buffer *out)
{
	int high = rest->octets >= 3 ? digit_of(rest->at[1]) : -1;
	int low = rest->octets >= 3 ? digit_of(rest->at[2]) : -1;
	unsigned char octet = (unsigned char)(high * 16 + low);

	if (high < 0 || low < 0)
		return false;
	*rest = bytes_after(*rest, 3);
	return buffer_append(out, &octet, 1);
}

/* "(COUNT TEXT)" at the front of *rest; TEXT holds no ")" but as \x29. */
static bool
undo_repeat(struct bytes *rest, struct buffer *out)
{
	struct bytes inner = bytes_after(*rest, 1), text;
	uint64_t count;

	if (!bytes_has(inner, ')'))
		return false;
	*rest = inner;
	text = bytes_cut(rest, ')');
	if (!bytes_to_number(
		    bytes_cut(&text, ' '), VALUE_MAXIMUM_OCTETS, &count) ||
		text.octets == 0)
		return false;
	while (count-- > 0)
		if (!undo(text, out, false))
			return false;
	return true;
}

static bool
undo_letter(struct bytes *rest, struct buffer *out)
{
	static const char letters[] = "rnt\\", octets[] = "\r\n\t\\";

	for (unsigned i = 0; letters[i]; i++)
		if (rest->at[0] == (unsigned char)letters[i]) {
			*rest = bytes_after(*rest, 1);
			return buffer_append(out, &octets[i], 1);
		}
	return false;
}

static bool
undo(struct bytes text, struct buffer *out, bool may_repeat)
{
	while (text.octets > 0) {
		bool is_escape = bytes_has(text, '\\');
		bool is_good = buffer_append_bytes(out, bytes_cut(&text, '\\'));

		if (!is_good || (is_escape && text.octets == 0))
			return false;
		if (!is_escape)
			return true;
		if (text.at[0] == 'x')
			is_good = undo_octet(&text, out);
		else if (text.at[0] == '(' && may_repeat)
			is_good = undo_repeat(&text, out);
		else
			is_good = undo_letter(&text, out);
		if (!is_good)
			return false;
	}
	return true;
}

bool
escapes_undo(struct bytes text, struct buffer *out)
{
	return undo(text, out, true);
}

/* One octet as people read it; octets written. */
static size_t
show_octet(unsigned char octet, char *out, size_t size)
{
	static const char octets[] = "\r\n\t\\", letters[] = "rnt\\";
	const char *special = octet ? strchr(octets, octet) : NULL;
	int used;

	if (special)
		used = snprintf(out, size, "\\%c", letters[special - octets]);
	else if (octet < ' ' || octet > '~')
		used = snprintf(out, size, "\\x%02x", octet);
	else
		used = snprintf(out, size, "%c", octet);
	return (size_t)used;
}

void
escapes_show(struct bytes bytes, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	/* Room for one escape, three dots and the NUL. */
	for (size_t i = 0; i < bytes.octets; i++) {
		if (used + 8 >= size) {
			snprintf(out + used, size - used, "...");
			return;
		}
		used += show_octet(bytes.at[i], out + used, size - used);
	}
}
