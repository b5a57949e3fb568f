/* SPDX-License-Identifier: ISC */
/* What an observer may see of a session. */
#include "pop3/state.h"

static void
show(const struct pop3_session *s, bool is_clients, struct bytes shown,
	size_t hidden_octets)
{
	s->observer->seen(
		s->observer->context, is_clients, shown, hidden_octets);
}

void
pop3_session_observe(
	struct pop3_session *s, const struct pop3_observer *observer)
{
	s->observer = observer;
}

/* Numbers, where numbers belong, and names: a password that went astray, behind
   a command that takes no text, is not for others. */
static bool
may_show(const struct pop3_command *command, struct bytes rest)
{
	if (command->has_secret || command->arguments == POP3_NO_ARGUMENT)
		return rest.octets == 0;
	if (command->arguments == POP3_TEXT ||
		command->arguments == POP3_OPTIONAL_TEXT)
		return true;
	for (size_t i = 0; i < rest.octets; i++)
		if (rest.at[i] != ' ' && (rest.at[i] < '0' || rest.at[i] > '9'))
			return false;
	return true;
}

void
pop3_show_line(struct pop3_session *s, struct bytes line)
{
	struct bytes rest = line, verb = bytes_cut(&rest, ' ');
	const struct pop3_command *command;

	if (!s->observer)
		return;
	command = s->is_in_sasl ? NULL : pop3_find_command(s, verb);
	/* A SASL response behind a refused AUTH looks as any unknown command. */
	if (!command)
		show(s, true, BYTES_NONE, line.octets);
	else if (may_show(command, rest))
		show(s, true, line, 0);
	else
		show(s, true, verb, line.octets - verb.octets);
}

void
pop3_show_reply(const struct pop3_session *s, size_t from)
{
	struct bytes line = bytes_after(buffer_bytes(s->out), from);

	if (!s->observer)
		return;
	while (line.octets > 0 && (line.at[line.octets - 1] == '\n' ||
					  line.at[line.octets - 1] == '\r'))
		line.octets--;
	show(s, false, line, 0);
}

void
pop3_show_challenge(const struct pop3_session *s, size_t hidden_octets)
{
	if (s->observer)
		show(s, false, bytes_of_string("+"), hidden_octets);
}
