/* SPDX-License-Identifier: ISC */
/* What auth is told of a POP3 connection that logs in, and what SASL offers it. */
#include "base/log.h"
#include "server/pop3_connection.h"
#include "tls/client_certificate.h"

/* ---- asking auth ---- */

/* A token may be longer than a message: its front goes ahead in pieces. */
static bool
send_front(struct connection *c, struct bytes *response)
{
	struct message message;
	bool is_sent = true;

	message_init(&message, MESSAGE_AUTH_PIECE, c->entry.id);
	while (is_sent && response->octets > PIECE_OCTETS / 2) {
		message_reset(&message, MESSAGE_AUTH_PIECE, c->entry.id);
		message_put_bytes(
			&message, bytes_of(response->at, PIECE_OCTETS / 2));
		is_sent = connection_send(c, ROLE_AUTH, &message);
		*response = bytes_after(*response, PIECE_OCTETS / 2);
	}
	message_release(&message);
	return is_sent;
}

/* What a login can be bound to. */
static void
put_bindings(struct tls *tls, struct message *message)
{
	unsigned char exporter[TLS_EXPORTER_OCTETS];
	unsigned char unique[TLS_UNIQUE_MAXIMUM_OCTETS];
	bool has_exporter = tls && tls_exporter(tls, exporter);
	size_t octets = tls ? tls_unique(tls, unique) : 0;

	message_put_bytes(message,
		bytes_of(exporter, has_exporter ? sizeof(exporter) : 0));
	message_put_bytes(message, bytes_of(unique, octets));
}

/* Who it is. */
static void
put_certificate(const struct tls *tls, struct message *message)
{
	struct client_certificate shown;
	bool is_shown = tls && tls_client_certificate(tls, &shown, NULL);

	message_put_u8(message, is_shown);
	if (!is_shown)
		return;
	message_put_bytes(message,
		bytes_of(shown.fingerprint, sizeof(shown.fingerprint)));
	message_put_string(message, shown.subject);
	message_put_string(message, shown.email);
	message_put_string(message, shown.common_name);
}

static bool
send_authentication(struct pop3_connection *p)
{
	const struct pop3_authentication *a =
		pop3_session_authentication(p->session);
	struct bytes response = a->response;
	struct connection *c = &p->base;
	/* USER and PASS need nothing of it, and are the most. */
	struct tls *tls = bytes_equal(a->mechanism, bytes_of_string("USER"))
				  ? NULL
				  : c->tls;
	struct message message;
	bool is_sent;

	if (!send_front(c, &response))
		return false;
	message_init(&message,
		a->is_cancelled ? MESSAGE_AUTH_CANCEL
		: a->is_first	? MESSAGE_AUTH_BEGIN
				: MESSAGE_AUTH_RESPOND,
		c->entry.id);
	if (a->is_first) {
		bytes_to_string(a->mechanism, p->method, sizeof(p->method));
		message_put_bytes(&message, a->mechanism);
		message_put_bytes(&message, a->user);
		message_put_u8(&message, a->has_response);
		message_put_bytes(&message, response);
		message_put_u8(&message, c->tls != NULL);
		message_put_string(&message, c->peer);
		put_bindings(tls, &message);
		put_certificate(tls, &message);
	} else if (!a->is_cancelled) {
		message_put_bytes(&message, response);
	}
	c->is_remembered = true;
	is_sent = connection_send(c, ROLE_AUTH, &message);
	message_release(&message);
	return is_sent;
}

enum advance
pop3_authentication_send(struct pop3_connection *p)
{
	const struct pop3_authentication *a =
		pop3_session_authentication(p->session);
	bool is_cancelled = a->is_cancelled;
	/* Auth may not know yet that store has gone, and tell it of the login:
	   nobody would answer. */
	bool is_away = a->is_first && !p->base.role->store;
	bool is_sent = !is_away && send_authentication(p);

	if (is_cancelled)
		return ADVANCE_WRITE;
	if (!is_sent) {
		pop3_session_refused(p->session, ERR_TRY_LATER);
		return ADVANCE_WRITE;
	}
	p->waiting = WAITING_AUTH;
	return ADVANCE_WAIT;
}

/* ---- what is offered ---- */

/* A client that was asked for one, and showed one that is of use. */
static bool
has_certificate(const struct connection *c)
{
	struct client_certificate shown;
	const char *why;

	if (tls_client_certificate(c->tls, &shown, &why))
		return true;
	if (why)
		log_event(LOG_LEVEL_INFO, "client-certificate",
			"id=%s addr=%s why=\"%s\"", c->id, c->peer, why);
	return false;
}

void
pop3_authentication_tls_started(struct connection *c)
{
	struct pop3_session *session = pop3_of(c)->session;
	unsigned has = 0;

	if (tls_can_bind(c->tls))
		has |= SASL_NEEDS_BINDING;
	if (has_certificate(c))
		has |= SASL_NEEDS_CERTIFICATE;
	if (server_settings_has_tokens(&c->settings->all))
		has |= SASL_NEEDS_TOKENS;
	/* With implicit TLS the session knows from its birth. */
	if (!c->listener->is_tls)
		pop3_session_tls_started(session);
	pop3_session_set_mechanisms(session, c->settings->mechanisms[has]);
}
