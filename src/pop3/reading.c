/* SPDX-License-Identifier: ISC */
/* Messages on their way from the owner to the output. */
#include "pop3/state.h"

#include <stdlib.h>
#include <string.h>

#define NUL_REPLACEMENT 0x80

void
pop3_sending_free(struct pop3_sending **sending)
{
	if (*sending && (*sending)->surrogate) {
		surrogate_release((*sending)->surrogate);
		free((*sending)->surrogate);
	}
	free(*sending);
	*sending = NULL;
}

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
	s->out = out;
	if (sending->reading.is_top)
		pop3_ok(s, "top of it follows");
	else
		pop3_ok_numbers(s, "%1 octets", sending->octets, 0);
	sending->has_begun = true;
	return true;
}

static void
finish(struct pop3_session *s)
{
	struct pop3_sending *sending = s->sending;

	if (sending->reading.is_top)
		s->summary.top_count++;
	else
		s->summary.retr_count++;
	if (sending->reading.is_top)
		s->summary.top_octets += sending->sent_octets;
	else
		s->summary.sent_octets += sending->octets;
	/* Without memory it is kept for longer. */
	if (!sending->reading.is_top && s->policy.tracks_retrieval)
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

/*
 * WORKAROUND(Outlook, fdm, mutt): they cut a line or a message at NUL. With a
 * setting they get an octet that means nothing either, and as many of them.
 */
static void
replace_nul(unsigned char *from, size_t octets)
{
	unsigned char *at;

	while ((at = memchr(from, 0, octets))) {
		*at++ = NUL_REPLACEMENT;
		octets -= (size_t)(at - from);
		from = at;
	}
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
	room = dot_encoder_put(&sending->encoder, chunk, to, room);
	if (sending->replaces_nul)
		replace_nul(to, room);
	buffer_grow(out, room);
	sending->sent_octets += room;
	return chunk->octets == 0;
}

/* Through TOP, when it is one; false when something is left of *from. */
static bool
emit(struct pop3_sending *sending, struct bytes *from, struct buffer *out)
{
	struct top ahead = sending->top;
	struct bytes wanted;
	size_t before;
	bool is_encoded;

	if (!sending->reading.is_top)
		return encode(sending, from, out);
	wanted = top_take(&ahead, *from);
	before = wanted.octets;
	is_encoded = encode(sending, &wanted, out);
	top_take(&sending->top, bytes_of(from->at, before - wanted.octets));
	*from = bytes_after(*from, before - wanted.octets);
	return is_encoded;
}

static bool
is_top_done(const struct pop3_sending *sending)
{
	return sending->reading.is_top && sending->top.is_done;
}

/* What stands for the header; POP3_FEED_DONE: on to the body. */
static enum pop3_feed
feed_header(struct pop3_sending *sending, struct bytes *chunk, bool is_last,
	struct buffer *out)
{
	struct surrogate *surrogate = sending->surrogate;

	for (;;) {
		struct bytes ready = buffer_bytes(&surrogate->out);
		size_t before = ready.octets;
		bool is_encoded = emit(sending, &ready, out);

		buffer_consume(&surrogate->out, before - ready.octets);
		if (!is_encoded)
			return POP3_FEED_ROOM;
		if (surrogate->is_over || is_top_done(sending))
			return POP3_FEED_DONE;
		before = chunk->octets;
		if (before == 0 && !is_last)
			return POP3_FEED_MORE;
		if (before == 0 ? !surrogate_end(surrogate)
				: !surrogate_take(surrogate, chunk))
			return POP3_FEED_FAILED;
		sending->fed_octets += before - chunk->octets;
	}
}

enum pop3_feed
pop3_session_feed(struct pop3_session *s, struct bytes *chunk, bool is_last,
	struct buffer *out)
{
	struct pop3_sending *sending = s->sending;
	enum pop3_feed result;
	bool is_encoded;
	size_t before;

	if (!begin(s, out))
		return POP3_FEED_ROOM;
	if (sending->is_over)
		return end(s, out);
	if (sending->surrogate) {
		result = feed_header(sending, chunk, is_last, out);
		if (result != POP3_FEED_DONE)
			return result;
	}
	before = chunk->octets;
	is_encoded = is_top_done(sending) || emit(sending, chunk, out);
	sending->fed_octets += before - chunk->octets;
	if (!sending->reading.is_top &&
		sending->fed_octets > sending->reading.stored_octets)
		return POP3_FEED_FAILED;
	if (!is_encoded)
		return POP3_FEED_ROOM;
	if (is_top_done(sending))
		return end(s, out);
	if (!is_last)
		return POP3_FEED_MORE;
	if (!sending->reading.is_top &&
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
