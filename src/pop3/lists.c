/* SPDX-License-Identifier: ISC */
/* Multi-line replies that are pulled: LIST, UIDL, CAPA, AUTH's mechanisms. */
#include "pop3/languages.h"
#include "pop3/state.h"

#include <string.h>

/* "4294967295 18446744073709551615\r\n", or a UIDL, is shorter. */
#define LINE_ROOM_OCTETS 96

/* "msgno octets" or "msgno uidl"; returns its octets. */
static size_t
put_entry(const struct pop3_session *s, unsigned char *to, uint32_t index,
	const struct maildrop_message *message, bool is_uidl)
{
	uint64_t octets = pop3_octets_as_sent(s, message);
	size_t used = bytes_put_number(to, (uint64_t)index + 1);

	to[used++] = ' ';
	if (is_uidl) {
		memcpy(to + used, message->uidl.at, message->uidl.octets);
		used += message->uidl.octets;
	} else {
		used += bytes_put_number(to + used, octets);
	}
	memcpy(to + used, "\r\n", 2);
	return used + 2;
}

/* ---- one message ---- */

static void
reply_entry(struct pop3_session *s, uint32_t index, bool is_uidl)
{
	struct maildrop_message message;
	enum outcome outcome = pop3_message(s, index, &message);
	unsigned char line[LINE_ROOM_OCTETS + UIDL_MAXIMUM_OCTETS];
	size_t from = s->out->octets;

	if (outcome != OK) {
		pop3_failed(s, outcome, "the message cannot be listed");
		return;
	}
	buffer_append_string(s->out, "+OK ");
	buffer_append(
		s->out, line, put_entry(s, line, index, &message, is_uidl));
	s->replies++;
	pop3_show_reply(s, from);
}

static void
list(struct pop3_session *s, const struct pop3_command_input *input,
	enum pop3_long_reply which)
{
	bool is_uidl = which == POP3_LONG_UIDL;

	if (input->has_msgno)
		reply_entry(s, input->index, is_uidl);
	else
		pop3_begin_long(s, which,
			is_uidl ? "unique ids follow" : "octets follow");
}

void
pop3_on_list(struct pop3_session *s, const struct pop3_command_input *input)
{
	list(s, input, POP3_LONG_LIST);
}

void
pop3_on_uidl(struct pop3_session *s, const struct pop3_command_input *input)
{
	list(s, input, POP3_LONG_UIDL);
}

void
pop3_on_capa(struct pop3_session *s, const struct pop3_command_input *input)
{
	pop3_begin_long(s, POP3_LONG_CAPA, "capabilities follow");
}

/* ---- long replies ---- */

void
pop3_begin_long(
	struct pop3_session *s, enum pop3_long_reply which, const char *text)
{
	pop3_ok(s, text);
	s->long_reply = (uint8_t)which;
	s->next_index = 0;
}

/*
 * A record that cannot be read has no place in a list whose +OK is out: the
 * connection ends, since a list that looks whole would make clients forget.
 */
static bool
go_on_messages(struct pop3_session *s, bool is_uidl)
{
	while (s->next_index < s->maildrop->count) {
		struct maildrop_message message;
		unsigned char *to;

		if (index_set_has(&s->deleted, s->next_index)) {
			s->next_index++;
			continue;
		}
		to = buffer_reserve(s->out, LINE_ROOM_OCTETS);
		if (!to)
			return false;
		if (pop3_message(s, s->next_index, &message) != OK) {
			s->long_reply = POP3_LONG_NONE;
			s->is_closing = true;
			return false;
		}
		buffer_grow(s->out,
			put_entry(s, to, s->next_index, &message, is_uidl));
		s->next_index++;
	}
	return true;
}

static void
put_line(struct pop3_session *s, const char *text)
{
	buffer_append_string(s->out, text);
	buffer_append_string(s->out, "\r\n");
}

/* RFC 2449 sections 6.5 and 6.7: USER behind it, where it may differ. */
static void
put_policy(struct pop3_session *s)
{
	const struct pop3_policy *policy = &s->policy;

	if (policy->expire_days > 0)
		buffer_printf(s->out, "EXPIRE %u%s\r\n", policy->expire_days,
			policy->expire_is_of_user ? " USER" : "");
	else
		buffer_printf(s->out, "EXPIRE NEVER%s\r\n",
			policy->expire_is_of_user ? " USER" : "");
	if (policy->login_delay_seconds > 0 || policy->login_delay_is_of_user)
		buffer_printf(s->out, "LOGIN-DELAY %u%s\r\n",
			policy->login_delay_seconds,
			policy->login_delay_is_of_user ? " USER" : "");
}

/* CAPA fits the room that every step has: 512 octets. */
static void
put_capabilities(struct pop3_session *s)
{
	for (unsigned i = 0; i < pop3_command_count; i++) {
		const struct pop3_command *row = &pop3_commands[i];

		if (row->capability &&
			(!row->is_announced || row->is_announced(s)))
			put_line(s, row->capability);
	}
	if (pop3_offers_sasl(s)) {
		buffer_append_string(s->out, "SASL ");
		put_line(s, s->mechanisms);
	}
	put_policy(s);
	for (const char *const *text = pop3_plain_capabilities; *text; text++)
		put_line(s, *text);
}

static void
put_mechanisms(struct pop3_session *s)
{
	struct bytes rest = bytes_of_string(s->mechanisms);

	while (pop3_offers_sasl(s) && rest.octets > 0) {
		buffer_append_bytes(s->out, bytes_cut(&rest, ' '));
		buffer_append_string(s->out, "\r\n");
	}
}

static void
put_languages(struct pop3_session *s)
{
	for (unsigned i = 0; i < pop3_language_count; i++)
		buffer_printf(s->out, "%s %s\r\n", pop3_languages[i].tag,
			pop3_languages[i].name);
}

bool
pop3_go_on_long(struct pop3_session *s)
{
	bool is_whole = true;

	switch ((enum pop3_long_reply)s->long_reply) {
	case POP3_LONG_LIST:
	case POP3_LONG_UIDL:
		is_whole = go_on_messages(s, s->long_reply == POP3_LONG_UIDL);
		break;
	case POP3_LONG_CAPA:
		put_capabilities(s);
		break;
	case POP3_LONG_LANGUAGES:
		put_languages(s);
		break;
	case POP3_LONG_MECHANISMS:
		put_mechanisms(s);
		break;
	case POP3_LONG_NONE:
	default:
		return true;
	}
	if (!is_whole)
		return false;
	if (!buffer_append_string(s->out, ".\r\n"))
		return false;
	s->long_reply = POP3_LONG_NONE;
	return true;
}
