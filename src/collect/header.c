/* SPDX-License-Identifier: ISC */
#include "collect/header.h"
#include "collect/encoded_word.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define VALUE_SIZE 4096

/* Cuts a line off, without its end. */
static struct bytes
cut_line(struct bytes *rest)
{
	struct bytes line = bytes_cut(rest, '\n');

	if (line.octets > 0 && line.at[line.octets - 1] == '\r')
		line.octets--;
	return line;
}

static bool
find_end(struct bytes text, size_t *out_octets)
{
	struct bytes rest = text;

	while (rest.octets > 0) {
		bool has_end = bytes_has(rest, '\n');

		if (cut_line(&rest).octets == 0 && has_end) {
			*out_octets = text.octets - rest.octets;
			return true;
		}
	}
	return false;
}

struct bytes
header_of(struct bytes text)
{
	size_t octets;

	if (find_end(text, &octets))
		text.octets = octets;
	return text;
}

bool
header_is_whole(struct bytes text)
{
	size_t octets;

	return find_end(text, &octets);
}

/* An empty line is an LF behind an LF, or behind nothing, with a CR between them
 * or none. */
bool
header_ends(struct bytes text, size_t known)
{
	for (size_t i = known; i < text.octets; i++) {
		size_t before = i;

		if (text.at[i] != '\n')
			continue;
		if (before > 0 && text.at[before - 1] == '\r')
			before--;
		if (before == 0 || text.at[before - 1] == '\n')
			return true;
	}
	return false;
}

/* ---- fields ---- */

static bool
is_named(struct bytes line, const char *name)
{
	size_t octets = strlen(name);

	return line.octets > octets && line.at[octets] == ':' &&
	       strncasecmp((const char *)line.at, name, octets) == 0;
}

static void
add(char *out, size_t size, size_t *held, struct bytes line)
{
	for (size_t i = 0; i < line.octets && *held + 1 < size; i++) {
		unsigned char octet = line.at[i];

		out[(*held)++] =
			(char)(octet < ' ' || octet == 0x7f ? ' ' : octet);
	}
	out[*held] = '\0';
}

static void
trim(char *text)
{
	size_t front = strspn(text, " "), octets;

	memmove(text, text + front, strlen(text + front) + 1);
	octets = strlen(text);
	while (octets > 0 && text[octets - 1] == ' ')
		text[--octets] = '\0';
}

bool
header_next(struct bytes *rest, const char *name, char *out, size_t size)
{
	char raw[VALUE_SIZE];
	size_t held = 0;

	while (rest->octets > 0) {
		struct bytes line = cut_line(rest);

		if (line.octets == 0)
			break; /* the header is over */
		if (!is_named(line, name))
			continue;
		add(raw, sizeof(raw), &held,
			bytes_after(line, strlen(name) + 1));
		while (rest->octets > 0 &&
			(rest->at[0] == ' ' || rest->at[0] == '\t'))
			add(raw, sizeof(raw), &held, cut_line(rest));
		encoded_words_decode(raw, out, size);
		trim(out);
		return true;
	}
	*rest = BYTES_NONE;
	return false;
}

bool
header_value(struct bytes text, const char *name, char *out, size_t size)
{
	return header_next(&text, name, out, size);
}

/* ---- dates ---- */

/* RFC 5322 section 3.3; zones by name count as UTC. */
bool
header_date(const char *text, uint64_t *out_seconds)
{
	const char *comma = strchr(text, ',');
	long zone, minutes;
	struct tm tm = {0};
	const char *end;
	time_t when;

	end = strptime(comma ? comma + 1 : text, " %d %b %Y %H:%M:%S", &tm);
	if (!end) {
		tm = (struct tm){0};
		end = strptime(
			comma ? comma + 1 : text, " %d %b %Y %H:%M", &tm);
	}
	if (!end)
		return false;
	zone = strtol(end, NULL, 10);
	if (zone < -2400 || zone > 2400)
		zone = 0;
	minutes = zone / 100 * 60 + zone % 100;
	when = timegm(&tm);
	if (when < 0 || when < (time_t)minutes * 60)
		return false;
	*out_seconds = (uint64_t)(when - (time_t)minutes * 60);
	return true;
}

bool
header_arrived(struct bytes text, uint64_t *out_seconds)
{
	char value[VALUE_SIZE];
	const char *at;

	if (header_value(text, "Received", value, sizeof(value))) {
		at = strrchr(value, ';');
		if (at && header_date(at + 1, out_seconds))
			return true;
	}
	return header_value(text, "Date", value, sizeof(value)) &&
	       header_date(value, out_seconds);
}
