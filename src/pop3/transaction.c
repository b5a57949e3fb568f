/* SPDX-License-Identifier: ISC */
#include "pop3/state.h"

#include <stdlib.h>

enum outcome
pop3_message(const struct pop3_session *s, uint32_t index,
	struct maildrop_message *out)
{
	return s->maildrop->message(s->maildrop, index, out);
}

/* Without UTF8 the session needs a surrogate of that message. */
static bool
needs_surrogate(
	const struct pop3_session *s, const struct maildrop_message *message)
{
	return !s->is_utf8 && s->settings->utf8_headers != POP3_UTF8_AS_IS &&
	       (message->flags & MAILDROP_HAS_UTF8_HEADER);
}

uint64_t
pop3_octets_as_sent(
	const struct pop3_session *s, const struct maildrop_message *message)
{
	return needs_surrogate(s, message) ? message->surrogate_octets
					   : message->octets;
}

void
pop3_on_stls(struct pop3_session *s, const struct pop3_command_input *input)
{
	if (s->is_tls) {
		pop3_bad(s, "TLS is on already");
	} else if (!s->settings->offers_stls) {
		pop3_bad(s, "there is no TLS here");
	} else if (s->is_utf8) {
		/* RFC 6856 section 2.1 lets us refuse it. */
		pop3_bad(s, "STLS comes before UTF8");
	} else {
		pop3_ok(s, "begin TLS");
		s->next = POP3_START_TLS;
	}
}

void
pop3_on_stat(struct pop3_session *s, const struct pop3_command_input *input)
{
	size_t from = s->out->octets;

	buffer_printf(s->out, "+OK %u %llu\r\n",
		s->maildrop->count - s->deleted.count,
		(unsigned long long)(s->maildrop->octets - s->deleted_octets));
	s->replies++;
	pop3_show_reply(s, from);
}

void
pop3_on_noop(struct pop3_session *s, const struct pop3_command_input *input)
{
	pop3_ok(s, "still here");
}

void
pop3_on_dele(struct pop3_session *s, const struct pop3_command_input *input)
{
	struct maildrop_message message;
	enum outcome outcome = pop3_message(s, input->index, &message);

	if (s->policy.is_read_only) {
		pop3_err(s, "this login may only read");
		return;
	}
	if (outcome == OK && !index_set_add(&s->deleted, input->index))
		outcome = ERR_TRY_LATER;
	if (outcome != OK) {
		pop3_failed(s, outcome, "the message cannot be deleted");
		return;
	}
	s->deleted_octets += message.octets;
	s->summary.dele_count++;
	pop3_ok_numbers(
		s, "message %1 marked deleted", (uint64_t)input->index + 1, 0);
}

void
pop3_on_rset(struct pop3_session *s, const struct pop3_command_input *input)
{
	index_set_clear(&s->deleted);
	s->deleted_octets = 0;
	s->summary.dele_count = 0;
	pop3_on_stat(s, input);
}

/* ---- QUIT ---- */

void
pop3_on_quit(struct pop3_session *s, const struct pop3_command_input *input)
{
	s->summary.has_quit = true;
	/* Only QUIT in TRANSACTION enters UPDATE (RFC 1939 section 6). */
	if (s->deleted.count > 0) {
		s->next = POP3_COMMIT;
		return;
	}
	s->summary.is_committed = s->state == POP3_TRANSACTION;
	pop3_ok(s, "bye");
	s->is_closing = true;
}

const struct index_set *
pop3_session_deleted(const struct pop3_session *s)
{
	return &s->deleted;
}

void
pop3_session_committed(struct pop3_session *s, enum outcome outcome)
{
	s->next = POP3_READ;
	s->answer = POP3_ANSWER_COMMITTED;
	s->answer_outcome = (uint8_t)outcome;
}

/* ---- RETR and TOP ---- */

static bool
is_out_of_reach(
	const struct pop3_session *s, const struct maildrop_message *message)
{
	return needs_surrogate(s, message) &&
	       (s->settings->utf8_headers == POP3_UTF8_REFUSE ||
		       (message->flags & MAILDROP_HAS_NO_SURROGATE));
}

static enum outcome
make_sending(const struct pop3_session *s,
	const struct maildrop_message *message, struct pop3_sending **out)
{
	struct pop3_sending *sending = calloc(1, sizeof(*sending));

	if (sending && needs_surrogate(s, message)) {
		sending->surrogate = calloc(1, sizeof(*sending->surrogate));
		if (sending->surrogate)
			surrogate_init(sending->surrogate);
		else
			pop3_sending_free(&sending);
	}
	*out = sending;
	return sending ? OK : ERR_TRY_LATER;
}

static void
start_sending(
	struct pop3_session *s, uint32_t index, bool is_top, uint64_t lines)
{
	struct maildrop_message message;
	enum outcome outcome = pop3_message(s, index, &message);
	struct pop3_sending *sending = NULL;

	if (outcome == OK && is_out_of_reach(s, &message)) {
		/* RFC 6856 section 5 */
		pop3_err(s,
			"[UTF8] this message needs UTF8, which stands before "
			"the login");
		return;
	}
	if (outcome == OK)
		outcome = make_sending(s, &message, &sending);
	if (outcome != OK) {
		pop3_failed(s, outcome, "the message cannot be read");
		return;
	}
	sending->reading.index = index;
	sending->reading.stored_octets = message.stored_octets;
	sending->reading.may_send_raw =
		!is_top && !sending->surrogate && !s->settings->replaces_nul &&
		!(message.flags &
			(MAILDROP_NEEDS_STUFFING | MAILDROP_NEEDS_CRLF));
	sending->octets = pop3_octets_as_sent(s, &message);
	sending->reading.is_top = is_top;
	sending->replaces_nul = s->settings->replaces_nul;
	top_init(&sending->top, lines);
	dot_encoder_init(&sending->encoder);
	/* The one before is kept until now: its owner may still ask for it. */
	pop3_sending_free(&s->sending);
	s->sending = sending;
	s->next = POP3_READ_MESSAGE;
}

void
pop3_on_retr(struct pop3_session *s, const struct pop3_command_input *input)
{
	start_sending(s, input->index, false, 0);
}

void
pop3_on_top(struct pop3_session *s, const struct pop3_command_input *input)
{
	start_sending(s, input->index, true, input->lines);
}
