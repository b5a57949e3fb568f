/* SPDX-License-Identifier: ISC */
#include "store/memory/memory_state.h"

void
memory_note_retrieved(struct store *base, struct store_note_call *call)
{
	struct memory_store *store = (struct memory_store *)base;
	struct mailbox *mailbox = call->session->mailbox;
	uint64_t now = store->files->now_ns(store->files);

	if (mailbox->session != call->session) {
		memory_answer(&call->call, ERR_GONE);
		return;
	}
	for (uint32_t i = 0; i < call->session->count; i++)
		if (index_set_has(call->retrieved, i) &&
			mailbox->messages[i].retrieved_ns == 0)
			mailbox->messages[i].retrieved_ns = now;
	memory_answer(&call->call, OK);
}

static bool
is_due(const struct message *message, const struct store_expire_call *call,
	uint64_t now_ns)
{
	uint64_t since = call->is_from_retrieval ? message->retrieved_ns
						 : message->arrived_ns;

	return (!call->is_from_retrieval || since > 0) && since <= now_ns &&
	       (now_ns - since) / 1000000000u >= call->kept_seconds;
}

void
memory_expire(struct store *base, struct store_expire_call *call)
{
	struct memory_store *store = (struct memory_store *)base;
	struct mailbox *mailbox = memory_find(store, call->mailbox);
	uint64_t now = store->files->now_ns(store->files);
	uint32_t kept = 0;

	call->removed = 0;
	if (!mailbox || memory_is_held(store, mailbox)) {
		memory_answer(&call->call, mailbox ? ERR_BUSY : ERR_DENIED);
		return;
	}
	for (uint32_t i = 0; i < mailbox->count; i++) {
		if (is_due(&mailbox->messages[i], call, now))
			mailbox->octets -= mailbox->messages[i].index.octets;
		else
			mailbox->messages[kept++] = mailbox->messages[i];
	}
	call->removed = mailbox->count - kept;
	mailbox->count = kept;
	memory_answer(&call->call, OK);
}
