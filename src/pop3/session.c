/* SPDX-License-Identifier: ISC */
#include "pop3/session.h"
#include "pop3/state.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const struct pop3_settings pop3_settings_default = {
	.hostname = "localhost",
	.mechanisms = "PLAIN LOGIN",
	.maximum_bad_commands_before_login = 3,
	.maximum_bad_commands_after_login = 20,
	.maximum_failed_logins = 3,
};

struct pop3_session *
pop3_session_new(const struct pop3_settings *settings, bool is_tls,
	const char *banner_id)
{
	struct pop3_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->settings = settings;
	s->mechanisms = settings->mechanisms;
	s->policy = settings->policy;
	s->is_tls = is_tls;
	s->state = POP3_AUTHORIZATION;
	s->next = POP3_READ;
	line_reader_init(&s->lines, POP3_COMMAND_MAXIMUM_OCTETS);
	buffer_init(&s->pending, 2 * POP3_SASL_MAXIMUM_OCTETS);
	if (settings->offers_apop && banner_id) {
		s->banner_id = strdup(banner_id);
		if (!s->banner_id)
			pop3_session_free(&s);
	}
	return s;
}

void
pop3_session_free(struct pop3_session **session)
{
	struct pop3_session *s = *session;

	if (!s)
		return;
	pop3_forget_secrets(s);
	secret_release(&s->user);
	line_reader_release(&s->lines);
	buffer_wipe(&s->pending);
	index_set_release(&s->deleted);
	index_set_release(&s->retrieved);
	pop3_sending_free(&s->sending);
	free(s->banner_id);
	free(s);
	*session = NULL;
}

const struct pop3_summary *
pop3_session_summary(const struct pop3_session *s)
{
	return &s->summary;
}

/* ---- one command line ---- */

static bool
parse_msgno(struct pop3_session *s, struct bytes text,
	struct pop3_command_input *input)
{
	uint64_t msgno;

	if (!bytes_to_number(text, UINT64_MAX, &msgno)) {
		pop3_bad(s, "that is not a message number");
		return false;
	}
	if (msgno == 0 || msgno > s->maildrop->count) {
		pop3_err(s, "no such message");
		return false;
	}
	input->index = (uint32_t)(msgno - 1);
	input->has_msgno = true;
	if (index_set_has(&s->deleted, input->index)) {
		pop3_err(s, "that message is marked deleted");
		return false;
	}
	return true;
}

static struct bytes
without_trailing_blanks(struct bytes text)
{
	while (text.octets > 0 && text.at[text.octets - 1] == ' ')
		text.octets--;
	return text;
}

/* False: a reply has said what is wrong. */
static bool
parse_arguments(struct pop3_session *s, const struct pop3_command *command,
	struct bytes rest, struct pop3_command_input *input)
{
	struct bytes first;

	input->text = rest;
	if (command->arguments == POP3_OPTIONAL_TEXT)
		return true;
	if (command->arguments == POP3_TEXT) {
		if (rest.octets == 0)
			pop3_bad(s, "an argument is missing");
		return rest.octets > 0;
	}
	rest = without_trailing_blanks(rest);
	if (rest.octets == 0) {
		if (command->arguments == POP3_NO_ARGUMENT ||
			command->arguments == POP3_OPTIONAL_MSGNO)
			return true;
		pop3_bad(s, "an argument is missing");
		return false;
	}
	first = bytes_cut(&rest, ' ');
	if (command->arguments == POP3_NO_ARGUMENT ||
		(command->arguments != POP3_MSGNO_LINES && rest.octets > 0)) {
		pop3_bad(s, "too many arguments");
		return false;
	}
	if (command->arguments == POP3_MSGNO_LINES &&
		!bytes_to_number(rest, UINT64_MAX, &input->lines)) {
		pop3_bad(s, "TOP needs a message number and a number of lines");
		return false;
	}
	return parse_msgno(s, first, input);
}

static void
count_command(struct pop3_session *s, const struct pop3_command *command)
{
	size_t row = command ? (size_t)(command - pop3_commands)
			     : pop3_command_count;

	if (s->settings->command_counts)
		atomic_fetch_add_explicit(&s->settings->command_counts[row], 1,
			memory_order_relaxed);
}

static void
on_command(struct pop3_session *s, struct bytes line)
{
	struct bytes rest = line;
	struct bytes verb = bytes_cut(&rest, ' ');
	const struct pop3_command *command = pop3_find_command(s, verb);
	struct pop3_command_input input = {0};

	s->replies = 0;
	count_command(s, command);
	if (!command) {
		pop3_bad(s, "unknown command");
		return;
	}
	if (!(command->states & s->state)) {
		pop3_bad(s, s->state == POP3_AUTHORIZATION
				    ? "log in first"
				    : "you are logged in already");
		return;
	}
	if (!parse_arguments(s, command, rest, &input))
		return;
	if (s->state == POP3_TRANSACTION)
		s->bad_commands = 0;
	command->handle(s, &input);
}

static const char *
what_is_wrong_with(enum line_event event)
{
	if (event == LINE_TOO_LONG)
		return "that line is too long";
	if (event == LINE_HAS_NUL)
		return "a NUL has no place in a command";
	return NULL;
}

static void
on_line(struct pop3_session *s, enum line_event event, struct bytes line)
{
	const char *wrong = what_is_wrong_with(event);

	s->replies = 0;
	pop3_show_line(s, wrong ? BYTES_NONE : line);
	if (wrong && s->is_in_sasl)
		pop3_cancel_sasl(s, wrong);
	else if (wrong)
		pop3_bad(s, wrong);
	else if (s->is_in_sasl)
		pop3_on_sasl_line(s, line);
	else
		on_command(s, line);
}

/* ---- what the owner answered ---- */

static void
say_logged_in(struct pop3_session *s)
{
	s->replies = 0;
	pop3_ok_numbers(s,
		s->id ? "maildrop has %1 messages (%2 octets), session %s"
		      : "maildrop has %1 messages (%2 octets)",
		s->maildrop->count, s->maildrop->octets);
}

static void
say_refused(struct pop3_session *s)
{
	enum outcome why = (enum outcome)s->answer_outcome;

	s->replies = 0;
	if (why == ERR_PEER) {
		pop3_bad(s, "that is not how the mechanism goes");
		return;
	}
	if (why == ERR_DENIED && ++s->summary.refused_count >=
					 s->settings->maximum_failed_logins)
		s->is_closing = true;
	pop3_failed(s, why,
		why == ERR_DENIED ? "wrong user name or password"
		: why == ERR_BUSY ? "the maildrop is open in another session"
		: why == ERR_TOO_SOON ? "the last login was not long ago"
				      : "the maildrop cannot be opened now");
}

static void
say_committed(struct pop3_session *s)
{
	s->replies = 0;
	s->is_closing = true;
	if (s->answer_outcome != OK) {
		pop3_failed(s, (enum outcome)s->answer_outcome,
			"some deleted messages not removed");
		return;
	}
	s->summary.is_committed = true;
	pop3_ok_numbers(s, "bye (%1 messages removed)", s->deleted.count, 0);
}

static void
say_answer(struct pop3_session *s)
{
	enum pop3_answer answer = (enum pop3_answer)s->answer;

	s->answer = POP3_ANSWER_NONE;
	switch (answer) {
	case POP3_ANSWER_LOGGED_IN:
		say_logged_in(s);
		break;
	case POP3_ANSWER_REFUSED:
		say_refused(s);
		break;
	case POP3_ANSWER_UNREADABLE:
		pop3_failed(s, (enum outcome)s->answer_outcome,
			"the message cannot be read");
		break;
	case POP3_ANSWER_COMMITTED:
		say_committed(s);
		break;
	case POP3_ANSWER_NONE:
	default:
		break;
	}
}

static void
say_expired(struct pop3_session *s)
{
	s->replies = 0;
	s->is_closing = true;
	if (s->expiry)
		pop3_err(s, s->expiry);
}

static void
say_pending(struct pop3_session *s)
{
	struct bytes left = buffer_bytes(&s->pending);
	size_t room = buffer_room(s->out);

	if (left.octets > room)
		left.octets = room;
	buffer_append_bytes(s->out, left);
	buffer_consume(&s->pending, left.octets);
	if (s->pending.octets == 0)
		buffer_release(&s->pending);
}

static void
greet(struct pop3_session *s)
{
	s->is_greeted = true;
	/* Angle brackets only with APOP: clients take them for its banner. */
	if (s->banner_id)
		buffer_printf(s->out,
			"+OK Restante at %.200s ready <%.200s>\r\n",
			s->settings->hostname, s->banner_id);
	else
		buffer_printf(s->out, "+OK Restante at %.200s ready\r\n",
			s->settings->hostname);
}

/* ---- the step ---- */

/* Something to say before the next command? */
static bool
say_what_waits(struct pop3_session *s)
{
	if (!s->is_greeted)
		greet(s);
	else if (s->pending.octets > 0)
		say_pending(s);
	else if (s->answer)
		say_answer(s);
	else if (s->long_reply)
		pop3_go_on_long(s);
	else
		return false;
	return true;
}

static enum pop3_next
await(struct pop3_session *s)
{
	enum pop3_next next = (enum pop3_next)s->next;

	/* The owner owes no answer to a cancelled exchange. */
	if (next == POP3_AUTHENTICATE && s->authentication.is_cancelled)
		s->next = POP3_READ;
	return next;
}

static bool
take_line(struct pop3_session *s, struct bytes *in)
{
	struct bytes line = BYTES_NONE;
	enum line_event event = line_reader_take(&s->lines, in, &line);

	if (event == LINE_NEEDS_MORE)
		return false;
	on_line(s, event, line);
	return true;
}

enum pop3_next
pop3_session_step(struct pop3_session *s, struct bytes *in, struct buffer *out)
{
	s->out = out;
	for (;;) {
		if (buffer_room(out) < POP3_REPLY_MAXIMUM_OCTETS)
			return POP3_WRITE;
		if (say_what_waits(s))
			continue;
		if (s->next != POP3_READ)
			return await(s);
		if (s->is_closing)
			return POP3_CLOSE;
		if (s->is_expired) {
			say_expired(s);
			continue;
		}
		if (!take_line(s, in))
			return POP3_READ;
		/* One command, one reply; it may still be awaited. */
		assert(s->replies == 1 || s->next != POP3_READ);
	}
}

/* ---- from outside ---- */

void
pop3_session_tls_started(struct pop3_session *s)
{
	/* Nothing said before the handshake counts (RFC 2595 section 4). */
	secret_release(&s->user);
	pop3_forget_secrets(s);
	s->is_tls = true;
	s->is_utf8 = false;
	s->language = 0;
	s->next = POP3_READ;
}

void
pop3_session_expire(struct pop3_session *s, const char *why)
{
	s->is_expired = true;
	s->expiry = why;
}
