/* SPDX-License-Identifier: ISC */
#include "server/opened.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/audit.h"
#include "server/expiry.h"
#include "server/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening a maildrop ---- */

struct opening {
	struct store_open_call call; /* first */
	struct store_expire_call expire;
	struct store_holder *holder;
	char mailbox[STORE_MAILBOX_MAXIMUM_OCTETS];
	uint64_t began_us;
	bool is_second_try;
};

static void
tell_opened(struct opening *o)
{
	struct message message;
	enum outcome outcome = o->call.call.outcome;

	message_init(&message, MESSAGE_OPENED, o->holder->entry.id);
	message_put_u8(&message, (uint8_t)outcome);
	if (outcome == OK) {
		message_put_string(&message, o->mailbox);
		message_put_u8(&message, o->holder->is_read_only);
		message_put_u64(&message, o->call.snapshot.trailer_offset);
		message_put_u32(&message, o->call.snapshot.count);
		message_put_u64(&message, o->call.snapshot.octets);
		message_put_descriptor(&message, &o->call.snapshot.descriptor);
	}
	store_client_send(o->holder->client, &message);
	message_release(&message);
}

static void
opened(struct store_call *call)
{
	struct opening *o = (struct opening *)call;
	struct store_holder *holder = o->holder;

	if (call->outcome == ERR_BUSY && !o->is_second_try) {
		o->is_second_try = true;
		if (store_role_settle_releases()) {
			store_role_store->ops->open(store_role_store, &o->call);
			return;
		}
	}
	holder->is_opening = false;
	stats_count_time(store_role_stats, STATS_MAILDROP_OPEN,
		clock_monotonic_us() - o->began_us);
	if (call->outcome == OK) {
		holder->session = o->call.session;
		holder->count = o->call.snapshot.count;
		if (store_role_is_audited())
			holder->audit =
				audit_new(&o->call.snapshot, o->mailbox);
		lease_begin(holder, o->call.lease_ms);
	}
	tell_opened(o);
	free(o);
	/* A refused login may be tried again on the connection. */
	if (!holder->session)
		holder->is_released = true;
	store_holder_call_ended(holder);
}

/* What is over must not be listed any more; when it cannot be removed now, the
   owner still gets at the rest. */
static void
expired(struct store_call *call)
{
	struct store_expire_call *expire = (struct store_expire_call *)call;
	struct opening *o = table_object(expire, struct opening, expire);

	expiry_log(expire);
	store_role_store->ops->open(store_role_store, &o->call);
}

static void
tell_not_opened(struct store_client *client, uint64_t connection)
{
	struct message message;

	message_init(&message, MESSAGE_OPENED, connection);
	message_put_u8(&message, ERR_TRY_LATER);
	store_client_send(client, &message);
	message_release(&message);
}

/* One that does not fit is the session's doing, not auth's: the session gets
   an answer it does not wait for. */
void
opened_on_grant_open(struct store_client *client, uint64_t connection,
	const char *mailbox, bool is_read_only)
{
	struct store_holder *holder = store_client_holder(client, connection);
	struct opening *o = calloc(1, sizeof(*o));

	if (!holder || !o || holder->session || holder->is_opening) {
		free(o);
		tell_not_opened(client, connection);
		return;
	}
	holder->is_opening = true;
	holder->is_released = false;
	holder->is_read_only = is_read_only;
	holder->calls++;
	o->holder = holder;
	o->began_us = clock_monotonic_us();
	snprintf(o->mailbox, sizeof(o->mailbox), "%s", mailbox);
	o->call.mailbox = o->mailbox;
	o->call.call.done = opened;
	o->expire.mailbox = o->mailbox;
	o->expire.call.done = expired;
	expiry_run(&o->expire);
}

/* ---- message files ---- */

struct reading;

struct reading_one {
	struct store_read_call call; /* first */
	struct reading *reading;
};

struct reading {
	struct store_holder *holder;
	unsigned left; /* reads under way */
	uint32_t first, count;
	struct reading_one ones[READ_AHEAD];
};

static void
tell_files(struct reading *r)
{
	struct message message;

	message_init(&message, MESSAGE_FILES, r->holder->entry.id);
	message_put_u32(&message, r->first);
	message_put_u32(&message, r->count);
	for (uint32_t i = 0; i < r->count; i++) {
		struct store_read_call *call = &r->ones[i].call;

		message_put_u8(&message, (uint8_t)call->call.outcome);
		message_put_u64(&message, call->offset);
		message_put_u64(&message, call->octets);
		if (call->call.outcome != OK)
			continue;
		message_put_u8(&message, call->descriptor >= 0);
		if (call->descriptor >= 0)
			message_put_descriptor(&message, &call->descriptor);
	}
	store_client_send(r->holder->client, &message);
	message_release(&message);
}

static void
one_read(struct store_call *call)
{
	struct reading_one *one = (struct reading_one *)call;
	struct reading *r = one->reading;
	struct store_holder *holder = r->holder;

	if (--r->left > 0)
		return;
	tell_files(r);
	free(r);
	store_holder_call_ended(holder);
}

bool
opened_on_read(struct store_holder *holder, struct message *message)
{
	struct message_reader reader;
	struct reading *r;
	uint32_t first, count;

	message_reader_init(&reader, message);
	first = message_get_u32(&reader);
	count = message_get_u32(&reader);
	if (!message_reader_finish(&reader) || !holder->session || count == 0 ||
		count > READ_AHEAD || first >= holder->count ||
		count > holder->count - first)
		return false;
	r = calloc(1, sizeof(*r));
	if (!r)
		return false;
	r->holder = holder;
	r->first = first;
	r->left = r->count = count;
	holder->calls++;
	for (uint32_t i = 0; i < count; i++) {
		struct reading_one *one = &r->ones[i];

		one->reading = r;
		one->call = (struct store_read_call){.call = {.done = one_read},
			.session = holder->session,
			.index = first + i,
			.descriptor = -1};
		store_role_store->ops->read(store_role_store, &one->call);
	}
	return true;
}

/* ---- messages of stores without files ---- */

struct reading_piece {
	struct store_read_at_call call; /* first */
	struct store_holder *holder;
	unsigned char octets[];
};

static void
piece_read(struct store_call *call)
{
	struct reading_piece *piece = (struct reading_piece *)call;
	struct store_holder *holder = piece->holder;
	struct message message;

	message_init(&message, MESSAGE_PIECE, holder->entry.id);
	message_put_u32(&message, piece->call.index);
	message_put_u64(&message, piece->call.offset);
	message_put_u8(&message, (uint8_t)call->outcome);
	message_put_bytes(&message,
		bytes_of(piece->octets,
			call->outcome == OK ? piece->call.octets : 0));
	store_client_send(holder->client, &message);
	message_release(&message);
	free(piece);
	holder->pieces--;
	store_holder_call_ended(holder);
}

bool
opened_on_read_piece(struct store_holder *holder, struct message *message)
{
	struct message_reader reader;
	struct reading_piece *piece;
	uint32_t index, room;
	uint64_t offset;

	message_reader_init(&reader, message);
	index = message_get_u32(&reader);
	offset = message_get_u64(&reader);
	room = message_get_u32(&reader);
	if (!message_reader_finish(&reader) || !holder->session ||
		index >= holder->count || room == 0 || room > PIECE_OCTETS ||
		holder->pieces >= PIECE_CREDITS)
		return false;
	piece = malloc(sizeof(*piece) + room);
	if (!piece)
		return false;
	piece->holder = holder;
	piece->call = (struct store_read_at_call){
		.call = {.done = piece_read},
		.session = holder->session,
		.index = index,
		.offset = offset,
		.to = piece->octets,
		.room = room,
	};
	holder->pieces++;
	holder->calls++;
	store_role_store->ops->read_at(store_role_store, &piece->call);
	return true;
}

/* ---- deletions ---- */

/* Whatever the session says: who may only read takes nothing away, and does not
   make mail old that is kept from retrieval on. */

/* u32 n, then n indexes of the snapshot; false: malformed. */
static bool
take_indexes(const struct store_holder *holder, struct message *message,
	struct index_set *to)
{
	struct message_reader reader;
	uint32_t n;

	message_reader_init(&reader, message);
	n = message_get_u32(&reader);
	if (!holder->session || holder->is_committing || holder->is_read_only ||
		n > DELETE_BATCH)
		return false;
	for (uint32_t i = 0; i < n && !reader.is_malformed; i++) {
		uint32_t index = message_get_u32(&reader);

		/* The set's memory goes by its largest index. */
		if (index >= holder->count || !index_set_add(to, index))
			return false;
	}
	return message_reader_finish(&reader);
}

bool
opened_on_delete(struct store_holder *holder, struct message *message)
{
	return take_indexes(holder, message, &holder->deleted);
}

/* ---- what was retrieved ---- */

struct noting {
	struct store_note_call call; /* first */
	struct store_holder *holder;
	struct index_set retrieved;
};

static void
noted(struct store_call *call)
{
	struct noting *n = (struct noting *)call;
	struct store_holder *holder = n->holder;

	/* It is kept for longer then. */
	if (call->outcome != OK)
		log_event(LOG_LEVEL_WARNING, "retrieval-not-noted", "why=%s",
			outcome_name(call->outcome));
	index_set_release(&n->retrieved);
	free(n);
	store_holder_call_ended(holder);
}

bool
opened_on_retrieved(struct store_holder *holder, struct message *message)
{
	struct noting *n = calloc(1, sizeof(*n));

	if (!n || !take_indexes(holder, message, &n->retrieved)) {
		if (n)
			index_set_release(&n->retrieved);
		free(n);
		return false;
	}
	n->holder = holder;
	n->call = (struct store_note_call){.call = {.done = noted},
		.session = holder->session,
		.retrieved = &n->retrieved};
	holder->calls++;
	store_role_store->ops->note_retrieved(store_role_store, &n->call);
	return true;
}

/* ---- the end ---- */

static void
committed(struct store_call *call)
{
	struct store_commit_call *commit = (struct store_commit_call *)call;
	struct store_holder *holder =
		table_object(commit, struct store_holder, commit);
	char id[SESSION_ID_SIZE];
	struct message message;

	message_init(&message, MESSAGE_COMMITTED, holder->entry.id);
	/* GONE: the lock is lost, and nothing was deleted. */
	message_put_u8(
		&message, (uint8_t)(call->outcome == ERR_GONE ? ERR_TRY_LATER
							      : call->outcome));
	if (call->outcome == OK && holder->audit)
		audit_deleted(holder->audit,
			session_id_text(
				holder->client->instance, holder->entry.id, id),
			&holder->deleted);
	lease_end(holder);
	/* The maildrop is free before the client hears of it. */
	if (holder->calls == 1)
		store_role_store->ops->release(
			store_role_store, &holder->session);
	store_client_send(holder->client, &message);
	message_release(&message);
	store_holder_call_ended(holder);
}

bool
opened_on_commit(struct store_holder *holder, struct message *message)
{
	if (!holder->session || holder->is_committing || holder->is_read_only ||
		message->payload.octets)
		return false;
	holder->is_committing = true;
	holder->calls++;
	holder->commit = (struct store_commit_call){.call = {.done = committed},
		.session = holder->session,
		.deleted = &holder->deleted};
	if (holder->lease.is_lost) {
		holder->commit.call.outcome = ERR_GONE;
		committed(&holder->commit.call);
		return true;
	}
	store_role_store->ops->commit(store_role_store, &holder->commit);
	return true;
}
