/* SPDX-License-Identifier: ISC */
/* What the server says becomes events; a state is a function. */
#include "base/base64.h"
#include "base/log.h"
#include "pop3/client/state.h"

#include <stdlib.h>
#include <string.h>

enum pop3_client_event
pop3_client_receive_nothing(struct pop3_client *c, struct bytes *in)
{
	*in = BYTES_NONE;
	return POP3_CLIENT_NOTHING;
}

/* POP3_CLIENT_NOTHING: no whole line yet. Else broken, or *line is set. */
static enum pop3_client_event
take_line(struct pop3_client *c, struct bytes *in, struct bytes *line,
	bool *out_has_line)
{
	*out_has_line = false;
	switch (line_reader_take(&c->lines, in, line)) {
	case LINE_READY:
	case LINE_BARE_LF:
		*out_has_line = true;
		return POP3_CLIENT_NOTHING;
	case LINE_TOO_LONG:
		return pop3_client_break(c,
			"the server sent a line of more than %d octets",
			POP3_CLIENT_LINE_MAXIMUM_OCTETS);
	case LINE_HAS_NUL:
		return pop3_client_break(c, "the server sent a NUL in a reply");
	case LINE_NEEDS_MORE:
	default:
		/* An endless line is not waited for to its end. */
		if (c->lines.is_skipping)
			return pop3_client_break(
				c, "the server sent a line without end");
		return POP3_CLIENT_NOTHING;
	}
}

/* ---- -ERR ---- */

/* A word at the front of a code: "SYS/TEMP" of "[SYS/TEMP/disk]". */
static bool
has_code(struct bytes code, const char *word)
{
	struct bytes front = code, behind;

	front.octets = strlen(word);
	behind = bytes_after(code, front.octets);
	return code.octets >= front.octets &&
	       bytes_equal_ignoring_case(front, bytes_of_string(word)) &&
	       (behind.octets == 0 || behind.at[0] == '/' ||
		       behind.at[0] == ' ');
}

/* RFC 2449 section 8; hierarchical codes keep their meaning by their front. */
static enum pop3_code
code_of(struct bytes text)
{
	static const struct {
		const char *word;
		enum pop3_code code;
	} codes[] = {
		{"IN-USE", POP3_CODE_IN_USE},
		{"LOGIN-DELAY", POP3_CODE_LOGIN_DELAY},
		{"SYS/TEMP", POP3_CODE_SYS_TEMP},
		{"SYS/PERM", POP3_CODE_SYS_PERM},
		{"AUTH", POP3_CODE_AUTH},
	};

	if (text.octets == 0 || text.at[0] != '[')
		return POP3_CODE_NONE;
	text = bytes_after(text, 1);
	text = bytes_cut(&text, ']');
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (has_code(text, codes[i].word))
			return codes[i].code;
	return POP3_CODE_OTHER;
}

static enum pop3_client_event
on_err(struct pop3_client *c, struct bytes text)
{
	if (c->current.request == POP3_REQUEST_UTF8)
		return POP3_CLIENT_NOTHING;
	c->data = text;
	c->code = code_of(text);
	c->msgno = c->current.msgno;
	secret_release(&c->password);
	pop3_client_forget_initial(c);
	if (c->current.request != POP3_REQUEST_CAPA)
		return POP3_CLIENT_REFUSED;
	pop3_client_forget_capabilities(c);
	return POP3_CLIENT_CAPABLE;
}

/* ---- +OK ---- */

static enum pop3_client_event
on_stat(struct pop3_client *c, struct bytes text)
{
	uint64_t count, octets;

	if (!bytes_to_number(bytes_cut(&text, ' '),
		    POP3_CLIENT_MESSAGES_MAXIMUM, &count) ||
		!bytes_to_number(bytes_cut(&text, ' '), UINT64_MAX, &octets))
		return pop3_client_break(
			c, "the server answered STAT without numbers");
	c->count = (uint32_t)count;
	c->octets = octets;
	return POP3_CLIENT_STAT;
}

/*
 * Nothing stands behind a unique-id (RFC 1939 section 7): one with blanks is
 * taken whole, since its first word alone may be that of another message too.
 */
static enum pop3_client_event
on_uidl(struct pop3_client *c, struct bytes text)
{
	c->data = bytes_trim(text);
	for (size_t i = 0; i < c->data.octets; i++)
		if (c->data.at[i] < ' ' || c->data.at[i] == 0x7f)
			return pop3_client_break(c,
				"the server listed a UIDL with a control "
				"character");
	if (c->data.octets == 0)
		return pop3_client_break(
			c, "the server listed a message without its UIDL");
	return POP3_CLIENT_UIDL;
}

/* "msgno uidl" or "msgno octets"; text behind is allowed (RFC 1939, LIST). */
static enum pop3_client_event
on_entry(struct pop3_client *c, struct bytes line, bool is_uidl)
{
	uint64_t msgno;

	if (!bytes_to_number(bytes_cut(&line, ' '),
		    POP3_CLIENT_MESSAGES_MAXIMUM, &msgno) ||
		msgno == 0)
		return pop3_client_break(
			c, "the server listed an impossible message number");
	c->msgno = (uint32_t)msgno;
	if (is_uidl)
		return on_uidl(c, line);
	c->data = bytes_cut(&line, ' ');
	if (!bytes_to_number(c->data, UINT64_MAX, &c->octets))
		return pop3_client_break(
			c, "the server listed an impossible size");
	return POP3_CLIENT_LIST;
}

static enum pop3_client_event
on_uidl_one(struct pop3_client *c, struct bytes text)
{
	enum pop3_client_event event = on_entry(c, text, true);

	if (event == POP3_CLIENT_UIDL && c->msgno != c->current.msgno)
		return pop3_client_break(
			c, "the server gave the UIDL of another message");
	return event;
}

static enum pop3_client_event
on_user_ok(struct pop3_client *c)
{
	struct bytes password = secret_bytes(&c->password);
	bool is_sent;

	if (!c->password.at)
		return POP3_CLIENT_NOTHING; /* PASS is under way already */
	is_sent = buffer_append_string(&c->output, "PASS ") &&
		  buffer_append_bytes(&c->output, password) &&
		  buffer_append_string(&c->output, "\r\n") &&
		  pop3_client_expect(c, POP3_REQUEST_PASS, 0);
	secret_release(&c->password);
	return is_sent ? POP3_CLIENT_NOTHING
		       : pop3_client_break(c, "no memory");
}

static enum pop3_client_event
on_stls_ok(struct pop3_client *c, const struct bytes *in)
{
	/* What comes in clear behind +OK is not the server's word
	   (CVE-2020-15953). */
	if (in->octets > 0 || c->pending_count > 0)
		return pop3_client_break(c,
			"data came in clear between STLS and TLS: somebody "
			"may be tampering with the connection");
	return POP3_CLIENT_TLS;
}

static enum pop3_client_event
begin_list(struct pop3_client *c)
{
	c->list_lines = 0;
	c->receive = pop3_client_receive_list;
	return POP3_CLIENT_NOTHING;
}

static enum pop3_client_event
begin_body(struct pop3_client *c)
{
	dot_decoder_init(&c->decoder, BARE_LF_KEEP);
	c->is_body_over = false;
	c->msgno = c->current.msgno;
	c->receive = pop3_client_receive_body;
	return POP3_CLIENT_MESSAGE;
}

static enum pop3_client_event
begin_capa(struct pop3_client *c)
{
	pop3_client_forget_capabilities(c);
	c->capa_lines = 0;
	c->receive = pop3_client_receive_capa;
	return POP3_CLIENT_NOTHING;
}

static enum pop3_client_event
on_ok(struct pop3_client *c, struct bytes text, const struct bytes *in)
{
	c->data = text;
	c->msgno = c->current.msgno;
	switch (c->current.request) {
	case POP3_REQUEST_GREETING:
		return POP3_CLIENT_GREETED;
	case POP3_REQUEST_CAPA:
		return begin_capa(c);
	case POP3_REQUEST_STLS:
		return on_stls_ok(c, in);
	case POP3_REQUEST_UTF8:
		return POP3_CLIENT_NOTHING;
	case POP3_REQUEST_USER:
		return on_user_ok(c);
	case POP3_REQUEST_PASS:
	case POP3_REQUEST_APOP:
	case POP3_REQUEST_AUTH:
		pop3_client_forget_initial(c);
		return POP3_CLIENT_LOGGED_IN;
	case POP3_REQUEST_STAT:
		return on_stat(c, text);
	case POP3_REQUEST_LIST:
	case POP3_REQUEST_UIDL:
		return begin_list(c);
	case POP3_REQUEST_UIDL_ONE:
		return on_uidl_one(c, text);
	case POP3_REQUEST_RETR:
	case POP3_REQUEST_TOP:
		return begin_body(c);
	case POP3_REQUEST_DELE:
		return POP3_CLIENT_DELETED;
	case POP3_REQUEST_QUIT:
		return POP3_CLIENT_QUIT;
	case POP3_REQUEST_NOOP:
	case POP3_REQUEST_RSET:
	default:
		return POP3_CLIENT_DONE;
	}
}

/* ---- status lines ---- */

/* "+ base64" while AUTH is pending. */
static enum pop3_client_event
on_challenge(struct pop3_client *c, struct bytes text)
{
	enum outcome outcome;

	buffer_clear(&c->decoded);
	if (c->is_cancelled)
		return pop3_client_break(c,
			"the server goes on with a login that was cancelled");
	if (c->has_initial) {
		/* It asks for what did not fit the command line. */
		outcome = pop3_client_respond(c, secret_bytes(&c->initial));
		pop3_client_forget_initial(c);
		return outcome == OK ? POP3_CLIENT_NOTHING
				     : pop3_client_break(c, "no memory");
	}
	if (!base64_decode(bytes_trim(text), &c->decoded)) {
		/* Cancelled; the server's -ERR ends the exchange. */
		pop3_client_cancel(c);
		return POP3_CLIENT_NOTHING;
	}
	c->data = buffer_bytes(&c->decoded);
	c->owes_response = !c->is_answered;
	c->is_answered = false;
	return POP3_CLIENT_CHALLENGE;
}

/* "+OK" and "-ERR" end at a blank or at the line's end, in any case. */
static bool
cut_status(struct bytes *line, const char *status)
{
	struct bytes rest = *line, word = bytes_cut(&rest, ' ');

	if (!bytes_equal_ignoring_case(word, bytes_of_string(status)))
		return false;
	*line = rest;
	return true;
}

enum pop3_client_event
pop3_client_receive_status(struct pop3_client *c, struct bytes *in)
{
	char quoted[LOG_QUOTED_OCTETS];
	enum pop3_client_event event;
	struct bytes line, text;
	bool has_line;

	/* Nothing may be said before it was asked for. */
	if ((c->pending_count == 0 || c->owes_response) && in->octets > 0)
		return pop3_client_break(
			c, "the server spoke without being asked");
	event = take_line(c, in, &line, &has_line);
	if (!has_line)
		return event;
	text = line;
	if (c->pending[c->pending_first].request == POP3_REQUEST_AUTH &&
		cut_status(&text, "+"))
		return on_challenge(c, text);
	pop3_client_answered(c);
	if (cut_status(&text, "+OK"))
		return on_ok(c, text, in);
	if (cut_status(&text, "-ERR"))
		return on_err(c, text);
	if (line.octets > 100)
		line.octets = 100;
	return pop3_client_break(c,
		"the server answered neither +OK nor -ERR: %.120s",
		log_quote(quoted, line));
}

/* ---- CAPA ---- */

static bool
copy_mechanisms(struct pop3_client *c, struct bytes names)
{
	free(c->mechanisms);
	c->mechanisms = strndup((const char *)names.at, names.octets);
	return c->mechanisms != NULL;
}

/* What is no number within reason says nothing: EXPIRE NEVER, for one. */
static void
note_number(uint32_t *out, struct bytes word, uint64_t maximum)
{
	uint64_t number;

	if (bytes_to_number(word, maximum, &number))
		*out = (uint32_t)number;
}

static void
note_capability(struct pop3_client *c, struct bytes line)
{
	static const struct {
		const char *name;
		enum pop3_capability capability;
	} known[] = {
		{"TOP", POP3_CAN_TOP},
		{"USER", POP3_CAN_USER},
		{"UIDL", POP3_CAN_UIDL},
		{"PIPELINING", POP3_CAN_PIPELINING},
		{"STLS", POP3_CAN_STLS},
		{"RESP-CODES", POP3_CAN_RESP_CODES},
		{"AUTH-RESP-CODE", POP3_CAN_AUTH_RESP_CODE},
		{"UTF8", POP3_CAN_UTF8},
		{"SASL", POP3_CAN_SASL},
	};
	struct bytes rest = line;
	struct bytes word = bytes_cut(&rest, ' ');

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!bytes_equal_ignoring_case(
			    word, bytes_of_string(known[i].name)))
			continue;
		c->capabilities |= known[i].capability;
		if (known[i].capability == POP3_CAN_SASL && rest.octets > 0)
			copy_mechanisms(c, rest);
	}
	if (bytes_equal_ignoring_case(word, bytes_of_string("LOGIN-DELAY")))
		note_number(&c->login_delay_seconds, bytes_cut(&rest, ' '),
			POP3_CLIENT_DELAY_MAXIMUM);
	else if (bytes_equal_ignoring_case(word, bytes_of_string("EXPIRE")))
		note_number(&c->expire_days, bytes_cut(&rest, ' '),
			POP3_CLIENT_EXPIRE_MAXIMUM);
}

static bool
is_end_line(struct bytes line)
{
	return line.octets == 1 && line.at[0] == '.';
}

enum pop3_client_event
pop3_client_receive_capa(struct pop3_client *c, struct bytes *in)
{
	enum pop3_client_event event;
	struct bytes line;
	bool has_line;

	event = take_line(c, in, &line, &has_line);
	if (!has_line)
		return event;
	if (is_end_line(line)) {
		c->answers++;
		c->receive = pop3_client_receive_status;
		return POP3_CLIENT_CAPABLE;
	}
	if (++c->capa_lines > POP3_CLIENT_CAPA_MAXIMUM_LINES)
		return pop3_client_break(
			c, "the server lists capabilities without end");
	note_capability(c, line);
	return POP3_CLIENT_NOTHING;
}

/* ---- LIST and UIDL ---- */

enum pop3_client_event
pop3_client_receive_list(struct pop3_client *c, struct bytes *in)
{
	enum pop3_client_event event;
	struct bytes line;
	bool has_line;

	event = take_line(c, in, &line, &has_line);
	if (!has_line)
		return event;
	if (is_end_line(line)) {
		c->answers++;
		c->receive = pop3_client_receive_status;
		return POP3_CLIENT_LIST_END;
	}
	if (++c->list_lines > POP3_CLIENT_MESSAGES_MAXIMUM)
		return pop3_client_break(
			c, "the server lists messages without end");
	return on_entry(c, line, c->current.request == POP3_REQUEST_UIDL);
}

/* ---- RETR and TOP ---- */

enum pop3_client_event
pop3_client_receive_body(struct pop3_client *c, struct bytes *in)
{
	size_t octets = 0;

	if (c->is_body_over) {
		c->answers++;
		c->receive = pop3_client_receive_status;
		return POP3_CLIENT_MESSAGE_END;
	}
	c->is_body_over = dot_decoder_take(
		&c->decoder, in, c->chunk, sizeof(c->chunk), &octets);
	c->data = bytes_of(c->chunk, octets);
	return octets > 0 ? POP3_CLIENT_OCTETS : POP3_CLIENT_NOTHING;
}
