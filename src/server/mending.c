/* SPDX-License-Identifier: ISC */
#include "server/mending.h"
#include "base/log.h"
#include "server/protocol.h"
#include "server/store_role.h"

#include <stdatomic.h>
#include <stdlib.h>

#define TELL_MS 200

struct mending {
	struct store_mend_call call; /* first */
	uv_timer_t timer;
	uint64_t web_instance, subject;
	char mailbox[STORE_MAILBOX_MAXIMUM_OCTETS];
};

static unsigned under_way;

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void
answer(struct mending *m, struct message *message)
{
	store_role_tell_web(m->web_instance, message);
	message_release(message);
}

static void
tell(uv_timer_t *timer)
{
	struct mending *m = timer->data;
	struct message message;

	message_init(&message, MESSAGE_MENDING, m->subject);
	message_put_u32(&message, atomic_load(&m->call.done_messages));
	message_put_u32(&message, atomic_load(&m->call.total_messages));
	answer(m, &message);
}

static void
put_result(struct message *message, const struct store_mend_call *call)
{
	message_put_u8(message, (uint8_t)call->call.outcome);
	message_put_u32(message, call->count);
	message_put_u64(message, call->octets);
	message_put_u8(message, call->was_damaged);
	message_put_u8(message, call->was_missing);
	message_put_u8(message, call->was_made_anew);
	message_put_u32(message, call->wrong);
	message_put_u32(message, call->new_found);
	message_put_u32(message, call->removed);
	message_put_u32(message, call->leftovers);
	message_put_u32(message, call->uidls_restored);
	message_put_u64(message, call->uidls_set_aside_octets);
}

static void
log_result(const struct store_mend_call *call)
{
	char quoted[LOG_QUOTED_OCTETS];

	log_event(LOG_LEVEL_INFO, "mended",
		"mailbox=%s what=%s outcome=%s messages=%u damaged=%s "
		"made-anew=%s wrong=%u",
		log_quote(quoted, bytes_of_string(call->mailbox)),
		call->is_repair ? "repair" : "rebuild",
		outcome_name(call->call.outcome), call->count,
		call->was_damaged ? "yes" : "no",
		call->was_made_anew ? "yes" : "no", call->wrong);
}

static void
mend_done(struct store_call *call)
{
	struct mending *m = (struct mending *)call;
	struct message message;

	under_way--;
	log_result(&m->call);
	message_init(&message, MESSAGE_MENDED, m->subject);
	put_result(&message, &m->call);
	answer(m, &message);
	uv_close((uv_handle_t *)&m->timer, on_closed);
}

static void
start(struct mending *m)
{
	under_way++;
	if (under_way > MENDINGS_MAXIMUM)
		m->call.call.outcome = ERR_TRY_LATER;
	else if (!store_role_store->ops->mend)
		m->call.call.outcome = ERR_PEER;
	else {
		store_role_store->ops->mend(store_role_store, &m->call);
		return;
	}
	mend_done(&m->call.call);
}

bool
mending_on_mend(uv_loop_t *loop, uint64_t web_instance, struct message *message)
{
	struct mending *m = calloc(1, sizeof(*m));
	struct message_reader reader;

	if (!m)
		return false;
	message_reader_init(&reader, message);
	m->call.is_repair = message_get_u8(&reader) != 0;
	message_get_string(&reader, m->mailbox, sizeof(m->mailbox));
	if (!message_reader_finish(&reader)) {
		free(m);
		return false;
	}
	m->subject = message->subject;
	m->web_instance = web_instance;
	m->call.mailbox = m->mailbox;
	m->call.call.done = mend_done;
	uv_timer_init(loop, &m->timer);
	m->timer.data = m;
	uv_timer_start(&m->timer, tell, TELL_MS, TELL_MS);
	start(m);
	return true;
}
