/* SPDX-License-Identifier: ISC */
#include "base/utf8.h"

#include <string.h>

/* Four words at a time: each message passes here. */
static uint64_t
or_of_words(struct bytes *text)
{
	uint64_t words[4], seen = 0;

	for (; text->octets >= sizeof(words);
		*text = bytes_after(*text, sizeof(words))) {
		memcpy(words, text->at, sizeof(words));
		seen |= words[0] | words[1] | words[2] | words[3];
	}
	return seen;
}

bool
utf8_is_ascii(struct bytes text)
{
	uint64_t seen = or_of_words(&text);

	for (size_t i = 0; i < text.octets; i++)
		seen |= text.at[i];
	return (seen & 0x8080808080808080u) == 0;
}

size_t
utf8_first(struct bytes text)
{
	size_t octets;

	if (text.octets == 0)
		return 0;
	octets = text.at[0] < 0x80   ? 1
		 : text.at[0] < 0xE0 ? 2
		 : text.at[0] < 0xF0 ? 3
				     : 4;
	return octets < text.octets ? octets : text.octets;
}

/* What may follow the first octet: the range of the second. */
static bool
second_range(unsigned char first, unsigned char *low, unsigned char *high)
{
	*low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
	*high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
	return first >= 0xC2 && first <= 0xF4;
}

static bool
is_character(struct bytes text, size_t octets)
{
	unsigned char low, high;

	if (octets == 1)
		return text.at[0] < 0x80;
	if (!second_range(text.at[0], &low, &high) || text.at[1] < low ||
		text.at[1] > high)
		return false;
	for (size_t i = 2; i < octets; i++)
		if ((text.at[i] & 0xC0) != 0x80)
			return false;
	return true;
}

bool
utf8_is_valid(struct bytes text)
{
	while (text.octets > 0) {
		unsigned char first = text.at[0];
		size_t octets = first < 0x80   ? 1
				: first < 0xE0 ? 2
				: first < 0xF0 ? 3
					       : 4;

		if (octets > text.octets || !is_character(text, octets))
			return false;
		text = bytes_after(text, octets);
	}
	return true;
}
