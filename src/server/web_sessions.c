/* SPDX-License-Identifier: ISC */
/* What restantectl who shows. */
#include "accounts/accounts.h"
#include "net/address.h"
#include "server/web_state.h"

json_t *
web_session_json(struct message_reader *reader)
{
	char id[64], user[ACCOUNT_NAME_SIZE], device[ACCOUNT_DEVICE_SIZE];
	char address[ADDRESS_TEXT_SIZE], tls[WHO_TLS_SIZE];
	uint64_t since_seconds, octets;
	uint32_t messages;

	message_get_string(reader, id, sizeof(id));
	message_get_string(reader, user, sizeof(user));
	message_get_string(reader, device, sizeof(device));
	message_get_string(reader, address, sizeof(address));
	message_get_string(reader, tls, sizeof(tls));
	since_seconds = message_get_u64(reader);
	messages = message_get_u32(reader);
	octets = message_get_u64(reader);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "session",
		id, "user", user, "device", device, "address", address, "tls",
		tls, "since_seconds", (json_int_t)since_seconds, "messages",
		(json_int_t)messages, "octets", (json_int_t)octets);
}
