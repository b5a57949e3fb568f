/* SPDX-License-Identifier: ISC */
#include "server/surveying.h"
#include "base/clock.h"
#include "server/store_role.h"
#include "store/survey.h"

#include <fcntl.h>

#define REST_SHARE    100
#define REST_LEAST_US 1000000

static struct {
	uv_work_t work;
	uv_loop_t *loop;
	struct survey survey;
	uint64_t web_instance, subject;
	uint64_t took_us, ended_us;
	int state_root;
	bool is_under_way, was_taken;
} surveying;

void
surveying_init(uv_loop_t *loop, int state_root)
{
	surveying.loop = loop;
	surveying.state_root = fcntl(state_root, F_DUPFD_CLOEXEC, 3);
}

static void
put_list(struct message *message, const struct survey_list *list)
{
	message_put_u32(message, list->count);
	for (unsigned i = 0; i < list->count; i++) {
		const struct survey_row *row = &list->rows[i];

		message_put_string(message, row->mailbox);
		message_put_u32(message, row->messages);
		message_put_u64(message, row->octets);
		message_put_u64(message, row->changed_seconds);
	}
}

static void
tell(void)
{
	struct message message;

	message_init(&message, MESSAGE_SURVEYED, surveying.subject);
	message_put_u32(&message, surveying.survey.mailboxes);
	message_put_u64(&message, surveying.survey.messages);
	message_put_u64(&message, surveying.survey.octets);
	put_list(&message, &surveying.survey.largest);
	put_list(&message, &surveying.survey.stillest);
	store_role_tell_web(surveying.web_instance, &message);
	message_release(&message);
}

static void
work(uv_work_t *work)
{
	uint64_t began_us = clock_monotonic_us();

	survey_take(&files_posix, surveying.state_root, &surveying.survey);
	surveying.took_us = clock_monotonic_us() - began_us;
}

static void
after(uv_work_t *work, int status)
{
	surveying.is_under_way = false;
	surveying.was_taken = true;
	surveying.ended_us = clock_monotonic_us();
	tell();
}

static bool
is_due(void)
{
	uint64_t rest_us = surveying.took_us * REST_SHARE;

	if (rest_us < REST_LEAST_US)
		rest_us = REST_LEAST_US;
	return !surveying.was_taken ||
	       clock_monotonic_us() - surveying.ended_us > rest_us;
}

bool
surveying_on_survey(uint64_t web_instance, struct message *message)
{
	struct message_reader reader;

	message_reader_init(&reader, message);
	if (!message_reader_finish(&reader))
		return false;
	if (surveying.is_under_way)
		return true;
	surveying.web_instance = web_instance;
	surveying.subject = message->subject;
	if (is_due() && uv_queue_work(surveying.loop, &surveying.work, work,
				after) == 0)
		surveying.is_under_way = true;
	else
		tell();
	return true;
}
