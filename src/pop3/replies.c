/* SPDX-License-Identifier: ISC */
#include "pop3/state.h"

static void
put(struct pop3_session *s, const char *status, const char *text)
{
	/* A step replies only while there is room for a line. */
	buffer_append_string(s->out, status);
	buffer_append_string(s->out, text);
	buffer_append_string(s->out, "\r\n");
	s->replies++;
}

void
pop3_ok(struct pop3_session *s, const char *text)
{
	put(s, "+OK ", text);
}

void
pop3_err(struct pop3_session *s, const char *text)
{
	put(s, "-ERR ", text);
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
	buffer_append_string(s->out, "-ERR ");
	buffer_append_string(s->out, code_of(why));
	buffer_append_string(s->out, what);
	buffer_append_string(s->out, "\r\n");
	s->replies++;
}
