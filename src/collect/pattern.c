/* SPDX-License-Identifier: ISC */
#include "collect/pattern.h"

#include <string.h>
#include <unicase.h>
#include <unistr.h>

#define SEPARATOR	 " | "
#define SEPARATOR_OCTETS 3
/* Octets that are no UTF-8: characters that no text has. */
#define NO_CHARACTER 0x110000u

/* Takes the character at the front, in lower case. */
static ucs4_t
take(struct bytes *text)
{
	ucs4_t character;
	int octets;

	if (text->at[0] < 0x80) {
		character = text->at[0];
		*text = bytes_after(*text, 1);
		return character >= 'A' && character <= 'Z'
			       ? character - 'A' + 'a'
			       : character;
	}
	octets = u8_mbtoucr(&character, text->at, text->octets);
	if (octets < 1) {
		character = NO_CHARACTER + text->at[0];
		octets = 1;
	} else
		character = uc_tolower(character);
	*text = bytes_after(*text, (size_t)octets);
	return character;
}

/* The front of the pattern against that of the text: one character each. */
static bool
take_both(struct bytes *pattern, struct bytes *text)
{
	bool is_any = pattern->at[0] == '?';

	if (pattern->at[0] == '\\' && pattern->octets > 1)
		*pattern = bytes_after(*pattern, 1);
	if (is_any) {
		*pattern = bytes_after(*pattern, 1);
		take(text);
		return true;
	}
	return take(pattern) == take(text);
}

/*
 * When something does not fit, only the last "*" has to take one more: what the
 * ones before it took is as good as anything. That bounds the steps.
 */
static bool
matches(struct bytes pattern, struct bytes text)
{
	struct bytes retry_pattern = BYTES_NONE, retry_text = BYTES_NONE;
	bool has_star = false;

	for (;;) {
		if (pattern.octets > 0 && pattern.at[0] == '*') {
			pattern = retry_pattern = bytes_after(pattern, 1);
			retry_text = text;
			has_star = true;
			continue;
		}
		if (text.octets == 0 && pattern.octets == 0)
			return true;
		if (text.octets > 0 && pattern.octets > 0 &&
			take_both(&pattern, &text))
			continue;
		if (!has_star || retry_text.octets == 0)
			return false;
		take(&retry_text);
		pattern = retry_pattern;
		text = retry_text;
	}
}

bool
pattern_matches(const char *pattern, struct bytes text)
{
	const char *end;

	while ((end = strstr(pattern, SEPARATOR))) {
		if (matches(bytes_trim(
				    bytes_of(pattern, (size_t)(end - pattern))),
			    text))
			return true;
		pattern = end + SEPARATOR_OCTETS;
	}
	return matches(bytes_trim(bytes_of_string(pattern)), text);
}
