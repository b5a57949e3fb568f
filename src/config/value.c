/* SPDX-License-Identifier: ISC */
#include "config/value.h"

#include <string.h>
#include <strings.h>

#define WORD_MAXIMUM_OCTETS 64

struct unit {
	const char *name;
	uint64_t factor;
};

static bool
with_unit(const char *text, const struct unit *units, uint64_t *out)
{
	struct bytes digits = bytes_of_string(text);
	uint64_t number;

	digits.octets = strspn(text, "0123456789");
	text += digits.octets;
	text += strspn(text, " ");
	if (!bytes_to_number(digits, UINT64_MAX, &number))
		return false;
	for (; units->name; units++) {
		if (strcasecmp(units->name, text) != 0)
			continue;
		if (number > UINT64_MAX / units->factor)
			return false;
		*out = number * units->factor;
		return true;
	}
	return false;
}

bool
value_to_seconds(const char *text, uint64_t *out)
{
	static const struct unit units[] = {{"", 1}, {"s", 1}, {"m", 60},
		{"min", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800},
		{NULL, 0}};

	return with_unit(text, units, out);
}

bool
value_to_octets(const char *text, uint64_t *out)
{
	static const struct unit units[] = {{"", 1}, {"B", 1}, {"KB", 1000},
		{"MB", 1000000}, {"GB", 1000000000}, {"KiB", 1ull << 10},
		{"MiB", 1ull << 20}, {"GiB", 1ull << 30}, {"TiB", 1ull << 40},
		{NULL, 0}};

	return with_unit(text, units, out);
}

bool
value_to_bool(const char *text, bool *out)
{
	static const char *const words[2][4] = {
		{"no", "false", "off", "0"}, {"yes", "true", "on", "1"}};

	for (int value = 0; value < 2; value++) {
		for (int i = 0; i < 4; i++) {
			if (strcasecmp(text, words[value][i]) == 0) {
				*out = value;
				return true;
			}
		}
	}
	return false;
}

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance: insertions, deletions, replacements. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[WORD_MAXIMUM_OCTETS + 1];
	size_t columns = strlen(b);

	if (columns > WORD_MAXIMUM_OCTETS)
		return SIZE_MAX;
	for (size_t i = 0; i <= columns; i++)
		row[i] = i;
	for (size_t line = 1; *a; a++, line++) {
		size_t diagonal = row[0];

		row[0] = line;
		for (size_t i = 1; i <= columns; i++) {
			size_t above = row[i];

			row[i] = least(above + 1, row[i - 1] + 1,
				diagonal + (*a != b[i - 1]));
			diagonal = above;
		}
	}
	return row[columns];
}

const char *
value_nearest(const char *given, const char *const *known)
{
	size_t best = strlen(given) / 2 + 1;
	const char *nearest = NULL;

	for (; *known; known++) {
		size_t d = distance(given, *known);

		if (d < best) {
			best = d;
			nearest = *known;
		}
	}
	return nearest;
}
