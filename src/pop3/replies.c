/* SPDX-License-Identifier: ISC */
#include "pop3/languages.h"
#include "pop3/state.h"

#include <string.h>

static const uint64_t no_numbers[2];

/* In the session's language, %1, %2 and %s filled in. A step replies only while
   there is room for a line. */
static void
put_text(struct pop3_session *s, const char *english, const uint64_t *numbers)
{
	const char *text = pop3_translate(s->language, english);
	unsigned char digits[BYTES_NUMBER_OCTETS];

	for (const char *percent; (percent = strchr(text, '%'));
		text = percent + 2) {
		buffer_append(s->out, text, (size_t)(percent - text));
		if (percent[1] == 's')
			buffer_append_string(s->out, s->id);
		else
			buffer_append(s->out, digits,
				bytes_put_number(
					digits, numbers[percent[1] - '1']));
	}
	buffer_append_string(s->out, text);
}

/* A response code at the front of the text is for programs. */
static void
put(struct pop3_session *s, const char *status, const char *text,
	const uint64_t *numbers)
{
	const char *human = text[0] == '[' ? strstr(text, "] ") : NULL;
	size_t from = s->out->octets;

	buffer_append_string(s->out, status);
	if (human) {
		human += 2;
		buffer_append(s->out, text, (size_t)(human - text));
	}
	put_text(s, human ? human : text, numbers);
	buffer_append_string(s->out, "\r\n");
	s->replies++;
	pop3_show_reply(s, from);
}

void
pop3_ok_numbers(
	struct pop3_session *s, const char *text, uint64_t one, uint64_t two)
{
	put(s, "+OK ", text, (const uint64_t[]){one, two});
}

void
pop3_ok(struct pop3_session *s, const char *text)
{
	put(s, "+OK ", text, no_numbers);
}

void
pop3_err(struct pop3_session *s, const char *text)
{
	put(s, "-ERR ", text, no_numbers);
}

void
pop3_bad(struct pop3_session *s, const char *text)
{
	unsigned maximum =
		s->state == POP3_TRANSACTION
			? s->settings->maximum_bad_commands_after_login
			: s->settings->maximum_bad_commands_before_login;

	if (++s->bad_commands < maximum) {
		pop3_err(s, text);
		return;
	}
	pop3_err(s, "too many bad commands, closing");
	s->is_closing = true;
}

/* RFC 2449 section 8, RFC 3206 section 4: what the client may do about it. */
static const char *
code_of(enum outcome why)
{
	switch (why) {
	case ERR_DENIED:
		return "[AUTH] ";
	case ERR_BUSY:
		return "[IN-USE] ";
	case ERR_TOO_SOON:
		return "[LOGIN-DELAY] ";
	case ERR_TRY_LATER:
	case ERR_NO_SPACE:
	case ERR_OVER_QUOTA:
	case ERR_SOFT_QUOTA:
		return "[SYS/TEMP] ";
	case ERR_BROKEN:
		return "[SYS/PERM] ";
	case OK:
	case ERR_PEER:
	case ERR_GONE:
	default:
		return "";
	}
}

void
pop3_failed(struct pop3_session *s, enum outcome why, const char *what)
{
	size_t from = s->out->octets;

	buffer_append_string(s->out, "-ERR ");
	buffer_append_string(s->out, code_of(why));
	put_text(s, what, no_numbers);
	buffer_append_string(s->out, "\r\n");
	s->replies++;
	pop3_show_reply(s, from);
}
