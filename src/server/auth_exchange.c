/* SPDX-License-Identifier: ISC */
/* The exchanges that sessions forward, from AUTH_BEGIN to the check. */
#include "base/base64.h"
#include "base/log.h"
#include "sasl/server.h"
#include "server/auth_logins.h"
#include "server/auth_role.h"
#include "server/auth_state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- exchanges ---- */

static struct auth_exchange *
find_exchange(struct auth_client *client, uint64_t connection)
{
	struct table_entry *entry = table_find(&client->exchanges, connection);

	return entry ? table_object(entry, struct auth_exchange, entry) : NULL;
}

static struct auth_exchange *
make_exchange(struct auth_client *client, uint64_t connection)
{
	struct auth_exchange *x;

	if (client->exchanges.count >= AUTH_EXCHANGES_MAXIMUM)
		return NULL;
	x = calloc(1, sizeof(*x));
	if (!x || !table_add(&client->exchanges, &x->entry, connection)) {
		free(x);
		return NULL;
	}
	x->client = client;
	x->connection = connection;
	buffer_init(&x->front, SECRET_MAXIMUM_OCTETS);
	return x;
}

void
auth_exchange_free(struct auth_exchange *x)
{
	auth_guard_forget(x);
	auth_pool_forget(x);
	auth_system_release(&x->system);
	auth_lookup_forget(&x->lookup);
	table_remove(&x->client->exchanges, &x->entry);
	sasl_server_free(&x->sasl);
	buffer_wipe(&x->front);
	secret_release(&x->password);
	account_release(&x->account);
	auth_upgrade_free(x);
	free(x->certificate);
	free(x);
}

static void
send_outcome(struct auth_client *client, uint64_t connection,
	enum outcome outcome, const char *tried)
{
	struct message message;

	message_init(&message, MESSAGE_AUTH_REFUSED, connection);
	message_put_u8(&message, (uint8_t)outcome);
	message_put_string(&message, tried);
	if (client->channel)
		channel_send(client->channel, &message);
	message_release(&message);
}

void
auth_refuse(struct auth_exchange *x, enum outcome outcome)
{
	if (!x->is_cancelled)
		send_outcome(x->client, x->connection, outcome, x->tried);
	auth_exchange_free(x);
}

/* ---- SASL ---- */

static bool
may_act_as(const struct sasl_server *sasl)
{
	struct bytes authzid = sasl_server_authzid(sasl);

	return authzid.octets == 0 ||
	       bytes_equal(authzid, sasl_server_authcid(sasl));
}

void
auth_challenge(struct auth_exchange *x, struct bytes challenge)
{
	struct message message;

	message_init(&message, MESSAGE_AUTH_CHALLENGE, x->connection);
	message_put_bytes(&message, challenge);
	channel_send(x->client->channel, &message);
	message_release(&message);
}

const char *
auth_session_id(const struct auth_exchange *x, char out[SESSION_ID_SIZE])
{
	return session_id_text(x->client->instance, x->connection, out);
}

void
auth_tell_fault(const struct auth_exchange *x)
{
	char id[SESSION_ID_SIZE];
	bool is_attacked = sasl_server_is_attacked(x->sasl);

	log_event(is_attacked ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
		is_attacked ? "auth-attacked" : "auth-malformed",
		"id=%s addr=%s why=\"%s\"", auth_session_id(x, id), x->address,
		sasl_server_fault(x->sasl));
}

static void
step(struct auth_exchange *x, bool has_response, struct bytes response)
{
	struct buffer challenge;

	buffer_init(&challenge, PIECE_OCTETS);
	switch (sasl_server_step(x->sasl, has_response, response, &challenge)) {
	case SASL_CHALLENGE:
		auth_challenge(x, buffer_bytes(&challenge));
		break;
	case SASL_CHECK:
		if (may_act_as(x->sasl))
			auth_check(x, sasl_server_authcid(x->sasl),
				sasl_server_password(x->sasl));
		else
			auth_refuse(x, ERR_DENIED);
		break;
	case SASL_KEYS:
		if (may_act_as(x->sasl))
			auth_scram_begin(x);
		else
			auth_refuse(x, ERR_DENIED);
		break;
	case SASL_PROOF:
		auth_scram_prove(x);
		break;
	case SASL_PROVEN:
		auth_scram_end(x);
		break;
	case SASL_EXTERNAL:
		auth_external_check(x);
		break;
	case SASL_TOKEN:
		auth_token_begin(x);
		break;
	case SASL_FAILED:
	default:
		if (!x->is_token_refused)
			auth_tell_fault(x);
		auth_refuse(x, x->is_token_refused ? ERR_DENIED : ERR_PEER);
		break;
	}
	buffer_wipe(&challenge);
}

/* ---- messages of sessions ---- */

/* The pieces of one response are not those of the next. */
static struct buffer *
front_of(struct auth_exchange *x)
{
	if (x->is_front_used)
		buffer_wipe(&x->front);
	x->is_front_used = false;
	return &x->front;
}

/* The response with the pieces that came before it. */
static struct bytes
whole(struct auth_exchange *x, struct bytes response)
{
	if (front_of(x)->octets == 0)
		return response;
	x->is_front_used = true;
	buffer_append_bytes(&x->front, response);
	return buffer_bytes(&x->front);
}

/* What AUTH_BEGIN says. */
struct beginning {
	struct bytes mechanism, user, response;
	struct bytes tls_exporter, tls_unique;
	bool has_response;
};

static bool
read_beginning(
	struct auth_exchange *x, struct message *message, struct beginning *out)
{
	struct message_reader reader;

	message_reader_init(&reader, message);
	out->mechanism = message_get_bytes(&reader);
	out->user = message_get_bytes(&reader);
	out->has_response = message_get_u8(&reader) != 0;
	out->response = message_get_bytes(&reader);
	x->is_tls = message_get_u8(&reader) != 0;
	message_get_string(&reader, x->address, sizeof(x->address));
	out->tls_exporter = message_get_bytes(&reader);
	out->tls_unique = message_get_bytes(&reader);
	return auth_external_take(x, &reader) && message_reader_finish(&reader);
}

/* 18 random octets, as text that SCRAM can use. */
static bool
make_nonce(struct buffer *out)
{
	unsigned char random[18];

	return getrandom(random, sizeof(random), 0) ==
		       (ssize_t)sizeof(random) &&
	       base64_encode(bytes_of(random, sizeof(random)), out);
}

static unsigned
what_it_has(const struct auth_exchange *x, const struct beginning *beginning)
{
	unsigned has = 0;

	if (beginning->tls_exporter.octets > 0 ||
		beginning->tls_unique.octets > 0)
		has |= SASL_NEEDS_BINDING;
	if (x->certificate)
		has |= SASL_NEEDS_CERTIFICATE;
	return has;
}

static void
begin_sasl(struct auth_exchange *x, const struct beginning *beginning)
{
	struct sasl_server_setup setup = {
		.tls_exporter = beginning->tls_exporter,
		.tls_unique = beginning->tls_unique,
		.offers_binding = server_settings_offers_binding(
			&auth.boot->settings, what_it_has(x, beginning)),
	};
	struct buffer nonce;

	buffer_init(&nonce, SASL_NONCE_MAXIMUM_OCTETS);
	if (make_nonce(&nonce)) {
		setup.nonce = buffer_bytes(&nonce);
		x->sasl = sasl_server_new(beginning->mechanism, &setup);
	}
	buffer_release(&nonce);
	if (x->sasl)
		step(x, beginning->has_response, beginning->response);
	else
		auth_refuse(x, ERR_PEER);
}

bool
auth_on_begin(struct auth_client *client, struct message *message)
{
	struct auth_exchange *x = find_exchange(client, message->subject);
	struct beginning beginning;

	if (x && (x->stage != AUTH_TALKING || x->sasl))
		return false;
	if (!x && !(x = make_exchange(client, message->subject))) {
		send_outcome(client, message->subject, ERR_TRY_LATER, "");
		return true;
	}
	if (!read_beginning(x, message, &beginning))
		return false;
	beginning.response = whole(x, beginning.response);
	if (bytes_equal(beginning.mechanism, bytes_of_string("USER")))
		auth_check(x, beginning.user, beginning.response);
	else
		begin_sasl(x, &beginning);
	return true;
}

bool
auth_on_respond(struct auth_client *client, struct message *message)
{
	struct auth_exchange *x = find_exchange(client, message->subject);
	struct message_reader reader;
	struct bytes response;

	message_reader_init(&reader, message);
	response = message_get_bytes(&reader);
	if (!message_reader_finish(&reader) || !x || x->stage != AUTH_TALKING ||
		!x->sasl)
		return false;
	step(x, true, whole(x, response));
	return true;
}

bool
auth_on_piece(struct auth_client *client, struct message *message)
{
	struct auth_exchange *x = find_exchange(client, message->subject);
	struct message_reader reader;
	struct bytes piece;

	message_reader_init(&reader, message);
	piece = message_get_bytes(&reader);
	if (!message_reader_finish(&reader) || (x && x->stage != AUTH_TALKING))
		return false;
	if (!x)
		x = make_exchange(client, message->subject);
	return x && buffer_append_bytes(front_of(x), piece);
}

bool
auth_on_cancel(struct auth_client *client, struct message *message)
{
	struct auth_exchange *x = find_exchange(client, message->subject);

	if (x && x->stage != AUTH_TALKING)
		x->is_cancelled = true;
	else if (x)
		auth_exchange_free(x);
	auth_logins_remove(client, message->subject);
	return true;
}

/* ---- the end ---- */

void
auth_forget_exchanges(struct auth_client *client)
{
	struct table kept = {0};
	struct table_entry *entry;

	while ((entry = table_any(&client->exchanges))) {
		struct auth_exchange *x =
			table_object(entry, struct auth_exchange, entry);

		if (x->stage != AUTH_HASHING && x->stage != AUTH_ASKING) {
			auth_exchange_free(x);
			continue;
		}
		table_remove(&client->exchanges, entry);
		table_add(&kept, entry, entry->id);
	}
	table_release(&client->exchanges);
	client->exchanges = kept;
}
