/* SPDX-License-Identifier: ISC */
#include "pop3/client/session.h"
#include "pop3/client/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pop3_client *
pop3_client_new(void)
{
	struct pop3_client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	line_reader_init(&c->lines, POP3_CLIENT_LINE_MAXIMUM_OCTETS);
	buffer_init(&c->output, POP3_CLIENT_OUTPUT_MAXIMUM_OCTETS);
	buffer_init(&c->decoded, POP3_CLIENT_LINE_MAXIMUM_OCTETS);
	c->expire_days = POP3_CLIENT_EXPIRE_NEVER;
	c->receive = pop3_client_receive_status;
	pop3_client_expect(c, POP3_REQUEST_GREETING, 0);
	return c;
}

void
pop3_client_free(struct pop3_client **client)
{
	struct pop3_client *c = *client;

	if (!c)
		return;
	line_reader_release(&c->lines);
	buffer_wipe(&c->output);
	buffer_wipe(&c->decoded);
	secret_release(&c->password);
	secret_release(&c->initial);
	free(c->pending);
	free(c->mechanisms);
	free(c);
	*client = NULL;
}

struct buffer *
pop3_client_output(struct pop3_client *c)
{
	return &c->output;
}

size_t
pop3_client_pending(const struct pop3_client *c)
{
	return c->pending_count;
}

bool
pop3_client_is_owed(const struct pop3_client *c)
{
	return c->pending_count > 0 || c->receive == pop3_client_receive_capa ||
	       c->receive == pop3_client_receive_list ||
	       c->receive == pop3_client_receive_body;
}

/* ---- the queue of requests whose reply is awaited ---- */

static bool
grow_pending(struct pop3_client *c)
{
	size_t room = c->pending_room ? c->pending_room * 2 : 16;
	struct pop3_pending *grown = calloc(room, sizeof(*grown));

	if (!grown)
		return false;
	for (size_t i = 0; i < c->pending_count; i++)
		grown[i] = c->pending[(c->pending_first + i) % c->pending_room];
	free(c->pending);
	c->pending = grown;
	c->pending_first = 0;
	c->pending_room = room;
	return true;
}

bool
pop3_client_expect(
	struct pop3_client *c, enum pop3_client_request request, uint32_t msgno)
{
	if (c->pending_count >= POP3_CLIENT_PENDING_MAXIMUM ||
		(c->pending_count == c->pending_room && !grow_pending(c)))
		return false;
	c->pending[(c->pending_first + c->pending_count++) % c->pending_room] =
		(struct pop3_pending){request, msgno};
	return true;
}

void
pop3_client_unexpect(struct pop3_client *c)
{
	c->pending_count--;
}

void
pop3_client_answered(struct pop3_client *c)
{
	c->current = c->pending[c->pending_first];
	c->pending_first = (c->pending_first + 1) % c->pending_room;
	c->pending_count--;
	c->answers++;
}

enum pop3_client_event
pop3_client_break(struct pop3_client *c, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(c->error, sizeof(c->error), format, arguments);
	va_end(arguments);
	c->receive = pop3_client_receive_nothing;
	return POP3_CLIENT_BROKEN;
}

/* ---- what arrives ---- */

enum pop3_client_event
pop3_client_take(struct pop3_client *c, struct bytes *in)
{
	enum pop3_client_event event = POP3_CLIENT_NOTHING;

	while (event == POP3_CLIENT_NOTHING) {
		size_t before = in->octets;
		pop3_client_state *state = c->receive;

		/* Some states have an event without more input. */
		event = state(c, in);
		if (event == POP3_CLIENT_NOTHING && in->octets == before &&
			c->receive == state)
			break;
	}
	return event;
}

/* ---- of the last event ---- */

enum pop3_client_request
pop3_client_request_of(const struct pop3_client *c)
{
	return c->current.request;
}

uint32_t
pop3_client_msgno(const struct pop3_client *c)
{
	return c->msgno;
}

uint32_t
pop3_client_count(const struct pop3_client *c)
{
	return c->count;
}

uint64_t
pop3_client_octets(const struct pop3_client *c)
{
	return c->octets;
}

struct bytes
pop3_client_data(const struct pop3_client *c)
{
	return c->data;
}

enum pop3_code
pop3_client_code(const struct pop3_client *c)
{
	return c->code;
}

const char *
pop3_client_error(const struct pop3_client *c)
{
	return c->error;
}

uint64_t
pop3_client_answers(const struct pop3_client *c)
{
	return c->answers;
}

uint32_t
pop3_client_capabilities(const struct pop3_client *c)
{
	return c->capabilities;
}

const char *
pop3_client_mechanisms(const struct pop3_client *c)
{
	return c->mechanisms ? c->mechanisms : "";
}

uint32_t
pop3_client_login_delay_seconds(const struct pop3_client *c)
{
	return c->login_delay_seconds;
}

uint32_t
pop3_client_expire_days(const struct pop3_client *c)
{
	return c->expire_days;
}

bool
pop3_client_assume(
	struct pop3_client *c, uint32_t capabilities, const char *mechanisms)
{
	char *copy = strdup(mechanisms);

	if (!copy)
		return false;
	pop3_client_forget_capabilities(c);
	c->capabilities = capabilities;
	c->mechanisms = copy;
	return true;
}

bool
pop3_client_has_mechanism(const struct pop3_client *c, const char *mechanism)
{
	struct bytes rest = bytes_of_string(c->mechanisms ? c->mechanisms : "");

	while (rest.octets > 0)
		if (bytes_equal_ignoring_case(
			    bytes_cut(&rest, ' '), bytes_of_string(mechanism)))
			return true;
	return false;
}

void
pop3_client_tls_started(struct pop3_client *c)
{
	pop3_client_forget_capabilities(c);
	c->receive = pop3_client_receive_status;
}

/* ---- what is forgotten ---- */

void
pop3_client_forget_capabilities(struct pop3_client *c)
{
	c->capabilities = 0;
	c->login_delay_seconds = 0;
	c->expire_days = POP3_CLIENT_EXPIRE_NEVER;
	free(c->mechanisms);
	c->mechanisms = NULL;
}

void
pop3_client_forget_initial(struct pop3_client *c)
{
	secret_release(&c->initial);
	c->has_initial = false;
}
