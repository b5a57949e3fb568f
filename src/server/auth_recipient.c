/* SPDX-License-Identifier: ISC */
/* Who takes mail: LMTP's recipients. */
#include "server/auth_state.h"

/*
 * An account of the whole address, else one of its local part: an account
 * without a domain takes mail at every domain that the MTA hands in.
 */
static enum outcome
find_recipient(struct bytes address, struct account *out)
{
	struct accounts *accounts = auth.accounts;
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
