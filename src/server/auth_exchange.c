/* SPDX-License-Identifier: ISC */
/* The exchanges that sessions forward, from AUTH_BEGIN to the check. */
#include "sasl/server.h"
#include "server/auth_role.h"
#include "server/auth_state.h"

#include <stdlib.h>
#include <string.h>

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
	free(x);
}

static void
send_outcome(
	struct auth_client *client, uint64_t connection, enum outcome outcome)
{
	struct message message;

	message_init(&message, MESSAGE_AUTH_REFUSED, connection);
	message_put_u8(&message, (uint8_t)outcome);
	if (client->channel)
		channel_send(client->channel, &message);
	message_release(&message);
}

void
auth_refuse(struct auth_exchange *x, enum outcome outcome)
{
	if (!x->is_cancelled)
		send_outcome(x->client, x->connection, outcome);
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

static void
send_challenge(struct auth_exchange *x, struct bytes challenge)
{
	struct message message;

	message_init(&message, MESSAGE_AUTH_CHALLENGE, x->connection);
	message_put_bytes(&message, challenge);
	channel_send(x->client->channel, &message);
	message_release(&message);
}

static void
step(struct auth_exchange *x, bool has_response, struct bytes response)
{
	struct buffer challenge;

	buffer_init(&challenge, PIECE_OCTETS);
	switch (sasl_server_step(x->sasl, has_response, response, &challenge)) {
	case SASL_CHALLENGE:
		send_challenge(x, buffer_bytes(&challenge));
		break;
	case SASL_CHECK:
		if (may_act_as(x->sasl))
			auth_check(x, sasl_server_authcid(x->sasl),
				sasl_server_password(x->sasl));
		else
			auth_refuse(x, ERR_DENIED);
		break;
	case SASL_KEYS:
	case SASL_PROOF:
	case SASL_PROVEN:
	case SASL_EXTERNAL:
	case SASL_TOKEN:
	case SASL_FAILED:
	default:
		auth_refuse(x, ERR_PEER);
		break;
	}
	buffer_wipe(&challenge);
}

/* ---- messages of sessions ---- */

/* The response with the pieces that came before it. */
static struct bytes
whole(struct auth_exchange *x, struct bytes response)
{
	if (x->front.octets == 0)
		return response;
	buffer_append_bytes(&x->front, response);
	return buffer_bytes(&x->front);
}

bool
auth_on_begin(struct auth_client *client, struct message *message)
{
	struct auth_exchange *x = find_exchange(client, message->subject);
	const struct sasl_server_setup setup = {
		.nonce = bytes_of_string("none")};
	struct message_reader reader;
	struct bytes mechanism, user, response;
	bool has_response;

	if (x && (x->stage != AUTH_TALKING || x->sasl))
		return false;
	if (!x && !(x = make_exchange(client, message->subject))) {
		send_outcome(client, message->subject, ERR_TRY_LATER);
		return true;
	}
	message_reader_init(&reader, message);
	mechanism = message_get_bytes(&reader);
	user = message_get_bytes(&reader);
	has_response = message_get_u8(&reader) != 0;
	response = message_get_bytes(&reader);
	message_get_u8(&reader);
	message_get_string(&reader, x->address, sizeof(x->address));
	if (!message_reader_finish(&reader))
		return false;
	response = whole(x, response);
	if (bytes_equal(mechanism, bytes_of_string("USER")))
		auth_check(x, user, response);
	else if ((x->sasl = sasl_server_new(mechanism, &setup)))
		step(x, has_response, response);
	else
		auth_refuse(x, ERR_PEER);
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
	return x && buffer_append_bytes(&x->front, piece);
}

bool
auth_on_cancel(struct auth_client *client, struct message *message)
{
	struct auth_exchange *x = find_exchange(client, message->subject);

	if (x && x->stage != AUTH_TALKING)
		x->is_cancelled = true;
	else if (x)
		auth_exchange_free(x);
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
