/* SPDX-License-Identifier: ISC */
/* What the operator asks of auth, through the web role. */
#include "base/clock.h"
#include "base/log.h"
#include "server/auth_logins.h"
#include "server/auth_state.h"

struct telling {
	uint32_t all, told;
	struct message rows;
};

static bool
take_row(const struct penalty_report *report, void *context)
{
	struct telling *telling = context;

	telling->all++;
	if (telling->told == PENALTIES_TOLD_MAXIMUM)
		return true;
	telling->told++;
	message_put_string(&telling->rows, report->network);
	message_put_string(&telling->rows, report->account);
	message_put_u32(&telling->rows, (uint32_t)report->failures);
	message_put_u32(&telling->rows, (uint32_t)report->wait_ms);
	return true;
}

static void
tell_penalties(uint64_t request)
{
	struct telling telling = {0};
	struct message message;

	message_init(&telling.rows, 0, 0);
	penalties_each(
		auth.penalties, clock_monotonic_ms(), take_row, &telling);
	message_init(&message, MESSAGE_PENALTIES_TOLD, request);
	message_put_u32(&message, telling.all);
	message_put_u32(&message, telling.told);
	if (!buffer_append_bytes(
		    &message.payload, buffer_bytes(&telling.rows.payload)))
		message.is_bad = true;
	channel_send(auth.web, &message);
	message_release(&message);
	message_release(&telling.rows);
}

static void
forgive(uint64_t request, const char *name)
{
	char network[ADDRESS_TEXT_SIZE], quoted[LOG_QUOTED_OCTETS];
	bool is_network =
		address_host_to_network(bytes_of_string(name), network);
	unsigned count =
		penalties_forgive(auth.penalties, is_network ? network : name);
	struct message message;

	log_event(LOG_LEVEL_INFO, "forgiven", "what=%s count=%u",
		log_quote(quoted, bytes_of_string(name)), count);
	message_init(&message, MESSAGE_FORGIVEN, request);
	message_put_u32(&message, count);
	channel_send(auth.web, &message);
	message_release(&message);
}

static void
tell_who(uint64_t request, uint64_t after)
{
	struct message message;

	message_init(&message, MESSAGE_WHO_TOLD, request);
	auth_logins_put(&message, after);
	channel_send(auth.web, &message);
	message_release(&message);
}

static void
tell_kicked(uint64_t request, unsigned count)
{
	struct message message;

	message_init(&message, MESSAGE_KICKED, request);
	message_put_u32(&message, count);
	channel_send(auth.web, &message);
	message_release(&message);
}

bool
auth_on_web_message(struct channel *channel, struct message *message)
{
	bool has_name = message->type == MESSAGE_FORGIVE ||
			message->type == MESSAGE_KICK_WHOM;
	char name[ACCOUNT_NAME_SIZE + ACCOUNT_DEVICE_SIZE];
	struct message_reader reader;
	uint64_t after = 0;

	if (message->type == MESSAGE_TRACE_WHOM)
		return auth_trace_on_web(message);
	message_reader_init(&reader, message);
	if (has_name)
		message_get_string(&reader, name, sizeof(name));
	else if (message->type == MESSAGE_WHO)
		after = message_get_u64(&reader);
	if (!message_reader_finish(&reader))
		return false;
	switch (message->type) {
	case MESSAGE_PENALTIES:
		tell_penalties(message->subject);
		return true;
	case MESSAGE_FORGIVE:
		forgive(message->subject, name);
		return true;
	case MESSAGE_WHO:
		tell_who(message->subject, after);
		return true;
	case MESSAGE_KICK_WHOM:
		tell_kicked(message->subject, auth_logins_kick(name));
		return true;
	default:
		return false;
	}
}
