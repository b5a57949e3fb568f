/* SPDX-License-Identifier: ISC */
/* Who takes mail: LMTP's recipients. */
#include "server/auth_state.h"

#include <stdio.h>

/*
 * An account of the whole address, else one of its local part: an account
 * without a domain takes mail at every domain that the MTA hands in.
 */
static enum outcome
find_address(struct bytes address, struct account *out)
{
	struct bytes rest = address;
	enum outcome outcome = auth_account_find(address, out);

	if (outcome != ERR_DENIED || !bytes_has(address, '@'))
		return outcome;
	return auth_account_find(bytes_cut(&rest, '@'), out);
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

/* An account that has the delimiter in its own name goes first. */
static enum outcome
find_recipient(struct bytes address, struct account *out)
{
	char plain[ACCOUNT_NAME_SIZE];
	enum outcome outcome = find_address(address, out);

	if (outcome != ERR_DENIED || !cut_detail(address, plain))
		return outcome;
	return find_address(bytes_of_string(plain), out);
}

static enum outcome
grant_append(struct auth_client *client, uint64_t connection, uint32_t number,
	const char *mailbox)
{
	struct message message;
	enum outcome outcome = ERR_TRY_LATER;

	message_init(&message, MESSAGE_GRANT_APPEND, connection);
	message_put_u64(&message, client->instance);
	message_put_u32(&message, number);
	message_put_string(&message, mailbox);
	if (auth.store && channel_send(auth.store, &message) == OK)
		outcome = OK;
	message_release(&message);
	return outcome;
}

bool
auth_on_resolve(struct auth_client *client, struct message *message)
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
