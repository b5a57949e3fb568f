/* SPDX-License-Identifier: ISC */
#include "message/measure.h"

#include <stddef.h>
#include <string.h>

#include "base/utf8.h"

void
measure_init(struct measure *measure)
{
	memset(measure, 0, offsetof(struct measure, field));
	measure->is_line_start = true;
	measure->is_line_empty = true;
}

/* ---- the header, field by field ---- */

static void
end_field(struct measure *m)
{
	struct bytes field = bytes_of(m->field, m->field_octets);
	bool is_changed = m->is_field_long_8bit;
	int64_t difference = 0;

	if (!is_changed && field.octets > 0 &&
		!surrogate_measure(
			field, m->is_field_long, &difference, &is_changed))
		m->has_no_surrogate = true;
	m->has_utf8_header = m->has_utf8_header || is_changed;
	m->surrogate_difference += difference;
	m->field_octets = 0;
	m->is_field_long = m->is_field_long_8bit = false;
}

static void
put_field(struct measure *m, struct bytes part)
{
	size_t room;

	if (m->is_line_start && m->field_octets > 0 && part.at[0] != ' ' &&
		part.at[0] != '\t')
		end_field(m);
	room = sizeof(m->field) - m->field_octets;
	if (part.octets > room) {
		m->is_field_long = true;
		m->is_field_long_8bit = m->is_field_long_8bit ||
					!utf8_is_ascii(bytes_after(part, room));
		part.octets = room;
	}
	memcpy(m->field + m->field_octets, part.at, part.octets);
	m->field_octets += part.octets;
}

/* A run without LF: part of one line. */
static void
put_run(struct measure *m, struct bytes run)
{
	bool is_lone_cr = run.octets == 1 && run.at[0] == '\r';

	if (run.octets == 0)
		return;
	if (!m->is_header_over && !m->is_passing_fields)
		put_field(m, run);
	if (m->is_line_start && run.at[0] == '.')
		m->needs_stuffing = true;
	/* A line of one CR before the LF is an empty line. */
	if (!is_lone_cr || m->is_after_cr)
		m->is_line_empty = false;
	m->is_line_start = false;
	m->is_after_cr = run.at[run.octets - 1] == '\r';
}

static void
put_lf(struct measure *m, uint64_t stored_octets)
{
	if (!m->is_after_cr)
		m->octets++;
	if (!m->is_header_over && !m->is_passing_fields)
		put_field(m, bytes_of("\n", 1));
	if (!m->is_header_over && m->is_line_empty) {
		end_field(m);
		m->is_header_over = true;
		m->header_octets = stored_octets;
	}
	m->is_line_start = true;
	m->is_line_empty = true;
	m->is_after_cr = false;
}

static void
put_lines(struct measure *m, struct bytes chunk, uint64_t before)
{
	const unsigned char *at = chunk.at, *end = at + chunk.octets;

	while (at < end) {
		const unsigned char *lf = memchr(at, '\n', (size_t)(end - at));

		put_run(m, bytes_of(at, (size_t)((lf ? lf : end) - at)));
		if (!lf)
			return;
		at = lf + 1;
		put_lf(m, before + (uint64_t)(at - chunk.at));
	}
}

/* Where the last line begins that goes on with no field. */
static size_t
last_field(struct bytes chunk)
{
	size_t at = chunk.octets;

	while (at > 0) {
		const unsigned char *lf = memrchr(chunk.at, '\n', at - 1);

		at = lf ? (size_t)(lf - chunk.at) + 1 : 0;
		if (chunk.at[at] != ' ' && chunk.at[at] != '\t')
			break;
	}
	return at;
}

/* A field in ASCII is its own surrogate. The last one may go on in the next
   chunk, which need not be ASCII, and is held. */
static void
put_ascii(struct measure *m, struct bytes chunk, uint64_t before)
{
	m->is_passing_fields = true;
	put_lines(m, chunk, before);
	m->is_passing_fields = false;
	if (!m->is_header_over)
		put_field(m, bytes_after(chunk, last_field(chunk)));
}

void
measure_put(struct measure *m, struct bytes chunk)
{
	uint64_t before = m->stored_octets;
	bool is_ascii = utf8_is_ascii(chunk);

	if (chunk.octets == 0)
		return;
	m->stored_octets += chunk.octets;
	m->octets += chunk.octets;
	m->has_nul = m->has_nul || bytes_has(chunk, 0);
	m->has_8bit = m->has_8bit || !is_ascii;
	if (is_ascii && before == 0)
		put_ascii(m, chunk, before);
	else
		put_lines(m, chunk, before);
}

void
measure_end(struct measure *m)
{
	if (!m->is_line_start)
		m->octets += 2;
	if (!m->is_header_over) {
		end_field(m);
		m->header_octets = m->stored_octets;
	}
	m->needs_crlf = m->octets != m->stored_octets;
}
