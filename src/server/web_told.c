/* SPDX-License-Identifier: ISC */
#include "server/web_told.h"

bool
web_told_take_penalties(struct web_told *told, struct message_reader *reader)
{
	struct web_penalties taken = {.all = message_get_u32(reader),
		.count = message_get_u32(reader)};

	if (taken.count > PENALTIES_TOLD_MAXIMUM)
		return false;
	for (unsigned i = 0; i < taken.count; i++) {
		struct web_penalty *row = &taken.rows[i];

		message_get_string(reader, row->network, sizeof(row->network));
		message_get_string(reader, row->account, sizeof(row->account));
		row->failures = message_get_u32(reader);
		row->wait_seconds =
			(uint32_t)(((uint64_t)message_get_u32(reader) + 999) /
				   1000);
	}
	if (!message_reader_finish(reader))
		return false;
	told->penalties = taken;
	return true;
}

static bool
take_list(struct survey_list *list, struct message_reader *reader)
{
	list->count = message_get_u32(reader);
	if (list->count > SURVEY_ROWS)
		return false;
	for (unsigned i = 0; i < list->count; i++) {
		struct survey_row *row = &list->rows[i];

		message_get_string(reader, row->mailbox, sizeof(row->mailbox));
		row->messages = message_get_u32(reader);
		row->octets = message_get_u64(reader);
		row->changed_seconds = message_get_u64(reader);
	}
	return true;
}

bool
web_told_take_survey(struct web_told *told, struct message_reader *reader)
{
	struct survey taken = {.mailboxes = message_get_u32(reader),
		.messages = message_get_u64(reader),
		.octets = message_get_u64(reader)};

	if (!take_list(&taken.largest, reader) ||
		!take_list(&taken.stillest, reader) ||
		!message_reader_finish(reader))
		return false;
	told->survey = taken;
	return true;
}
