/* SPDX-License-Identifier: ISC */
#include "expectation.h"

#include <string.h>

struct comparison {
	const struct entry *first;
	unsigned count;
	/* The attempt that came farthest is the one to tell. */
	size_t fewest_left;
	bool is_told;
	struct mismatch *mismatch;
};

static bool is_met_from(struct comparison *c, unsigned i, struct bytes rest);

/* Up to the CRLF, which is taken too; false when there is none. */
static bool
take_line(struct bytes *rest, struct bytes *out_line)
{
	const unsigned char *end =
		rest->octets ? memmem(rest->at, rest->octets, "\r\n", 2) : NULL;

	if (!end)
		return false;
	*out_line = bytes_of(rest->at, (size_t)(end - rest->at));
	*rest = bytes_after(*rest, out_line->octets + 2);
	return true;
}

static bool
is_like(struct bytes pattern, struct bytes line)
{
	for (; pattern.octets > 0; pattern = bytes_after(pattern, 1)) {
		if (pattern.at[0] == '*')
			break;
		if (line.octets == 0 || line.at[0] != pattern.at[0])
			return false;
		line = bytes_after(line, 1);
	}
	if (pattern.octets == 0)
		return line.octets == 0;
	pattern = bytes_after(pattern, 1);
	for (size_t i = 0; i <= line.octets; i++)
		if (is_like(pattern, bytes_after(line, i)))
			return true;
	return false;
}

static bool
differs(struct comparison *c, const struct entry *entry, struct bytes rest)
{
	struct bytes line;

	if (c->is_told && rest.octets >= c->fewest_left)
		return false;
	c->is_told = true;
	c->fewest_left = rest.octets;
	c->mismatch->entry = entry;
	c->mismatch->got = rest;
	if (take_line(&rest, &line))
		c->mismatch->got.octets = line.octets + 2;
	return false;
}

static bool
is_line_met(struct comparison *c, unsigned i, struct bytes rest)
{
	const struct entry *entry = &c->first[i];
	struct bytes line, before = rest;

	if (!take_line(&rest, &line) || !is_like(entry->value, line))
		return differs(c, entry, before);
	return is_met_from(c, i + 1, rest);
}

static bool
is_raw_met(struct comparison *c, unsigned i, struct bytes rest)
{
	const struct entry *entry = &c->first[i];
	struct bytes front = rest;

	if (front.octets > entry->value.octets)
		front.octets = entry->value.octets;
	if (!bytes_equal(front, entry->value))
		return differs(c, entry, rest);
	return is_met_from(c, i + 1, bytes_after(rest, front.octets));
}

/* Any number of lines, none of them like the value. */
static bool
are_lines_met(struct comparison *c, unsigned i, struct bytes rest)
{
	const struct entry *entry = &c->first[i];
	struct bytes line, before;

	for (;;) {
		if (is_met_from(c, i + 1, rest))
			return true;
		before = rest;
		if (!take_line(&rest, &line))
			return false;
		if (entry->key == KEY_SERVER_LINES_WITHOUT &&
			is_like(entry->value, line)) {
			/* The better reason, unless one came farther. */
			if (before.octets <= c->fewest_left)
				c->is_told = false;
			differs(c, entry, before);
			return false;
		}
	}
}

static bool
is_met_from(struct comparison *c, unsigned i, struct bytes rest)
{
	while (i < c->count && !key_is_servers(c->first[i].key))
		i++;
	if (i == c->count)
		return rest.octets == 0 || differs(c, NULL, rest);
	if (c->first[i].key == KEY_SERVER)
		return is_line_met(c, i, rest);
	if (c->first[i].key == KEY_SERVER_RAW)
		return is_raw_met(c, i, rest);
	return are_lines_met(c, i, rest);
}

bool
expectation_is_met(const struct entry *first, unsigned count, struct bytes got,
	struct mismatch *out)
{
	struct comparison comparison = {
		.first = first,
		.count = count,
		.mismatch = out,
	};

	return is_met_from(&comparison, 0, got);
}
