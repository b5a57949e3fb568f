/* SPDX-License-Identifier: ISC */
#include "server/asking.h"
#include "server/store_role.h"

#include <stdlib.h>

struct asking {
	struct store_stat_call call; /* first */
	uint64_t subject, web_instance;
	char mailbox[STORE_MAILBOX_MAXIMUM_OCTETS];
};

static void
stat_done(struct store_call *call)
{
	struct asking *asking = (struct asking *)call;
	struct message message;

	message_init(&message, MESSAGE_STAT_DONE, asking->subject);
	message_put_u8(&message, (uint8_t)call->outcome);
	message_put_u32(&message, asking->call.count);
	message_put_u64(&message, asking->call.octets);
	message_put_u8(&message, asking->call.is_open);
	store_role_tell_web(asking->web_instance, &message);
	message_release(&message);
	free(asking);
}

bool
asking_on_stat(uint64_t web_instance, struct message *message)
{
	struct asking *asking = calloc(1, sizeof(*asking));
	struct message_reader reader;

	if (!asking)
		return false;
	message_reader_init(&reader, message);
	message_get_string(&reader, asking->mailbox, sizeof(asking->mailbox));
	if (!message_reader_finish(&reader)) {
		free(asking);
		return false;
	}
	asking->subject = message->subject;
	asking->web_instance = web_instance;
	asking->call.mailbox = asking->mailbox;
	asking->call.call.done = stat_done;
	store_role_store->ops->stat(store_role_store, &asking->call);
	return true;
}
