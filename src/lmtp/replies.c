/* SPDX-License-Identifier: ISC */
#include "lmtp/state.h"

void
lmtp_reply(struct lmtp_session *s, const char *text)
{
	/* A step replies only while there is room. */
	buffer_append_string(s->out, text);
	buffer_append_string(s->out, "\r\n");
}

void
lmtp_bad(struct lmtp_session *s, const char *text)
{
	if (++s->bad_commands < s->settings->maximum_bad_commands) {
		lmtp_reply(s, text);
		return;
	}
	lmtp_reply(s, "421 4.7.0 too many bad commands, closing");
	s->is_closing = true;
}

/* RFC 3463's codes. */
static const char *
words_of(enum outcome outcome)
{
	switch (outcome) {
	case OK:
		return "250 2.1.5";
	case ERR_DENIED:
		return "550 5.1.1 no such user:";
	case ERR_NO_SPACE:
		return "452 4.3.1 no room on the disk:";
	case ERR_OVER_QUOTA:
		return "552 5.2.2 mailbox is full:";
	case ERR_SOFT_QUOTA:
		return "452 4.2.2 mailbox is nearly full:";
	case ERR_BROKEN:
		/* An administrator can mend it: that is no reason to send mail
		   back. */
		return "451 4.3.5 mailbox cannot be used:";
	case ERR_BUSY:
	case ERR_TOO_SOON:
	case ERR_TRY_LATER:
	case ERR_PEER:
	case ERR_GONE:
	default:
		return "451 4.3.0 try again later:";
	}
}

void
lmtp_reply_outcome(
	struct lmtp_session *s, enum outcome outcome, const char *address)
{
	buffer_printf(s->out, "%s <%.*s>%s\r\n", words_of(outcome),
		LMTP_ADDRESS_MAXIMUM_OCTETS, address,
		outcome == OK ? " ok" : "");
}
