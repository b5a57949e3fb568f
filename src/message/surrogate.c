/* SPDX-License-Identifier: ISC */
#include "message/surrogate.h"
#include "base/utf8.h"

#include <string.h>

/* What one field becomes: encoded words are longer than what they say. */
#define OUT_MAXIMUM_OCTETS (4 * SURROGATE_FIELD_MAXIMUM_OCTETS)

void
surrogate_init(struct surrogate *s)
{
	*s = (struct surrogate){.is_line_start = true, .is_line_empty = true};
	buffer_init(&s->field, 2 * SURROGATE_FIELD_MAXIMUM_OCTETS);
	buffer_init(&s->out, OUT_MAXIMUM_OCTETS);
}

void
surrogate_release(struct surrogate *s)
{
	buffer_release(&s->field);
	buffer_release(&s->out);
}

/* As sent: a bare LF gets its CR on the way, a last line its line end. */
static size_t
sent_octets(struct bytes field)
{
	size_t octets = field.octets;

	for (size_t i = 0; i < field.octets; i++)
		if (field.at[i] == '\n' && (i == 0 || field.at[i - 1] != '\r'))
			octets++;
	if (field.octets > 0 && field.at[field.octets - 1] != '\n')
		octets += 2;
	return octets;
}

static void
replace_8bit(struct buffer *field)
{
	unsigned char *at = field->memory + field->start;

	for (size_t i = 0; i < field->octets; i++)
		if (at[i] >= 0x80)
			at[i] = '?';
}

static bool
must_change(struct bytes field)
{
	return !utf8_is_ascii(field) && utf8_is_valid(field);
}

static bool
flush(struct surrogate *s)
{
	struct bytes field = buffer_bytes(&s->field);
	size_t before = s->out.octets;
	bool is_good;

	if (field.octets == 0)
		return true;
	if (s->is_too_long)
		replace_8bit(&s->field);
	if (s->is_too_long || !must_change(field)) {
		is_good = buffer_append_bytes(&s->out, buffer_bytes(&s->field));
	} else {
		is_good = surrogate_field(field, &s->out);
		s->difference += (int64_t)sent_octets(bytes_after(
					 buffer_bytes(&s->out), before)) -
				 (int64_t)sent_octets(field);
	}
	buffer_consume(&s->field, s->field.octets);
	return is_good;
}

/* The first octet of a line: does another field begin? */
static bool
begins_a_field(const struct surrogate *s, unsigned char octet)
{
	return s->is_line_start && s->field.octets > 0 && octet != ' ' &&
	       octet != '\t';
}

/* One line, or what the chunk has of it. */
static bool
take_line(struct surrogate *s, struct bytes *chunk)
{
	const unsigned char *lf = memchr(chunk->at, '\n', chunk->octets);
	size_t octets = lf ? (size_t)(lf - chunk->at) + 1 : chunk->octets;
	size_t text = octets - (lf ? 1 : 0);
	const unsigned char *at = chunk->at;

	if (!buffer_append_bytes(&s->field, bytes_of(chunk->at, octets)))
		return false;
	*chunk = bytes_after(*chunk, octets);
	if (s->line_octets == 0 && text > 0)
		s->is_line_empty = at[0] == '\r';
	s->line_octets += text;
	if (s->line_octets > 1)
		s->is_line_empty = false;
	s->is_line_start = lf != NULL;
	if (!lf)
		return true;
	if (s->is_line_empty) {
		s->is_over = true;
		return flush(s);
	}
	s->line_octets = 0;
	s->is_line_empty = true;
	return true;
}

bool
surrogate_take(struct surrogate *s, struct bytes *chunk)
{
	while (chunk->octets > 0 && !s->is_over && s->out.octets == 0) {
		struct bytes piece = *chunk;

		if (begins_a_field(s, chunk->at[0])) {
			if (!flush(s))
				return false;
			s->is_too_long = false;
			continue;
		}
		if (s->field.octets >= SURROGATE_FIELD_MAXIMUM_OCTETS) {
			s->is_too_long = true;
			if (!flush(s))
				return false;
			continue;
		}
		if (piece.octets >
			SURROGATE_FIELD_MAXIMUM_OCTETS - s->field.octets)
			piece.octets = SURROGATE_FIELD_MAXIMUM_OCTETS -
				       s->field.octets;
		*chunk = bytes_after(*chunk, piece.octets);
		if (!take_line(s, &piece))
			return false;
		/* What follows the line was not taken. */
		*chunk = bytes_of(
			chunk->at - piece.octets, chunk->octets + piece.octets);
	}
	return true;
}

bool
surrogate_measure(struct bytes field, bool is_too_long, int64_t *out_difference,
	bool *out_is_changed)
{
	struct buffer out;
	bool is_good;

	*out_difference = 0;
	*out_is_changed =
		is_too_long ? !utf8_is_ascii(field) : must_change(field);
	if (is_too_long || !*out_is_changed)
		return true;
	buffer_init(&out, OUT_MAXIMUM_OCTETS);
	is_good = surrogate_field(field, &out);
	*out_difference = (int64_t)sent_octets(buffer_bytes(&out)) -
			  (int64_t)sent_octets(field);
	buffer_release(&out);
	return is_good;
}

bool
surrogate_end(struct surrogate *s)
{
	s->is_over = true;
	return flush(s);
}
