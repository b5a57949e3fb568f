/* SPDX-License-Identifier: ISC */
/* restantectl trace: asked of auth, whose last answer status shows. */
#include "accounts/accounts.h"
#include "base/clock.h"
#include "server/web_state.h"

#include <string.h>

static struct {
	struct {
		char user[ACCOUNT_NAME_SIZE];
		uint64_t until_ms;
	} users[TRACES_MAXIMUM];
	size_t count;
} traces;

json_t *
web_traces_json(void)
{
	uint64_t now_ms = clock_monotonic_ms();
	json_t *list = json_array();

	for (size_t i = 0; i < traces.count; i++)
		if (traces.users[i].until_ms > now_ms)
			json_array_append_new(list,
				json_pack("{s:s, s:I}", "user",
					traces.users[i].user, "seconds_left",
					(json_int_t)(traces.users[i].until_ms -
						     now_ms + 999) /
						1000));
	return list;
}

/* "600 alice"; "" and "alice" for the others. */
void
web_ask_to_trace(
	struct web_control *control, enum trace_how how, struct bytes line)
{
	struct message message;
	uint64_t seconds = 0;

	if (how == TRACE_ON && (!bytes_to_number(bytes_cut(&line, ' '),
					TRACE_SECONDS_MAXIMUM, &seconds) ||
				       seconds == 0)) {
		web_answer_error(control, "not a time");
		return;
	}
	message_init(&message, MESSAGE_TRACE_WHOM, 0);
	message_put_u8(&message, (uint8_t)how);
	if (line.octets < ACCOUNT_NAME_SIZE &&
		bytes_to_string(line, control->name, sizeof(control->name)))
		message_put_string(&message, control->name);
	else
		message.is_bad = true;
	message_put_u32(&message, (uint32_t)seconds);
	if (!web_ask(control, ROLE_AUTH, &message))
		web_answer_error(control, "auth is not there, try again");
	message_release(&message);
}

static bool
take(struct message_reader *reader)
{
	uint64_t now_ms = clock_monotonic_ms();
	uint32_t count = message_get_u32(reader);

	if (count > TRACES_MAXIMUM)
		return false;
	traces.count = 0;
	for (uint32_t i = 0; i < count; i++) {
		message_get_string(
			reader, traces.users[i].user, ACCOUNT_NAME_SIZE);
		traces.users[i].until_ms =
			now_ms + message_get_u32(reader) * 1000ull;
	}
	if (!message_reader_finish(reader))
		return false;
	traces.count = count;
	return true;
}

bool
web_on_traces_told(struct message *message, struct message_reader *reader)
{
	struct web_control *control;
	char error[128];

	message_get_string(reader, error, sizeof(error));
	if (!take(reader))
		return false;
	control = web_take_waiting(message);
	if (!control)
		return true;
	if (error[0])
		web_answer_error(control, error);
	else
		web_answer(control,
			json_pack("{s:o}", "traces", web_traces_json()));
	web_go_on(control);
	return true;
}
