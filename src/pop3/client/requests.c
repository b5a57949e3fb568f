/* SPDX-License-Identifier: ISC */
/* Requests become commands. */
#include "base/base64.h"
#include "pop3/client/state.h"

#include <stdio.h>
#include <string.h>

/* RFC 2449 section 4: a command line, with CRLF. */
#define COMMAND_MAXIMUM_OCTETS 255

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
pop3_client_user_pass(struct pop3_client *c, struct bytes user,
	struct bytes password, bool pipelines)
{
	enum outcome outcome = ERR_PEER;

	if (user.octets > 0 && password.octets > 0 && is_clean(password) &&
		user.octets + 7 <= COMMAND_MAXIMUM_OCTETS)
		outcome = ask(c, POP3_REQUEST_USER, 0, "USER", user);
	if (outcome != OK)
		return outcome;
	if (pipelines)
		return ask(c, POP3_REQUEST_PASS, 0, "PASS", password);
	return secret_set(&c->password, password) ? OK : ERR_TRY_LATER;
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

enum outcome
pop3_client_auth(struct pop3_client *c, const char *mechanism, bool has_initial,
	struct bytes initial)
{
	size_t octets = strlen(mechanism) + (initial.octets + 2) / 3 * 4 + 8;
	char verb[32];

	if (snprintf(verb, sizeof(verb), "AUTH %s", mechanism) >=
		(int)sizeof(verb))
		return ERR_PEER;
	if (!has_initial || octets > COMMAND_MAXIMUM_OCTETS) {
		/* In two lines: the server's "+" asks for it. */
		if (has_initial && !secret_set(&c->initial, initial))
			return ERR_TRY_LATER;
		c->has_initial = has_initial;
		return ask(c, POP3_REQUEST_AUTH, 0, verb, BYTES_NONE);
	}
	if (!pop3_client_expect(c, POP3_REQUEST_AUTH, 0))
		return ERR_TRY_LATER;
	if (initial.octets == 0)
		return put_line(c, verb, bytes_of_string("=")) ? OK
							       : ERR_TRY_LATER;
	return put_base64(c, verb, initial);
}

enum outcome
pop3_client_respond(struct pop3_client *c, struct bytes response)
{
	struct buffer text;
	bool is_good;

	buffer_init(&text, 2 * SECRET_MAXIMUM_OCTETS);
	is_good = base64_encode(response, &text) &&
		  buffer_append_string(&text, "\r\n") &&
		  buffer_append_bytes(&c->output, buffer_bytes(&text));
	buffer_wipe(&text);
	return is_good ? OK : ERR_TRY_LATER;
}

enum outcome
pop3_client_cancel(struct pop3_client *c)
{
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
