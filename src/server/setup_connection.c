/* SPDX-License-Identifier: ISC */
/*
 * A connection to the set-up page: one request, one answer, over TLS. It knows
 * no user and asks no other role for anything.
 */
#include "server/connection.h"
#include "base/log.h"
#include "setup/answer.h"

#include <string.h>

/* Of a path, in the log. */
#define SETUP_PATH_LOGGED 80

struct setup_connection {
	struct connection base;
	struct buffer request;
	unsigned status; /* of the answer; 0: none yet */
	bool was_told_to_go_on, is_expired;
	char path[SETUP_PATH_LOGGED];
};

static struct setup_connection *
setup_of(struct connection *c)
{
	return (struct setup_connection *)c;
}

static bool
setup_start(struct connection *c, bool is_tls)
{
	buffer_init(&setup_of(c)->request, HTTP_MAXIMUM_OCTETS);
	return true;
}

/* The query is not logged: it has the address of who asks. */
static void
setup_end(struct connection *c)
{
	struct setup_connection *s = setup_of(c);
	char quoted[LOG_QUOTED_OCTETS];

	buffer_release(&s->request);
	if (!c->id[0])
		return;
	log_event(s->status ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "setup-request",
		"id=%s addr=%s status=%u path=%s end=%s", c->id, c->peer,
		s->status, log_quote(quoted, bytes_of_string(s->path)),
		s->status ? "answered" : connection_ending(c));
}

static void
answer(struct setup_connection *s, const struct http_request *request)
{
	struct bytes path = request->path;

	if (path.octets >= sizeof(s->path))
		path.octets = sizeof(s->path) - 1;
	bytes_to_string(path, s->path, sizeof(s->path));
	s->status =
		setup_answer(&s->base.settings->setup, request, &s->base.out);
}

/* What came goes to the request; more than one may have is one too large. */
static bool
take_input(struct setup_connection *s)
{
	struct bytes in = buffer_bytes(&s->base.in);
	bool fits = buffer_append_bytes(&s->request, in);

	buffer_consume(&s->base.in, in.octets);
	return fits;
}

static enum advance
setup_advance(struct connection *c)
{
	struct setup_connection *s = setup_of(c);
	struct http_request request;
	unsigned status;

	if (s->status || s->is_expired)
		return ADVANCE_CLOSE;
	status = take_input(s) ? http_request_read(
					 buffer_bytes(&s->request), &request)
			       : 413;
	if (status == 200) {
		answer(s, &request);
		return ADVANCE_CLOSE;
	}
	if (status == 100 && !s->was_told_to_go_on) {
		s->was_told_to_go_on = buffer_append_string(
			&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
		return ADVANCE_WRITE;
	}
	if (status == 0 || status == 100)
		return ADVANCE_READ;
	s->status = setup_refuse(status, &c->out);
	return ADVANCE_CLOSE;
}

static void
setup_tls_started(struct connection *c)
{
}

static bool
setup_is_answered(struct connection *c, struct message *message)
{
	return false;
}

static void
setup_lost(struct connection *c, enum role role)
{
}

static void
setup_expire(struct connection *c, const char *why)
{
	setup_of(c)->is_expired = true;
}

static void
setup_file_failed(struct connection *c)
{
}

const struct protocol protocol_setup = {
	.name = "setup",
	.has_login = true, /* it never has, and so goes first */
	.is_brief = true,
	.is_web = true,
	.octets = sizeof(struct setup_connection),
	.input_octets = CONNECTION_LINES_OCTETS,
	.start = setup_start,
	.advance = setup_advance,
	.tls_started = setup_tls_started,
	.answer = setup_is_answered,
	.lost = setup_lost,
	.expire = setup_expire,
	.file_failed = setup_file_failed,
	.end = setup_end,
};
