/* SPDX-License-Identifier: ISC */
/* Requests become commands. */
#include "base/base64.h"
#include "pop3/client/state.h"

#include <stdio.h>
#include <string.h>

/* RFC 2449 section 4: a command line, with CRLF. */
#define COMMAND_MAXIMUM_OCTETS	 255
#define MECHANISM_MAXIMUM_OCTETS 20

/* What would end or change the line must never reach the wire. */
static bool
is_clean(struct bytes argument)
{
	for (size_t i = 0; i < argument.octets; i++)
		if (argument.at[i] == '\r' || argument.at[i] == '\n' ||
			argument.at[i] == 0)
			return false;
	return true;
}

static bool
put_line(struct pop3_client *c, const char *verb, struct bytes argument)
{
	size_t before = c->output.octets;

	if (buffer_append_string(&c->output, verb) &&
		(argument.octets == 0 ||
			(buffer_append_string(&c->output, " ") &&
				buffer_append_bytes(&c->output, argument))) &&
		buffer_append_string(&c->output, "\r\n"))
		return true;
	c->output.octets = before;
	return false;
}

static enum outcome
ask(struct pop3_client *c, enum pop3_client_request request, uint32_t msgno,
	const char *verb, struct bytes argument)
{
	size_t before = c->output.octets;

	if (!is_clean(argument))
		return ERR_PEER;
	if (!put_line(c, verb, argument))
		return ERR_TRY_LATER;
	if (pop3_client_expect(c, request, msgno))
		return OK;
	c->output.octets = before;
	return ERR_TRY_LATER;
}

static enum outcome
ask_about(struct pop3_client *c, enum pop3_client_request request,
	const char *verb, uint32_t msgno)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%u", msgno);
	return ask(c, request, msgno, verb, bytes_of_string(digits));
}

enum outcome
pop3_client_capa(struct pop3_client *c)
{
	return ask(c, POP3_REQUEST_CAPA, 0, "CAPA", BYTES_NONE);
}

enum outcome
pop3_client_stls(struct pop3_client *c)
{
	return ask(c, POP3_REQUEST_STLS, 0, "STLS", BYTES_NONE);
}

enum outcome
pop3_client_utf8(struct pop3_client *c)
{
	return ask(c, POP3_REQUEST_UTF8, 0, "UTF8", BYTES_NONE);
}

static bool
is_argument(struct bytes argument, size_t maximum_octets)
{
	return argument.octets > 0 && argument.octets <= maximum_octets &&
	       is_clean(argument);
}

enum outcome
pop3_client_user_pass(struct pop3_client *c, struct bytes user,
	struct bytes password, bool pipelines)
{
	size_t before = c->output.octets;
	enum outcome outcome;

	/* Some passwords are tokens, longer than RFC 2449's line. */
	if (!is_argument(user, COMMAND_MAXIMUM_OCTETS - strlen("USER \r\n")) ||
		!is_argument(password, SECRET_MAXIMUM_OCTETS))
		return ERR_PEER;
	outcome = ask(c, POP3_REQUEST_USER, 0, "USER", user);
	if (outcome != OK)
		return outcome;
	if (pipelines ? ask(c, POP3_REQUEST_PASS, 0, "PASS", password) == OK
		      : secret_set(&c->password, password))
		return OK;
	/* Both or none: the server would wait for the other. */
	pop3_client_unexpect(c);
	c->output.octets = before;
	return ERR_TRY_LATER;
}

enum outcome
pop3_client_apop(struct pop3_client *c, struct bytes user, struct bytes digest)
{
	char argument[COMMAND_MAXIMUM_OCTETS];
	size_t octets = user.octets + 1 + digest.octets;

	/* A blank in the name would begin the digest. */
	if (octets > COMMAND_MAXIMUM_OCTETS - strlen("APOP \r\n") ||
		user.octets == 0 || bytes_has(user, ' '))
		return ERR_PEER;
	memcpy(argument, user.at, user.octets);
	argument[user.octets] = ' ';
	memcpy(argument + user.octets + 1, digest.at, digest.octets);
	return ask(c, POP3_REQUEST_APOP, 0, "APOP", bytes_of(argument, octets));
}

/* ---- SASL ---- */

static enum outcome
put_base64(struct pop3_client *c, const char *verb, struct bytes octets)
{
	struct buffer text;
	bool is_good;

	buffer_init(&text, 2 * SECRET_MAXIMUM_OCTETS);
	is_good = base64_encode(octets, &text) &&
		  put_line(c, verb, buffer_bytes(&text));
	buffer_wipe(&text);
	return is_good ? OK : ERR_TRY_LATER;
}

/* RFC 4422 section 3.1 */
static bool
is_mechanism(const char *name)
{
	size_t octets = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	return octets > 0 && octets <= MECHANISM_MAXIMUM_OCTETS &&
	       !name[octets];
}

/* In two lines: the server's "+" asks for the initial response. */
static enum outcome
auth_in_two_lines(struct pop3_client *c, const char *verb, bool has_initial,
	struct bytes initial)
{
	if (has_initial && !secret_set(&c->initial, initial))
		return ERR_TRY_LATER;
	c->has_initial = has_initial;
	return ask(c, POP3_REQUEST_AUTH, 0, verb, BYTES_NONE);
}

void
pop3_client_use_two_lines(struct pop3_client *c)
{
	c->is_two_line = true;
}

enum outcome
pop3_client_auth(struct pop3_client *c, const char *mechanism, bool has_initial,
	struct bytes initial)
{
	size_t octets = strlen(mechanism) + (initial.octets + 2) / 3 * 4 + 8;
	char verb[sizeof("AUTH ") + MECHANISM_MAXIMUM_OCTETS];

	if (!is_mechanism(mechanism))
		return ERR_PEER;
	snprintf(verb, sizeof(verb), "AUTH %s", mechanism);
	pop3_client_forget_initial(c);
	c->is_cancelled = c->is_answered = false;
	if (c->is_two_line)
		return auth_in_two_lines(c, verb, has_initial, initial);
	if (!has_initial || octets > COMMAND_MAXIMUM_OCTETS)
		return auth_in_two_lines(c, verb, has_initial, initial);
	if (!pop3_client_expect(c, POP3_REQUEST_AUTH, 0))
		return ERR_TRY_LATER;
	if (initial.octets == 0 ? put_line(c, verb, bytes_of_string("="))
				: put_base64(c, verb, initial) == OK)
		return OK;
	pop3_client_unexpect(c);
	return ERR_TRY_LATER;
}

enum outcome
pop3_client_respond(struct pop3_client *c, struct bytes response)
{
	struct buffer text;
	bool is_good;

	c->owes_response = false;
	buffer_init(&text, 2 * SECRET_MAXIMUM_OCTETS);
	is_good = base64_encode(response, &text) &&
		  buffer_append_string(&text, "\r\n") &&
		  buffer_append_bytes(&c->output, buffer_bytes(&text));
	buffer_wipe(&text);
	return is_good ? OK : ERR_TRY_LATER;
}

enum outcome
pop3_client_respond_ahead(struct pop3_client *c)
{
	if (!buffer_append_string(&c->output, "\r\n"))
		return ERR_TRY_LATER;
	c->is_answered = true;
	return OK;
}

bool
pop3_client_is_cancelled(const struct pop3_client *c)
{
	return c->is_cancelled;
}

enum outcome
pop3_client_cancel(struct pop3_client *c)
{
	c->owes_response = false;
	c->is_cancelled = true;
	return buffer_append_string(&c->output, "*\r\n") ? OK : ERR_TRY_LATER;
}

/* ---- the maildrop ---- */

enum outcome
pop3_client_stat(struct pop3_client *c)
{
	return ask(c, POP3_REQUEST_STAT, 0, "STAT", BYTES_NONE);
}

enum outcome
pop3_client_list(struct pop3_client *c)
{
	return ask(c, POP3_REQUEST_LIST, 0, "LIST", BYTES_NONE);
}

enum outcome
pop3_client_uidl(struct pop3_client *c)
{
	return ask(c, POP3_REQUEST_UIDL, 0, "UIDL", BYTES_NONE);
}

enum outcome
pop3_client_uidl_one(struct pop3_client *c, uint32_t msgno)
{
	return ask_about(c, POP3_REQUEST_UIDL_ONE, "UIDL", msgno);
}

enum outcome
pop3_client_retr(struct pop3_client *c, uint32_t msgno)
{
	return ask_about(c, POP3_REQUEST_RETR, "RETR", msgno);
}

enum outcome
pop3_client_top(struct pop3_client *c, uint32_t msgno, uint32_t lines)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%u %u", msgno, lines);
	return ask(c, POP3_REQUEST_TOP, msgno, "TOP", bytes_of_string(digits));
}

enum outcome
pop3_client_dele(struct pop3_client *c, uint32_t msgno)
{
	return ask_about(c, POP3_REQUEST_DELE, "DELE", msgno);
}

enum outcome
pop3_client_noop(struct pop3_client *c)
{
	return ask(c, POP3_REQUEST_NOOP, 0, "NOOP", BYTES_NONE);
}

enum outcome
pop3_client_rset(struct pop3_client *c)
{
	return ask(c, POP3_REQUEST_RSET, 0, "RSET", BYTES_NONE);
}

enum outcome
pop3_client_quit(struct pop3_client *c)
{
	return ask(c, POP3_REQUEST_QUIT, 0, "QUIT", BYTES_NONE);
}
