/* SPDX-License-Identifier: ISC */
#include "server/auth_role.h"
#include "accounts/accounts.h"
#include "accounts/password.h"
#include "base/log.h"
#include "base/secret.h"
#include "sasl/server.h"
#include "server/boot.h"
#include "server/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define ADDRESS_SIZE 128

/* A session process. */
struct client {
	struct client *next;
	struct channel *channel; /* NULL: gone, freed with its last check */
	struct table exchanges;
	uint64_t instance;
	unsigned checks;
};

/* One connection's attempt to log in. */
struct exchange {
	struct table_entry entry;
	struct client *client;
	struct sasl_server *sasl; /* NULL: USER and PASS */
	struct buffer front;	  /* of a response in pieces */
	uint64_t connection;
	char address[ADDRESS_SIZE];
	bool is_cancelled;
	/* the check, in a thread: */
	uv_work_t work;
	bool is_checking, is_known;
	struct account account;
	struct secret password;
	enum outcome outcome;
};

static struct {
	uv_loop_t loop;
	struct boot *boot;
	struct accounts *accounts;
	struct channel *store;
	struct client *clients;
	unsigned checks;
} role;

/* ---- exchanges ---- */

static struct exchange *
find_exchange(struct client *client, uint64_t connection)
{
	struct table_entry *entry = table_find(&client->exchanges, connection);

	return entry ? table_object(entry, struct exchange, entry) : NULL;
}

static struct exchange *
make_exchange(struct client *client, uint64_t connection)
{
	struct exchange *x;

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

static void
free_exchange(struct exchange *x)
{
	table_remove(&x->client->exchanges, &x->entry);
	sasl_server_free(&x->sasl);
	buffer_wipe(&x->front);
	secret_release(&x->password);
	explicit_bzero(x->account.hash, sizeof(x->account.hash));
	free(x);
}

static void
send_outcome(struct client *client, uint64_t connection, enum outcome outcome)
{
	struct message message;

	message_init(&message, MESSAGE_AUTH_REFUSED, connection);
	message_put_u8(&message, (uint8_t)outcome);
	if (client->channel)
		channel_send(client->channel, &message);
	message_release(&message);
}

static void
refuse(struct exchange *x, enum outcome outcome)
{
	if (!x->is_cancelled)
		send_outcome(x->client, x->connection, outcome);
	free_exchange(x);
}

/* ---- the check ---- */

/* Store opens the maildrop and tells the session itself. */
static void
grant(struct exchange *x)
{
	struct message message;
	bool is_sent;

	message_init(&message, MESSAGE_GRANT_OPEN, x->connection);
	message_put_u64(&message, x->client->instance);
	message_put_string(&message, x->account.name);
	is_sent = role.store && channel_send(role.store, &message) == OK;
	message_release(&message);
	if (is_sent)
		free_exchange(x);
	else
		refuse(x, ERR_TRY_LATER);
}

static void
check_in_thread(uv_work_t *work)
{
	struct exchange *x = work->data;

	x->outcome = password_check(secret_bytes(&x->password),
		x->is_known ? x->account.hash : NULL);
}

static void
free_client_when_unused(struct client *client)
{
	if (client->channel || client->checks > 0)
		return;
	table_release(&client->exchanges);
	free(client);
}

static void
after_check(uv_work_t *work, int status)
{
	struct exchange *x = work->data;
	struct client *client = x->client;
	bool is_gone = !client->channel || x->is_cancelled;
	char quoted[LOG_QUOTED_OCTETS];

	role.checks--;
	client->checks--;
	x->is_checking = false;
	if (x->outcome == OK && x->account.is_disabled)
		x->outcome = ERR_DENIED;
	if (x->outcome != OK)
		log_event(LOG_LEVEL_WARNING, "auth-failed", "addr=%s user=%s",
			x->address,
			log_quote(quoted, bytes_of_string(x->account.name)));
	if (is_gone)
		free_exchange(x);
	else if (x->outcome == OK)
		grant(x);
	else
		refuse(x, x->outcome);
	free_client_when_unused(client);
}

static void
start_check(struct exchange *x, struct bytes user, struct bytes password)
{
	char name[ACCOUNT_NAME_SIZE];
	enum outcome outcome = ERR_DENIED;

	/* The name that was tried, for the log, whatever it is. */
	if (!bytes_to_string(user, x->account.name, ACCOUNT_NAME_SIZE))
		snprintf(x->account.name, ACCOUNT_NAME_SIZE, "?");
	if (accounts_canonical_name(user, name))
		outcome = role.accounts->ops->find(
			role.accounts, name, &x->account);
	if (outcome != OK && outcome != ERR_DENIED) {
		log_event(LOG_LEVEL_ERROR, "accounts", "why=%s",
			outcome_name(outcome));
		refuse(x, ERR_TRY_LATER);
		return;
	}
	x->is_known = outcome == OK;
	x->work.data = x;
	if (role.checks >= AUTH_CHECKS_MAXIMUM ||
		!secret_set(&x->password, password) ||
		uv_queue_work(&role.loop, &x->work, check_in_thread,
			after_check) != 0) {
		refuse(x, ERR_TRY_LATER);
		return;
	}
	x->is_checking = true;
	role.checks++;
	x->client->checks++;
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
send_challenge(struct exchange *x, struct bytes challenge)
{
	struct message message;

	message_init(&message, MESSAGE_AUTH_CHALLENGE, x->connection);
	message_put_bytes(&message, challenge);
	channel_send(x->client->channel, &message);
	message_release(&message);
}

static void
step(struct exchange *x, bool has_response, struct bytes response)
{
	struct buffer challenge;

	buffer_init(&challenge, PIECE_OCTETS);
	switch (sasl_server_step(x->sasl, has_response, response, &challenge)) {
	case SASL_CHALLENGE:
		send_challenge(x, buffer_bytes(&challenge));
		break;
	case SASL_CHECK:
		if (may_act_as(x->sasl))
			start_check(x, sasl_server_authcid(x->sasl),
				sasl_server_password(x->sasl));
		else
			refuse(x, ERR_DENIED);
		break;
	case SASL_FAILED:
	default:
		refuse(x, ERR_PEER);
		break;
	}
	buffer_wipe(&challenge);
}

/* ---- messages of sessions ---- */

/* The response with the pieces that came before it. */
static struct bytes
whole(struct exchange *x, struct bytes response)
{
	if (x->front.octets == 0)
		return response;
	buffer_append_bytes(&x->front, response);
	return buffer_bytes(&x->front);
}

static bool
on_begin(struct client *client, struct message *message)
{
	struct exchange *x = find_exchange(client, message->subject);
	struct message_reader reader;
	struct bytes mechanism, user, response;
	bool has_response;

	if (x && (x->is_checking || x->sasl))
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
		start_check(x, user, response);
	else if ((x->sasl = sasl_server_new(mechanism)))
		step(x, has_response, response);
	else
		refuse(x, ERR_PEER);
	return true;
}

static bool
on_respond(struct client *client, struct message *message)
{
	struct exchange *x = find_exchange(client, message->subject);
	struct message_reader reader;
	struct bytes response;

	message_reader_init(&reader, message);
	response = message_get_bytes(&reader);
	if (!message_reader_finish(&reader) || !x || x->is_checking || !x->sasl)
		return false;
	step(x, true, whole(x, response));
	return true;
}

static bool
on_piece(struct client *client, struct message *message)
{
	struct exchange *x = find_exchange(client, message->subject);
	struct message_reader reader;
	struct bytes piece;

	message_reader_init(&reader, message);
	piece = message_get_bytes(&reader);
	if (!message_reader_finish(&reader) || (x && x->is_checking))
		return false;
	if (!x)
		x = make_exchange(client, message->subject);
	return x && buffer_append_bytes(&x->front, piece);
}

static bool
on_cancel(struct client *client, struct message *message)
{
	struct exchange *x = find_exchange(client, message->subject);

	if (x && x->is_checking)
		x->is_cancelled = true;
	else if (x)
		free_exchange(x);
	return true;
}

/* ---- recipients ---- */

/*
 * An account of the whole address, else one of its local part: an account
 * without a domain takes mail at every domain that the MTA hands in.
 */
static enum outcome
find_recipient(struct bytes address, struct account *out)
{
	struct accounts *accounts = role.accounts;
	char name[ACCOUNT_NAME_SIZE];
	struct bytes rest = address;
	enum outcome outcome = ERR_DENIED;

	if (accounts_canonical_name(address, name))
		outcome = accounts->ops->find(accounts, name, out);
	if (outcome != ERR_DENIED || !bytes_has(address, '@'))
		return outcome;
	if (!accounts_canonical_name(bytes_cut(&rest, '@'), name))
		return ERR_DENIED;
	return accounts->ops->find(accounts, name, out);
}

static enum outcome
grant_append(struct client *client, uint64_t connection, uint32_t number,
	const char *mailbox)
{
	struct message message;
	enum outcome outcome = ERR_TRY_LATER;

	message_init(&message, MESSAGE_GRANT_APPEND, connection);
	message_put_u64(&message, client->instance);
	message_put_u32(&message, number);
	message_put_string(&message, mailbox);
	if (role.store && channel_send(role.store, &message) == OK)
		outcome = OK;
	message_release(&message);
	return outcome;
}

static bool
on_resolve(struct client *client, struct message *message)
{
	uint64_t connection = message->subject;
	struct message_reader reader;
	struct account account;
	struct message reply;
	struct bytes address;
	enum outcome outcome;
	uint32_t number;

	message_reader_init(&reader, message);
	number = message_get_u32(&reader);
	address = message_get_bytes(&reader);
	if (!message_reader_finish(&reader))
		return false;
	outcome = find_recipient(address, &account);
	if (outcome == OK)
		outcome =
			grant_append(client, connection, number, account.name);
	message_init(&reply, MESSAGE_RESOLVED, connection);
	message_put_u32(&reply, number);
	message_put_u8(&reply, (uint8_t)outcome);
	channel_send(client->channel, &reply);
	message_release(&reply);
	return true;
}

/* ---- channels ---- */

static bool
on_client_message(struct channel *channel, struct message *message)
{
	struct client *client = channel->context;

	switch (message->type) {
	case MESSAGE_AUTH_BEGIN:
		return on_begin(client, message);
	case MESSAGE_AUTH_PIECE:
		return on_piece(client, message);
	case MESSAGE_AUTH_RESPOND:
		return on_respond(client, message);
	case MESSAGE_AUTH_CANCEL:
		return on_cancel(client, message);
	case MESSAGE_RESOLVE:
		return on_resolve(client, message);
	default:
		return false;
	}
}

/* Exchanges that are being checked end with their check. */
static void
forget_exchanges(struct client *client)
{
	struct table kept = {0};
	struct table_entry *entry;

	while ((entry = table_any(&client->exchanges))) {
		struct exchange *x =
			table_object(entry, struct exchange, entry);

		if (!x->is_checking) {
			free_exchange(x);
			continue;
		}
		table_remove(&client->exchanges, entry);
		table_add(&kept, entry, entry->id);
	}
	table_release(&client->exchanges);
	client->exchanges = kept;
}

static void
on_client_closed(struct channel *channel, enum outcome why)
{
	struct client *client = channel->context;
	struct client **link = &role.clients;

	log_event(LOG_LEVEL_WARNING, "role-lost", "role=session why=%s",
		outcome_name(why));
	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	channel_free(&client->channel);
	forget_exchanges(client);
	free_client_when_unused(client);
}

/* Store has nothing to ask of us. */
static bool
on_store_message(struct channel *channel, struct message *message)
{
	return false;
}

static void
on_store_closed(struct channel *channel, enum outcome why)
{
	log_event(LOG_LEVEL_WARNING, "role-lost", "role=store why=%s",
		outcome_name(why));
	channel_free(&role.store);
}

static bool
add_client(uint64_t instance, int *fd)
{
	static const struct channel_handler handler = {
		.on_message = on_client_message, .on_closed = on_client_closed};
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return false;
	client->instance = instance;
	client->channel = channel_new(&role.loop, fd, &handler, client);
	client->next = role.clients;
	role.clients = client;
	return client->channel != NULL;
}

static bool
on_peer(enum role peer, uint64_t instance, int *fd)
{
	static const struct channel_handler handler = {
		.on_message = on_store_message, .on_closed = on_store_closed};

	if (peer == ROLE_SESSION)
		return add_client(instance, fd);
	if (peer != ROLE_STORE)
		return false;
	channel_free(&role.store);
	role.store = channel_new(&role.loop, fd, &handler, NULL);
	return role.store != NULL;
}

/* ---- the role ---- */

/*
 * As root the accounts' directory becomes the root of this process, so the path
 * works wherever the directory lies.
 */
static void
open_accounts(void)
{
	struct server_settings *settings = &role.boot->settings;
	int root_fd = boot_state_directory(role.boot, "accounts");
	bool is_root = geteuid() == 0;
	enum outcome outcome;

	if (!is_root && fchdir(root_fd) < 0)
		exit(EX_OSFILE);
	boot_drop_privileges(settings->auth_user, &root_fd);
	outcome = accounts_open(
		settings->backends, "accounts.db", true, &role.accounts);
	if (outcome == OK)
		return;
	log_event(LOG_LEVEL_ERROR, "accounts",
		"file=%s/accounts/accounts.db why=%s", settings->state,
		outcome_name(outcome));
	exit(EX_OSFILE);
}

void
auth_role_run(void)
{
	static const struct boot_handler handler = {
		.on_peer = on_peer, .on_stop = boot_leave};

	setenv("UV_THREADPOOL_SIZE", AUTH_THREADS, 1);
	role.boot = boot_receive();
	boot_log_open(role.boot, "auth");
	open_accounts();
	uv_loop_init(&role.loop);
	boot_finish(role.boot, &role.loop, &handler);
	uv_run(&role.loop, UV_RUN_DEFAULT);
	exit(EX_SOFTWARE);
}
