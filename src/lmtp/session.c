/* SPDX-License-Identifier: ISC */
#include "lmtp/session.h"
#include "lmtp/commands.h"
#include "lmtp/state.h"

#include <stdlib.h>

#define BODY_ROOM_OCTETS 4

const struct lmtp_settings lmtp_settings_default = {
	.hostname = "localhost",
	.maximum_message_octets = 50u << 20,
	.maximum_bad_commands = 20,
};

struct lmtp_session *
lmtp_session_new(const struct lmtp_settings *settings)
{
	struct lmtp_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->settings = settings;
	s->next = LMTP_READ;
	line_reader_init(&s->lines, LMTP_COMMAND_MAXIMUM_OCTETS);
	/* Bare line feeds are where smuggling lives. */
	s->lines.is_strict = true;
	return s;
}

void
lmtp_session_free(struct lmtp_session **session)
{
	struct lmtp_session *s = *session;

	if (!s)
		return;
	lmtp_reset(s);
	line_reader_release(&s->lines);
	free(s->recipients);
	free(s->helo);
	free(s);
	*session = NULL;
}

/* ---- what the owner may ask ---- */

struct bytes
lmtp_session_helo(const struct lmtp_session *s)
{
	return s->helo ? bytes_of_string(s->helo) : BYTES_NONE;
}

struct bytes
lmtp_session_reverse_path(const struct lmtp_session *s)
{
	return s->reverse_path ? bytes_of_string(s->reverse_path) : BYTES_NONE;
}

unsigned
lmtp_session_recipient_count(const struct lmtp_session *s)
{
	return s->recipient_count;
}

struct bytes
lmtp_session_recipient(const struct lmtp_session *s, unsigned index)
{
	const char *address = index < s->recipient_count
				      ? s->recipients[index].address
				      : s->candidate;

	return address ? bytes_of_string(address) : BYTES_NONE;
}

/* ---- what the owner answered ---- */

static void
answer(struct lmtp_session *s, enum outcome outcome)
{
	s->answer = outcome;
	s->is_answered = true;
}

void
lmtp_session_resolved(struct lmtp_session *s, enum outcome outcome)
{
	answer(s, outcome);
}

void
lmtp_session_begun(struct lmtp_session *s, enum outcome outcome)
{
	answer(s, outcome);
}

void
lmtp_session_delivered(
	struct lmtp_session *s, unsigned index, enum outcome outcome)
{
	s->recipients[index].outcome = outcome;
	s->recipients[index].is_known = true;
}

static bool
add_recipient(struct lmtp_session *s)
{
	unsigned room = s->recipient_room ? s->recipient_room * 2 : 4;
	struct lmtp_recipient *grown;

	if (s->recipient_count == s->recipient_room) {
		grown = realloc(s->recipients, room * sizeof(*grown));
		if (!grown)
			return false;
		s->recipients = grown;
		s->recipient_room = room;
	}
	s->recipients[s->recipient_count++] =
		(struct lmtp_recipient){.address = s->candidate};
	s->candidate = NULL;
	return true;
}

static void
say_resolved(struct lmtp_session *s)
{
	enum outcome outcome = s->answer;

	if (!s->candidate) {
		lmtp_reply(s, "451 4.3.0 try again later");
		return;
	}
	lmtp_reply_outcome(s, outcome, s->candidate);
	if (outcome == OK && !add_recipient(s))
		s->is_closing = true;
	free(s->candidate);
	s->candidate = NULL;
}

/* The chunk that asked for it is to be taken first. */
static void
refuse_chunk(struct lmtp_session *s)
{
	s->has_begun = true;
	s->refusal = s->answer;
	s->mode = LMTP_SWALLOWING;
	for (unsigned i = 0; i < s->recipient_count; i++)
		s->recipients[i].outcome = s->answer;
}

static void
say_begun(struct lmtp_session *s)
{
	if (s->answer != OK && s->is_in_chunk) {
		refuse_chunk(s);
		return;
	}
	if (s->answer != OK) {
		lmtp_reply_outcome(s, s->answer, s->recipients[0].address);
		s->has_begun = true; /* what began of it is to be aborted */
		lmtp_reset(s);
		return;
	}
	s->has_begun = true;
	s->mode = LMTP_RECEIVING;
	s->body_octets = 0;
	dot_decoder_init(&s->decoder, BARE_LF_TO_CRLF);
	if (!s->is_in_chunk)
		lmtp_reply(s, "354 end with a line of one dot");
}

static void
say_answer(struct lmtp_session *s)
{
	enum lmtp_next awaited = (enum lmtp_next)s->next;

	s->is_answered = false;
	s->next = LMTP_READ;
	if (awaited == LMTP_RESOLVE)
		say_resolved(s);
	else if (awaited == LMTP_BEGIN)
		say_begun(s);
}

/* ---- the body ---- */

static void
refuse_body(struct lmtp_session *s, const char *text)
{
	s->mode = LMTP_SWALLOWING;
	s->refusal_text = text;
}

/* Of two reasons the size counts, however the octets arrive. */
static void
judge_body(struct lmtp_session *s)
{
	if (s->body_octets > s->settings->maximum_message_octets)
		refuse_body(s, "552 5.3.4 the message is too large");
	else if (s->settings->rejects_bare_newline &&
		 s->decoder.bare_lf_count > 0)
		refuse_body(s, "550 5.6.0 a line feed without carriage return");
}

/* Decodes what fits `body`; true at the end of the message. */
static bool
take_data(struct lmtp_session *s, struct bytes *in, struct buffer *body)
{
	size_t room = buffer_room(body);
	size_t octets = 0;
	unsigned char *to;
	bool is_end;

	/* Bare line feeds at most double it; small input, small buffer. */
	if (room > 2 * in->octets + BODY_ROOM_OCTETS)
		room = 2 * in->octets + BODY_ROOM_OCTETS;
	to = buffer_reserve(body, room);
	if (!to) {
		s->is_closing = true;
		return false;
	}
	is_end = dot_decoder_take(&s->decoder, in, to, room, &octets);
	buffer_grow(body, octets);
	s->body_octets += octets;
	return is_end;
}

/* True at the end of the message or of a chunk. */
static bool
take_body(struct lmtp_session *s, struct bytes *in, struct buffer *body)
{
	bool is_end = s->is_in_chunk ? lmtp_take_chunk(s, in, body)
				     : take_data(s, in, body);

	/* A chunk may be refused for reasons of its own. */
	if (!s->is_in_chunk || s->mode == LMTP_RECEIVING)
		judge_body(s);
	if (s->mode == LMTP_SWALLOWING)
		buffer_clear(body);
	return is_end;
}

void
lmtp_end_body(struct lmtp_session *s)
{
	if (s->mode == LMTP_RECEIVING) {
		s->mode = LMTP_DELIVERING;
		s->next = LMTP_COMMIT;
		return;
	}
	/* RFC 2033 section 4.2: one reply for each recipient. */
	s->mode = LMTP_DELIVERING;
	for (unsigned i = 0; i < s->recipient_count; i++)
		s->recipients[i].is_known = true;
}

/* Replies that are due; true when all have been given. */
static bool
say_delivered(struct lmtp_session *s)
{
	while (s->replied < s->recipient_count &&
		s->recipients[s->replied].is_known &&
		buffer_room(s->out) >= LMTP_REPLY_ROOM_OCTETS) {
		struct lmtp_recipient *r = &s->recipients[s->replied++];

		if (s->refusal_text)
			lmtp_reply(s, s->refusal_text);
		else
			lmtp_reply_outcome(s, r->outcome, r->address);
	}
	return s->replied == s->recipient_count;
}

/* ---- the step ---- */

static void
on_line(struct lmtp_session *s, enum line_event event, struct bytes line)
{
	const struct lmtp_command *command;

	if (event == LINE_TOO_LONG) {
		lmtp_bad(s, "500 5.5.2 that line is too long");
	} else if (event == LINE_HAS_NUL) {
		lmtp_bad(s, "500 5.5.2 a NUL has no place in a command");
	} else if (event == LINE_BARE_LF) {
		lmtp_bad(s, "500 5.5.2 lines end with CR LF");
	} else {
		command = lmtp_find_command(bytes_cut(&line, ' '));
		if (command)
			command->handle(s, line);
		else
			lmtp_bad(s, "500 5.5.1 unknown command");
	}
}

/*
 * The owner's turn: what the session waits for. A commit ends when all replies
 * have gone out.
 */
static bool
go_on_delivering(struct lmtp_session *s)
{
	if (s->next == LMTP_COMMIT || !say_delivered(s))
		return false;
	/* What was committed is no more to be aborted. */
	if (s->is_committed)
		s->has_begun = false;
	s->is_committed = false;
	lmtp_reset(s);
	return true;
}

static void
greet(struct lmtp_session *s)
{
	s->is_greeted = true;
	buffer_printf(s->out, "220 %.200s LMTP Restante ready\r\n",
		s->settings->hostname);
}

static bool
is_in_body(const struct lmtp_session *s)
{
	return s->mode == LMTP_RECEIVING || s->mode == LMTP_SWALLOWING;
}

/* A chunk of nothing ends without an octet. */
static bool
may_go_on(const struct lmtp_session *s, const struct bytes *in)
{
	return in->octets > 0 || (s->is_in_chunk && s->chunk_left == 0);
}

static enum lmtp_next
go_on_body(struct lmtp_session *s, struct bytes *in, struct buffer *body)
{
	bool is_end = take_body(s, in, body);

	if (is_end && s->is_in_chunk)
		lmtp_end_chunk(s);
	else if (is_end)
		lmtp_end_body(s);
	if (body->octets > 0 &&
		(is_end || buffer_room(body) <= BODY_ROOM_OCTETS))
		return LMTP_BODY;
	/* The end is the next step's, and so is the rest of a refused body. */
	return is_end || in->octets > 0 ? LMTP_WRITE : LMTP_READ;
}

static enum lmtp_next
await(struct lmtp_session *s)
{
	enum lmtp_next next = (enum lmtp_next)s->next;

	if (next == LMTP_COMMIT)
		s->is_committed = true;
	if (next == LMTP_ABORT || next == LMTP_COMMIT)
		s->next = LMTP_READ;
	return next;
}

bool
lmtp_session_has_ended(const struct lmtp_session *s)
{
	return s->mode == LMTP_DELIVERING && s->next == LMTP_COMMIT;
}

enum lmtp_next
lmtp_session_step(struct lmtp_session *s, struct bytes *in, struct buffer *out,
	struct buffer *body)
{
	struct bytes line = BYTES_NONE;
	enum line_event event;

	s->out = out;
	for (;;) {
		if (buffer_room(out) < LMTP_REPLY_ROOM_OCTETS)
			return LMTP_WRITE;
		if (!s->is_greeted)
			greet(s);
		if (s->is_answered) {
			say_answer(s);
			continue;
		}
		if (s->mode == LMTP_DELIVERING && go_on_delivering(s))
			continue;
		if (s->next != LMTP_READ)
			return await(s);
		if (s->mode == LMTP_DELIVERING)
			return LMTP_WRITE;
		if (s->is_closing)
			return LMTP_CLOSE;
		if (is_in_body(s))
			return may_go_on(s, in) ? go_on_body(s, in, body)
						: LMTP_READ;
		if (s->expiry) {
			buffer_printf(out, "421 4.3.2 %.200s\r\n", s->expiry);
			s->is_closing = true;
			continue;
		}
		event = line_reader_take(&s->lines, in, &line);
		if (event == LINE_NEEDS_MORE)
			return LMTP_READ;
		on_line(s, event, line);
	}
}

bool
lmtp_session_has_quit(const struct lmtp_session *s)
{
	return s->has_quit;
}

void
lmtp_session_expire(struct lmtp_session *s, const char *why)
{
	s->expiry = why;
}
