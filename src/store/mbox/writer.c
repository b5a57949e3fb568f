/* SPDX-License-Identifier: ISC */
#include "store/mbox/writer.h"

static const char from[] = "From ";
#define FROM_OCTETS (sizeof(from) - 1)

void
mbox_writer_init(struct mbox_writer *w,
	void (*put)(void *context, struct bytes octets, bool is_quote),
	void *context)
{
	*w = (struct mbox_writer){
		.put = put,
		.context = context,
		.is_line_start = true,
		.is_line_empty = true,
	};
}

static void
tell(struct mbox_writer *w, const void *at, size_t octets)
{
	if (octets == 0)
		return;
	w->put(w->context, bytes_of(at, octets), false);
	w->is_after_cr = ((const unsigned char *)at)[octets - 1] == '\r';
	w->is_line_empty = false;
}

static void
tell_matched(struct mbox_writer *w)
{
	tell(w, from, w->matched);
	w->matched = 0;
	w->is_line_start = false;
}

static void
end_line(struct mbox_writer *w)
{
	/* CR CR LF: without the second CR it would be sent with one less. */
	if (w->has_cr && w->is_after_cr)
		tell(w, "\r", 1);
	tell(w, "\n", 1);
	w->has_cr = false;
	w->is_line_start = w->is_line_empty = true;
}

static void
put_start(struct mbox_writer *w, unsigned char c)
{
	if (w->matched == 0 && c == '>') {
		tell(w, &c, 1);
		return;
	}
	if (c != (unsigned char)from[w->matched]) {
		tell_matched(w);
		tell(w, &c, 1);
		return;
	}
	if (++w->matched < FROM_OCTETS)
		return;
	w->put(w->context, bytes_of(">", 1), true);
	tell_matched(w);
}

static bool
is_line_end(unsigned char c)
{
	return c == '\r' || c == '\n';
}

static void
put_end(struct mbox_writer *w, unsigned char c)
{
	if (w->matched > 0)
		tell_matched(w);
	if (c == '\n') {
		end_line(w);
		return;
	}
	if (w->has_cr)
		tell(w, "\r", 1);
	w->has_cr = true;
	w->is_line_start = false;
}

/* What follows up to the end of the line, or as much as there is. */
static size_t
put_run(struct mbox_writer *w, struct bytes rest)
{
	size_t octets = 0;

	while (octets < rest.octets && !is_line_end(rest.at[octets]))
		octets++;
	tell(w, rest.at, octets);
	return octets;
}

void
mbox_writer_put(struct mbox_writer *w, struct bytes chunk)
{
	while (chunk.octets > 0) {
		unsigned char c = chunk.at[0];
		size_t octets = 1;

		if (is_line_end(c)) {
			put_end(w, c);
		} else {
			if (w->has_cr)
				tell(w, "\r", 1);
			w->has_cr = false;
			if (w->is_line_start)
				put_start(w, c);
			else
				octets = put_run(w, chunk);
		}
		chunk = bytes_after(chunk, octets);
	}
}

void
mbox_writer_end(struct mbox_writer *w)
{
	if (w->matched > 0)
		tell_matched(w);
	if (w->has_cr) {
		/* Not part of the line's end, which the message lacks. */
		tell(w, "\r", 1);
		w->has_cr = true;
	}
	if (!w->is_line_empty)
		end_line(w);
}
