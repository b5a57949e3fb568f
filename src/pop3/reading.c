/* SPDX-License-Identifier: ISC */
/* Messages on their way from the owner to the output. */
#include "pop3/state.h"

#include <stdlib.h>

const struct pop3_reading *
pop3_session_reading(const struct pop3_session *s)
{
	return &s->sending->reading;
}

/* The first line of the reply; false when there is no room for it. */
static bool
begin(struct pop3_session *s, struct buffer *out)
{
	struct pop3_sending *sending = s->sending;

	if (sending->has_begun)
		return true;
	if (buffer_room(out) < POP3_REPLY_MAXIMUM_OCTETS)
		return false;
	if (sending->is_top)
		buffer_append_string(out, "+OK top of it follows\r\n");
	else
		buffer_printf(out, "+OK %llu octets\r\n",
			(unsigned long long)sending->octets);
	s->replies++;
	sending->has_begun = true;
	return true;
}

static void
finish(struct pop3_session *s)
{
	struct pop3_sending *sending = s->sending;

	if (sending->is_top)
		s->summary.top_count++;
	else
		s->summary.retr_count++;
	if (!sending->is_top)
		s->summary.sent_octets += sending->octets;
	/* Without memory it is kept for longer. */
	if (!sending->is_top && s->policy.tracks_retrieval)
		index_set_add(&s->retrieved, sending->reading.index);
	s->next = POP3_READ;
}

const struct index_set *
pop3_session_retrieved(const struct pop3_session *s)
{
	return &s->retrieved;
}

static enum pop3_feed
end(struct pop3_session *s, struct buffer *out)
{
	struct pop3_sending *sending = s->sending;
	unsigned char *to = buffer_reserve(out, DOT_ENCODER_END_OCTETS);

	sending->is_over = true;
	if (!to)
		return POP3_FEED_ROOM;
	buffer_grow(out, dot_encoder_end(&sending->encoder, to));
	finish(s);
	return POP3_FEED_DONE;
}

/* Encodes what fits; false when something is left of *chunk. */
static bool
encode(struct pop3_sending *sending, struct bytes *chunk, struct buffer *out)
{
	size_t room = buffer_room(out);
	unsigned char *to;

	/* CRLF repair and stuffing at most double it. */
	if (room > 2 * chunk->octets)
		room = 2 * chunk->octets;
	to = buffer_reserve(out, room);
	if (!to)
		return chunk->octets == 0;
	buffer_grow(out, dot_encoder_put(&sending->encoder, chunk, to, room));
	return chunk->octets == 0;
}

enum pop3_feed
pop3_session_feed(struct pop3_session *s, struct bytes *chunk, bool is_last,
	struct buffer *out)
{
	struct pop3_sending *sending = s->sending;
	size_t before = chunk->octets;
	struct bytes wanted = *chunk;
	bool is_encoded;

	if (!begin(s, out))
		return POP3_FEED_ROOM;
	if (sending->is_over)
		return end(s, out);
	if (sending->is_top) {
		struct top ahead = sending->top;

		wanted = top_take(&ahead, *chunk);
		before = wanted.octets;
		is_encoded = encode(sending, &wanted, out);
		top_take(&sending->top,
			bytes_of(chunk->at, before - wanted.octets));
		*chunk = bytes_after(*chunk, before - wanted.octets);
		if (is_encoded && sending->top.is_done)
			return end(s, out);
	} else {
		is_encoded = encode(sending, chunk, out);
		sending->fed_octets += before - chunk->octets;
		if (sending->fed_octets > sending->reading.stored_octets)
			return POP3_FEED_FAILED;
	}
	if (!is_encoded)
		return POP3_FEED_ROOM;
	if (!is_last)
		return POP3_FEED_MORE;
	if (!sending->is_top &&
		sending->fed_octets != sending->reading.stored_octets)
		return POP3_FEED_FAILED;
	return end(s, out);
}

bool
pop3_session_raw_begin(struct pop3_session *s, struct buffer *out)
{
	return begin(s, out);
}

void
pop3_session_raw_end(struct pop3_session *s)
{
	/* Stored octets that end in CRLF: the end line alone is missing. */
	buffer_append_string(&s->pending, ".\r\n");
	finish(s);
}

void
pop3_session_read_failed(struct pop3_session *s, enum outcome why)
{
	s->next = POP3_READ;
	if (s->sending->has_begun) {
		s->is_closing = true;
		return;
	}
	s->answer = POP3_ANSWER_UNREADABLE;
	s->answer_outcome = (uint8_t)why;
}
