/* SPDX-License-Identifier: ISC */
#include "store/mbox/parser.h"

#include <string.h>

enum place {
	AT_START, /* of a line, or behind ">" there */
	IN_FROM,  /* what is held begins as "From " does */
	IN_LINE,  /* of an ordinary line */
	AFTER_CR, /* which stands at the start of a line */
};

static const char from[] = "From ";
#define FROM_OCTETS (sizeof(from) - 1)

static void
init(struct mbox_parser *p, const struct mbox_events *events, void *context)
{
	memset(p, 0, offsetof(struct mbox_parser, line));
	p->events = events;
	p->context = context;
}

void
mbox_parser_init(
	struct mbox_parser *p, const struct mbox_events *events, void *context)
{
	init(p, events, context);
}

void
mbox_parser_init_part(struct mbox_parser *p, const struct mbox_events *events,
	void *context, uint64_t offset)
{
	init(p, events, context);
	p->is_part = p->is_in_message = true;
	p->offset = p->line_offset = offset;
}

/* ---- telling ---- */

static void
tell(struct mbox_parser *p, const void *at, size_t octets)
{
	if (octets > 0 && p->is_in_message)
		p->events->octets(p->context, bytes_of(at, octets));
	else if (octets > 0)
		p->is_no_mbox = true;
}

/* The empty line was not the last one of its message. */
static void
tell_blank(struct mbox_parser *p)
{
	static const char line_end[] = "\r\n";

	if (p->blank > 0 && p->is_in_message)
		tell(p, line_end + 2 - p->blank, p->blank);
	p->blank = 0;
}

/* What was held of the line is ordinary. */
static void
tell_held(struct mbox_parser *p)
{
	tell_blank(p);
	if (p->is_quoted)
		tell(p, ">", 1);
	if (p->place == AFTER_CR)
		tell(p, "\r", 1);
	tell(p, p->line, p->held);
	p->is_quoted = false;
	p->held = 0;
	p->place = IN_LINE;
}

static void
end_message(struct mbox_parser *p, uint64_t offset)
{
	if (p->is_in_message && !p->is_part)
		p->events->end(p->context, offset - p->blank, p->has_quotes);
	p->blank = 0;
	p->has_quotes = false;
}

/* ---- lines ---- */

static void
next_line(struct mbox_parser *p)
{
	p->place = AT_START;
	p->line_offset = p->offset;
	p->held = 0;
	p->is_quoted = false;
}

/* A line that begins with "From " and has ended. */
static void
end_from(struct mbox_parser *p)
{
	struct bytes line = bytes_of(p->line, p->held);

	if (line.at[line.octets - 1] == '\r')
		line.octets--;
	if (!p->is_part && from_line_is(line)) {
		end_message(p, p->line_offset);
		p->is_in_message = true;
		p->events->begin(p->context, p->line_offset, p->offset, line);
	} else {
		tell_held(p);
		tell(p, "\n", 1);
	}
	next_line(p);
}

static void
end_blank(struct mbox_parser *p, uint8_t octets)
{
	tell_blank(p);
	p->blank = octets;
	next_line(p);
}

/* Of the line's start, while it may still be something special. */
static void
put_start(struct mbox_parser *p, unsigned char c)
{
	if (p->held == 0 && c == '>') {
		/* All are the same: one is enough to hold. */
		if (p->is_quoted)
			tell(p, ">", 1);
		else
			tell_blank(p);
		p->is_quoted = true;
	} else if (c == (unsigned char)from[p->held]) {
		p->line[p->held++] = c;
		if (p->held < FROM_OCTETS)
			return;
		p->place = IN_FROM;
		if (!p->is_quoted)
			return;
		p->is_quoted = false;
		p->has_quotes = true;
		tell_held(p);
	} else if (p->held == 0 && !p->is_quoted && c == '\n') {
		end_blank(p, 1);
	} else if (p->held == 0 && !p->is_quoted && c == '\r') {
		p->place = AFTER_CR;
	} else {
		tell_held(p);
		tell(p, &c, 1);
		if (c == '\n')
			next_line(p);
	}
}

static void
put_from(struct mbox_parser *p, unsigned char c)
{
	if (c == '\n') {
		end_from(p);
		return;
	}
	if (p->held == sizeof(p->line) - 1) {
		tell_held(p);
		tell(p, &c, 1);
		return;
	}
	p->line[p->held++] = c;
}

/* The start of one that is empty, quoted or a From_ line. */
static bool
is_special(unsigned char c)
{
	return c == 'F' || c == '>' || c == '\n' || c == '\r';
}

/* The rest of an ordinary line and of those that follow it, up to the first
   that may be something else. */
static size_t
put_rest(struct mbox_parser *p, struct bytes rest)
{
	const unsigned char *lf = NULL, *end = rest.at + rest.octets;
	const unsigned char *at = rest.at;
	size_t octets;

	do {
		lf = memchr(at, '\n', (size_t)(end - at));
		at = lf ? lf + 1 : end;
	} while (at < end && !is_special(*at));
	octets = (size_t)(at - rest.at);
	tell(p, rest.at, octets);
	p->offset += octets;
	if (lf)
		next_line(p);
	return octets;
}

/* Of a line that is nothing special nothing needs to be held. */
static size_t
put_line(struct mbox_parser *p, struct bytes rest)
{
	if (p->held == 0 && !p->is_quoted && !is_special(rest.at[0])) {
		tell_held(p);
		return put_rest(p, rest);
	}
	p->offset++;
	put_start(p, rest.at[0]);
	return 1;
}

static void
put_after_cr(struct mbox_parser *p, unsigned char c)
{
	if (c == '\n') {
		end_blank(p, 2);
		return;
	}
	tell_held(p);
	tell(p, &c, 1);
}

void
mbox_parser_put(struct mbox_parser *p, struct bytes chunk)
{
	while (chunk.octets > 0 && !p->is_no_mbox) {
		size_t octets = 1;

		switch ((enum place)p->place) {
		case AT_START:
			octets = put_line(p, chunk);
			break;
		case IN_FROM:
			p->offset++;
			put_from(p, chunk.at[0]);
			break;
		case AFTER_CR:
			p->offset++;
			put_after_cr(p, chunk.at[0]);
			break;
		case IN_LINE:
		default:
			octets = put_rest(p, chunk);
			break;
		}
		chunk = bytes_after(chunk, octets);
	}
}

void
mbox_parser_end(struct mbox_parser *p)
{
	if (p->place != AT_START || p->held > 0 || p->is_quoted)
		tell_held(p);
	if (p->is_part)
		tell_blank(p);
	end_message(p, p->offset);
}
