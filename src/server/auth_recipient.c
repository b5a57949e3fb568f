/* SPDX-License-Identifier: ISC */
/* Who takes mail: LMTP's recipients. */
#include "server/auth_role.h"
#include "server/auth_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct resolving {
	struct auth_system system;
	struct auth_client *client;
	uint64_t connection;
	uint32_t number;
	struct bytes address; /* behind it */
};

static size_t under_way;

/*
 * An account of the whole address, else one of its local part: an account
 * without a domain takes mail at every domain that the MTA hands in. There is
 * none when all names get a domain.
 */
static enum outcome
find_address(
	struct bytes address, struct auth_system *system, struct account *out)
{
	struct bytes rest = address;
	enum outcome outcome = auth_account_find(address, system, out);

	if (outcome != ERR_DENIED || !bytes_has(address, '@') ||
		auth.naming.default_domain[0])
		return outcome;
	return auth_account_find(bytes_cut(&rest, '@'), system, out);
}

/* "alice+lists@example.org" without its detail; false when there is none. */
static bool
cut_detail(struct bytes address, char out[ACCOUNT_NAME_SIZE])
{
	struct bytes delimiters =
		bytes_of_string(auth.boot->settings.recipient_delimiter);
	struct bytes rest = address, local = bytes_cut(&rest, '@');
	bool has_domain = local.octets < address.octets;
	size_t octets = 1;

	while (octets < local.octets &&
		!bytes_has(delimiters, local.at[octets]))
		octets++;
	if (octets >= local.octets ||
		address.octets - (local.octets - octets) >= ACCOUNT_NAME_SIZE)
		return false;
	snprintf(out, ACCOUNT_NAME_SIZE, "%.*s%s%.*s", (int)octets,
		(const char *)local.at, has_domain ? "@" : "", (int)rest.octets,
		(const char *)rest.at);
	return true;
}

/* An account that has the delimiter in its own name goes first, who takes all
   that is left goes last. */
static enum outcome
find_recipient(
	struct bytes address, struct auth_system *system, struct account *out)
{
	char plain[ACCOUNT_NAME_SIZE];
	enum outcome outcome = find_address(address, system, out);

	if (outcome == ERR_DENIED && cut_detail(address, plain))
		outcome = find_address(bytes_of_string(plain), system, out);
	if (outcome == ERR_DENIED)
		outcome = auth_account_find_catch_all(address, system, out);
	return outcome;
}

static enum outcome
grant_append(struct auth_client *client, uint64_t connection, uint32_t number,
	const struct account *account)
{
	struct message message;
	enum outcome outcome = ERR_TRY_LATER;

	message_init(&message, MESSAGE_GRANT_APPEND, connection);
	message_put_u64(&message, client->instance);
	message_put_u32(&message, number);
	message_put_string(&message, account->name);
	message_put_u64(&message, account->limits.quota_octets);
	message_put_u64(&message, account->limits.quota_messages);
	if (auth.store && channel_send(auth.store, &message) == OK)
		outcome = OK;
	message_release(&message);
	return outcome;
}

static void
answer(struct auth_client *client, uint64_t connection, uint32_t number,
	enum outcome outcome)
{
	struct message reply;

	message_init(&reply, MESSAGE_RESOLVED, connection);
	message_put_u32(&reply, number);
	message_put_u8(&reply, (uint8_t)outcome);
	channel_send(client->channel, &reply);
	message_release(&reply);
}

static void
end(struct resolving *r, const struct account *account, enum outcome outcome)
{
	struct auth_client *client = r->client;

	if (client->channel && outcome == OK)
		outcome =
			grant_append(client, r->connection, r->number, account);
	if (client->channel)
		answer(client, r->connection, r->number, outcome);
	client->checks--;
	under_way--;
	auth_client_free_when_unused(client);
	auth_system_release(&r->system);
	free(r);
}

static void
go_on(struct auth_system *system)
{
	struct resolving *r = table_object(system, struct resolving, system);
	enum outcome outcome;
	struct account account;

	outcome = find_recipient(r->address, system, &account);
	if (outcome != ERR_TRY_LATER || !auth_system_wait(system, go_on))
		end(r, &account, outcome);
}

static struct resolving *
new_resolving(struct bytes address)
{
	struct resolving *r;

	if (under_way >= AUTH_RESOLVING_MAXIMUM)
		return NULL;
	r = calloc(1, sizeof(*r) + address.octets);
	if (!r)
		return NULL;
	memcpy(r + 1, address.at, address.octets);
	r->address = bytes_of(r + 1, address.octets);
	return r;
}

bool
auth_on_resolve(struct auth_client *client, struct message *message)
{
	struct message_reader reader;
	struct bytes address;
	struct resolving *r;
	uint32_t number;

	message_reader_init(&reader, message);
	number = message_get_u32(&reader);
	address = message_get_bytes(&reader);
	if (!message_reader_finish(&reader))
		return false;
	r = new_resolving(address);
	if (!r) {
		answer(client, message->subject, number, ERR_TRY_LATER);
		return true;
	}
	r->client = client;
	r->connection = message->subject;
	r->number = number;
	client->checks++;
	under_way++;
	go_on(&r->system);
	return true;
}
