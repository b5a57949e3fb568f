/* SPDX-License-Identifier: ISC */
#include "programs/columns.h"

#include <stdbool.h>
#include <string.h>

#include <unistr.h>
#include <uniwidth.h>

#define DOTS "..."

struct character {
	size_t octets, columns;
};

static struct character
character_at(const char *text)
{
	size_t rest = strlen(text);
	ucs4_t code;
	int octets = u8_mbtouc(&code, (const uint8_t *)text, rest);
	int columns = uc_width(code, "UTF-8");

	return (struct character){octets > 0 ? (size_t)octets : 1,
		columns > 0 ? (size_t)columns : 0};
}

size_t
columns_of(const char *text)
{
	size_t columns = 0;

	while (*text) {
		struct character one = character_at(text);

		columns += one.columns;
		text += one.octets;
	}
	return columns;
}

const char *
in_columns(const char *text, size_t columns, char out[COLUMNS_SIZE])
{
	bool is_cut = columns_of(text) > columns;
	size_t room = is_cut ? columns - strlen(DOTS) : columns;
	size_t used = 0, octets = 0;

	while (*text) {
		struct character one = character_at(text);

		if (used + one.columns > room ||
			octets + one.octets + columns >= COLUMNS_SIZE)
			break;
		memcpy(out + octets, text, one.octets);
		octets += one.octets;
		used += one.columns;
		text += one.octets;
	}
	if (is_cut) {
		memcpy(out + octets, DOTS, strlen(DOTS));
		octets += strlen(DOTS);
		used += strlen(DOTS);
	}
	for (; used < columns; used++)
		out[octets++] = ' ';
	out[octets] = '\0';
	return out;
}

void
columns_cut(char *text, size_t columns)
{
	while (*text) {
		struct character one = character_at(text);

		if (one.columns > columns)
			break;
		columns -= one.columns;
		text += one.octets;
	}
	*text = '\0';
}
