/* SPDX-License-Identifier: ISC */
/*
 * Messages of stores that have no files, in pieces from store to the client.
 * A piece that is asked for is a credit: PIECE_CREDITS are under way or wait
 * here at most, so that memory does not depend on the message.
 */
#include "server/pop3_connection.h"

#include <stdlib.h>
#include <string.h>

struct piece {
	size_t octets;
	unsigned char at[];
};

struct stream {
	uint32_t index;
	uint64_t octets; /* of the message */
	uint64_t asked, received, fed;
	unsigned stale; /* pieces under way of messages that were given up */
	unsigned under_way;   /* of this one */
	enum outcome outcome; /* of the piece behind those that are here */
	unsigned first, count;
	size_t used; /* of the first piece */
	struct piece *pieces[PIECE_CREDITS];
};

static void
drop_first(struct stream *s)
{
	free(s->pieces[s->first]);
	s->pieces[s->first] = NULL;
	s->first = (s->first + 1) % PIECE_CREDITS;
	s->count--;
	s->used = 0;
}

void
pop3_stream_stop(struct pop3_connection *p)
{
	struct stream *s = p->stream;

	if (!s)
		return;
	while (s->count > 0)
		drop_first(s);
	s->stale += s->under_way;
	s->under_way = 0;
}

void
pop3_stream_forget(struct pop3_connection *p)
{
	pop3_stream_stop(p);
	p->stream->stale = 0;
}

void
pop3_stream_free(struct pop3_connection *p)
{
	pop3_stream_stop(p);
	free(p->stream);
	p->stream = NULL;
}

/* ---- asking ---- */

static bool
ask(struct pop3_connection *p, uint32_t octets)
{
	struct stream *s = p->stream;
	struct message message;
	bool is_sent;

	message_init(&message, MESSAGE_READ_PIECE, p->base.entry.id);
	message_put_u32(&message, s->index);
	message_put_u64(&message, s->asked);
	message_put_u32(&message, octets);
	is_sent = connection_send(&p->base, ROLE_STORE, &message);
	message_release(&message);
	return is_sent;
}

/* As far ahead as there is room for. */
static bool
ask_on(struct pop3_connection *p)
{
	struct stream *s = p->stream;

	while (s->outcome == OK && s->asked < s->octets &&
		s->stale + s->under_way + s->count < PIECE_CREDITS) {
		uint64_t left = s->octets - s->asked;
		uint32_t octets =
			left < PIECE_OCTETS ? (uint32_t)left : PIECE_OCTETS;

		if (!ask(p, octets))
			return false;
		s->asked += octets;
		s->under_way++;
	}
	return true;
}

enum advance
pop3_stream_start(struct pop3_connection *p, uint32_t index, uint64_t octets)
{
	struct stream *s = p->stream;
	unsigned stale = s ? s->stale : 0;

	if (!s)
		s = p->stream = calloc(1, sizeof(*s));
	if (!s) {
		pop3_message_failed(p, ERR_TRY_LATER);
		return ADVANCE_READ;
	}
	*s = (struct stream){.index = index, .octets = octets, .stale = stale};
	p->reading = READING_STREAMED;
	return pop3_stream_go_on(p);
}

/* ---- what comes ---- */

static bool
keep(struct stream *s, struct bytes octets)
{
	struct piece *piece = malloc(sizeof(*piece) + octets.octets);

	if (!piece)
		return false;
	piece->octets = octets.octets;
	memcpy(piece->at, octets.at, octets.octets);
	s->pieces[(s->first + s->count++) % PIECE_CREDITS] = piece;
	return true;
}

/* Each piece is as long as it was asked for: a shorter one is a message that
   is not what the index says. */
static bool
take(struct stream *s, uint32_t index, uint64_t offset, enum outcome outcome,
	struct bytes octets)
{
	uint64_t left = s->octets - s->received;
	uint64_t expected = left < PIECE_OCTETS ? left : PIECE_OCTETS;

	s->under_way--;
	if (index != s->index || offset != s->received)
		return false;
	s->received += expected;
	if (s->outcome != OK)
		return true;
	s->outcome = outcome;
	if (outcome == OK && octets.octets != expected)
		s->outcome = ERR_BROKEN;
	if (s->outcome == OK && !keep(s, octets))
		s->outcome = ERR_TRY_LATER;
	return true;
}

bool
pop3_stream_on_piece(struct pop3_connection *p, struct message_reader *reader)
{
	uint32_t index = message_get_u32(reader);
	uint64_t offset = message_get_u64(reader);
	enum outcome outcome = message_get_u8(reader);
	struct bytes octets = message_get_bytes(reader);
	struct stream *s = p->stream;

	if (!message_reader_finish(reader) || !s ||
		s->stale + s->under_way == 0)
		return false;
	if (p->waiting == WAITING_PIECE)
		p->waiting = WAITING_NOT;
	/* Answers come in the order of the questions. */
	if (s->stale > 0) {
		s->stale--;
		return true;
	}
	return take(s, index, offset, outcome, octets);
}

/* ---- to the client ---- */

static enum pop3_feed
feed_first(struct pop3_connection *p)
{
	struct stream *s = p->stream;
	struct piece *piece = s->count > 0 ? s->pieces[s->first] : NULL;
	struct bytes chunk = BYTES_NONE;
	enum pop3_feed result;
	size_t before;

	if (piece)
		chunk = bytes_of(piece->at + s->used, piece->octets - s->used);
	before = chunk.octets;
	result = pop3_session_feed(
		p->session, &chunk, s->fed + before == s->octets, &p->base.out);
	s->used += before - chunk.octets;
	s->fed += before - chunk.octets;
	if (piece && s->used == piece->octets)
		drop_first(s);
	return result;
}

enum advance
pop3_stream_go_on(struct pop3_connection *p)
{
	struct stream *s = p->stream;
	enum pop3_feed result = POP3_FEED_MORE;

	while (result == POP3_FEED_MORE) {
		if (!ask_on(p)) {
			pop3_message_failed(p, ERR_TRY_LATER);
			return ADVANCE_WRITE;
		}
		if (s->count == 0 && s->outcome != OK) {
			pop3_message_failed(p, s->outcome);
			return ADVANCE_WRITE;
		}
		if (s->count == 0 && s->fed < s->octets) {
			p->waiting = WAITING_PIECE;
			return ADVANCE_WAIT;
		}
		result = feed_first(p);
	}
	if (result != POP3_FEED_ROOM)
		pop3_stream_stop(p);
	return pop3_message_fed(p, result);
}
