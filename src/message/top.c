/* SPDX-License-Identifier: ISC */
#include "message/top.h"

#include <string.h>

void
top_init(struct top *top, uint64_t lines)
{
	*top = (struct top){.lines_left = lines, .is_line_empty = true};
}

/* A line ended with the LF. */
static void
end_line(struct top *top)
{
	if (top->is_in_body)
		top->lines_left--;
	else if (top->is_line_empty)
		top->is_in_body = true;
	top->is_done = top->is_in_body && top->lines_left == 0;
	top->is_line_empty = true;
	top->is_after_cr = false;
}

static void
put_run(struct top *top, struct bytes run)
{
	if (run.octets == 0)
		return;
	if (run.octets > 1 || run.at[0] != '\r' || top->is_after_cr)
		top->is_line_empty = false;
	top->is_after_cr = run.at[run.octets - 1] == '\r';
}

struct bytes
top_take(struct top *top, struct bytes chunk)
{
	struct bytes rest = chunk;

	while (rest.octets > 0 && !top->is_done) {
		const unsigned char *lf = memchr(rest.at, '\n', rest.octets);
		size_t octets = lf ? (size_t)(lf - rest.at) : rest.octets;

		put_run(top, bytes_of(rest.at, octets));
		if (lf)
			end_line(top);
		rest = bytes_after(rest, octets + (lf ? 1 : 0));
	}
	chunk.octets -= rest.octets;
	return chunk;
}
