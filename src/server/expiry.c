/* SPDX-License-Identifier: ISC */
#include "server/expiry.h"
#include "base/log.h"
#include "server/store_role.h"

#include <stdlib.h>

void
expiry_run(struct store_expire_call *call)
{
	struct policy policy = store_role_policy(call->mailbox);

	call->kept_seconds = policy.retention_seconds;
	call->is_from_retrieval =
		policy.retention_from == RETENTION_FROM_RETRIEVAL;
	call->removed = 0;
	if (policy.retention_seconds > 0) {
		store_role_store->ops->expire(store_role_store, call);
		return;
	}
	call->call.outcome = OK;
	call->call.done(&call->call);
}

struct sweeping {
	struct store_expire_call call; /* first */
	char mailbox[STORE_MAILBOX_MAXIMUM_OCTETS];
};

static void
swept(struct store_call *call)
{
	struct sweeping *s = (struct sweeping *)call;

	expiry_log(&s->call);
	free(s);
}

bool
expiry_on_sweep(struct message *message)
{
	struct sweeping *s = calloc(1, sizeof(*s));
	struct message_reader reader;

	if (!s)
		return true; /* in an hour again */
	message_reader_init(&reader, message);
	message_get_string(&reader, s->mailbox, sizeof(s->mailbox));
	if (!message_reader_finish(&reader)) {
		free(s);
		return false;
	}
	s->call.mailbox = s->mailbox;
	s->call.call.done = swept;
	expiry_run(&s->call);
	return true;
}

void
expiry_log(const struct store_expire_call *call)
{
	enum outcome outcome = call->call.outcome;
	char quoted[LOG_QUOTED_OCTETS];

	log_quote(quoted, bytes_of_string(call->mailbox));
	if (outcome == OK && call->removed > 0)
		log_event(LOG_LEVEL_INFO, "expired", "user=%s messages=%u",
			quoted, call->removed);
	/* A session has it, or it was never used: another time. */
	if (outcome != OK && outcome != ERR_BUSY && outcome != ERR_DENIED)
		log_event(LOG_LEVEL_WARNING, "expiry-failed", "user=%s why=%s",
			quoted, outcome_name(outcome));
}
