/* SPDX-License-Identifier: ISC */
#include "server/delivery.h"
#include "lmtp/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recipient {
	struct store_append_call call; /* first: begin, stamp, commit */
	struct delivery *delivery;
	uint32_t number;
	char mailbox[STORE_MAILBOX_MAXIMUM_OCTETS];
	struct store_append *append;
	struct buffer stamp;
	enum outcome outcome; /* the first thing that went wrong */
};

/* A piece of the body, written for every recipient. */
struct chunk {
	struct delivery *delivery;
	unsigned left; /* writes under way */
	size_t octets;
	struct chunk_write *writes;
	unsigned char *at;
};

struct chunk_write {
	struct store_append_call call; /* first */
	struct chunk *chunk;
	struct recipient *recipient;
};

struct delivery {
	struct store_holder *holder;
	/* Grants for the one after this: auth may be faster than the end of
	   this one. */
	struct delivery *next;
	struct recipient *recipients[LMTP_RECIPIENTS_MAXIMUM];
	unsigned count;
	unsigned chunks;    /* under way */
	unsigned beginning; /* begins and stamps under way */
	bool has_begun, wants_commit, is_aborted;
};

/* The one that has not begun yet. */
static struct delivery *
coming(struct store_holder *holder)
{
	struct delivery **place = &holder->delivery;

	if (*place && (*place)->has_begun)
		place = &(*place)->next;
	if (!*place)
		*place = calloc(1, sizeof(struct delivery));
	if (*place)
		(*place)->holder = holder;
	return *place;
}

static void
set_quota(struct store_append_call *call, const struct delivery_grant *grant)
{
	struct store_quota of_all = store_role_quota();

	call->quota_octets =
		grant->quota_octets ? grant->quota_octets : of_all.octets;
	call->quota_messages =
		grant->quota_messages ? grant->quota_messages : of_all.messages;
	call->quota_soft_percent = of_all.soft_percent;
}

bool
delivery_grant(struct store_holder *holder, const struct delivery_grant *grant)
{
	uint32_t number = grant->number;
	struct delivery *d = coming(holder);
	struct recipient *r;

	/* Numbers count the accepted: one refused after its grant comes again. */
	if (!d || number > d->count || number >= LMTP_RECIPIENTS_MAXIMUM)
		return false;
	r = number < d->count ? d->recipients[number] : calloc(1, sizeof(*r));
	if (!r)
		return false;
	r->delivery = d;
	r->number = number;
	snprintf(r->mailbox, sizeof(r->mailbox), "%s", grant->mailbox);
	set_quota(&r->call, grant);
	buffer_release(&r->stamp);
	buffer_init(&r->stamp, PIECE_OCTETS);
	d->recipients[number] = r;
	if (number == d->count)
		d->count++;
	return true;
}

static void
note(struct recipient *r, enum outcome outcome)
{
	if (r->outcome == OK)
		r->outcome = outcome;
}

/* ---- the end ---- */

static void
free_recipient(struct recipient *r)
{
	if (r->append)
		store_role_store->ops->append_abort(
			store_role_store, &r->append);
	buffer_release(&r->stamp);
	free(r);
}

static void
end(struct delivery *d)
{
	if (d->holder->delivery == d)
		d->holder->delivery = d->next;
	for (unsigned i = 0; i < d->count; i++)
		free_recipient(d->recipients[i]);
	free(d);
}

void
delivery_free(struct store_holder *holder)
{
	while (holder->delivery)
		end(holder->delivery);
}

static void
tell_delivered(struct recipient *r)
{
	struct store_holder *holder = r->delivery->holder;
	struct message message;

	message_init(&message, MESSAGE_DELIVERED, holder->entry.id);
	message_put_u32(&message, r->number);
	message_put_u8(&message, (uint8_t)r->outcome);
	store_client_send(holder->client, &message);
	message_release(&message);
}

static bool
is_busy(const struct delivery *d)
{
	return d->chunks > 0 || d->beginning > 0;
}

/* ---- commit ---- */

static void
committed(struct store_call *call)
{
	struct recipient *r = (struct recipient *)call;
	struct delivery *d = r->delivery;
	struct store_holder *holder = d->holder;

	r->append = NULL;
	note(r, call->outcome);
	store_role_tend_later();
	tell_delivered(r);
	if (--d->beginning == 0)
		end(d);
	store_holder_call_ended(holder);
}

static void
commit_one(struct recipient *r)
{
	if (r->outcome != OK || !r->append) {
		note(r, ERR_TRY_LATER);
		if (r->append)
			store_role_store->ops->append_abort(
				store_role_store, &r->append);
		r->call.call.outcome = r->outcome;
		committed(&r->call.call);
		return;
	}
	r->call.append = r->append;
	r->call.call.done = committed;
	store_role_store->ops->append_commit(store_role_store, &r->call);
}

static void
commit(struct delivery *d)
{
	unsigned count = d->count;

	/* The last `committed` frees the delivery, perhaps in this loop. */
	d->holder->calls += count;
	d->beginning = count;
	for (unsigned i = 0; i < count; i++)
		commit_one(d->recipients[i]);
}

/* What waited for the calls under way. */
static void
go_on(struct delivery *d)
{
	if (is_busy(d))
		return;
	if (d->is_aborted)
		end(d);
	else if (d->wants_commit)
		commit(d);
}

/* What is under way of it ends by itself; the connection's next delivery may
   begin before. */
bool
delivery_on_abort(struct store_holder *holder, struct message *message)
{
	struct delivery *d = holder->delivery;

	if (!d || d->wants_commit)
		return message->payload.octets == 0;
	d->is_aborted = true;
	holder->delivery = d->next;
	go_on(d);
	return message->payload.octets == 0;
}

/* ---- begin ---- */

static void
tell_begun(struct delivery *d)
{
	enum outcome outcome = d->recipients[0]->outcome;
	struct message message;

	/* One good recipient is enough; the others hear of it after the
	   body. */
	for (unsigned i = 0; i < d->count; i++)
		if (d->recipients[i]->outcome == OK)
			outcome = OK;
	message_init(&message, MESSAGE_APPEND_BEGUN, d->holder->entry.id);
	message_put_u8(&message, (uint8_t)outcome);
	store_client_send(d->holder->client, &message);
	message_release(&message);
}

static void
one_begun(struct recipient *r)
{
	struct delivery *d = r->delivery;
	struct store_holder *holder = d->holder;

	buffer_release(&r->stamp);
	if (--d->beginning == 0 && !d->is_aborted)
		tell_begun(d);
	go_on(d);
	store_holder_call_ended(holder);
}

static void
stamped(struct store_call *call)
{
	struct recipient *r = (struct recipient *)call;

	note(r, call->outcome);
	one_begun(r);
}

static void
begun(struct store_call *call)
{
	struct recipient *r = (struct recipient *)call;

	note(r, call->outcome);
	if (call->outcome != OK) {
		one_begun(r);
		return;
	}
	r->append = r->call.append;
	r->call.chunk = buffer_bytes(&r->stamp);
	r->call.call.done = stamped;
	store_role_store->ops->append_write(store_role_store, &r->call);
}

static bool
take_stamp(struct delivery *d, struct message_reader *reader)
{
	uint32_t number = message_get_u32(reader);
	struct bytes stamp = message_get_bytes(reader);

	if (reader->is_malformed || number >= d->count)
		return false;
	buffer_clear(&d->recipients[number]->stamp);
	return buffer_append_bytes(&d->recipients[number]->stamp, stamp);
}

/*
 * Only who was stamped is a recipient: after RSET there may be grants left of
 * the transaction before. False: a gap.
 */
static bool
keep_stamped(struct delivery *d)
{
	unsigned count = 0;

	while (count < d->count && d->recipients[count]->stamp.octets > 0)
		count++;
	for (unsigned i = count; i < d->count; i++) {
		if (d->recipients[i]->stamp.octets > 0)
			return false;
	}
	while (d->count > count)
		free_recipient(d->recipients[--d->count]);
	return count > 0;
}

static void
begin(struct delivery *d)
{
	unsigned count = d->count;

	d->has_begun = true;
	d->beginning = count;
	d->holder->calls += count;
	for (unsigned i = 0; i < count; i++) {
		struct recipient *r = d->recipients[i];

		r->call.mailbox = r->mailbox;
		r->call.call.done = begun;
		store_role_store->ops->append_begin(store_role_store, &r->call);
	}
}

bool
delivery_on_begin(struct store_holder *holder, struct message *message)
{
	struct delivery *d = holder->delivery;
	struct message_reader reader;
	uint32_t n;

	if (!d || d->has_begun || d->count == 0)
		return false;
	message_reader_init(&reader, message);
	n = message_get_u32(&reader);
	for (uint32_t i = 0; i < n && i < LMTP_RECIPIENTS_MAXIMUM; i++)
		if (!take_stamp(d, &reader))
			return false;
	if (!message_reader_finish(&reader))
		return false;
	if (message->type != MESSAGE_APPEND_BEGIN)
		return true;
	if (!keep_stamped(d))
		return false;
	begin(d);
	return true;
}

/* ---- data ---- */

static void
free_chunk(struct chunk *chunk)
{
	free(chunk->writes);
	free(chunk->at);
	free(chunk);
}

static void
tell_credit(struct store_holder *holder)
{
	struct message message;

	message_init(&message, MESSAGE_CREDIT, holder->entry.id);
	message_put_u32(&message, 1);
	store_client_send(holder->client, &message);
	message_release(&message);
}

static void
chunk_written(struct chunk *chunk)
{
	struct delivery *d = chunk->delivery;
	struct store_holder *holder = d->holder;

	d->chunks--;
	free_chunk(chunk);
	/* The credits of one that was aborted are not the next one's, and who
	   has sent the end needs none. */
	if (!d->is_aborted && !d->wants_commit)
		tell_credit(holder);
	go_on(d);
	store_holder_call_ended(holder);
}

static void
one_written(struct store_call *call)
{
	struct chunk_write *write = (struct chunk_write *)call;

	note(write->recipient, call->outcome);
	if (--write->chunk->left == 0)
		chunk_written(write->chunk);
}

static struct chunk *
make_chunk(struct delivery *d, struct bytes body)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk));

	if (!chunk)
		return NULL;
	chunk->delivery = d;
	chunk->octets = body.octets;
	chunk->at = malloc(body.octets + 1);
	chunk->writes = calloc(d->count, sizeof(*chunk->writes));
	if (!chunk->at || !chunk->writes) {
		free_chunk(chunk);
		return NULL;
	}
	memcpy(chunk->at, body.at, body.octets);
	return chunk;
}

static void
write_chunk(struct delivery *d, struct chunk *chunk)
{
	unsigned count = d->count;

	d->chunks++;
	d->holder->calls++;
	/* One more than writes, so that none of them is the last too early. */
	chunk->left = 1;
	for (unsigned i = 0; i < count; i++) {
		struct chunk_write *write = &chunk->writes[i];
		struct recipient *r = d->recipients[i];

		if (r->outcome != OK || !r->append)
			continue;
		chunk->left++;
		write->chunk = chunk;
		write->recipient = r;
		write->call.append = r->append;
		write->call.chunk = bytes_of(chunk->at, chunk->octets);
		write->call.call.done = one_written;
		store_role_store->ops->append_write(
			store_role_store, &write->call);
	}
	if (--chunk->left == 0)
		chunk_written(chunk);
}

static bool
take_body(struct message *message, struct bytes *out)
{
	struct message_reader reader;

	message_reader_init(&reader, message);
	*out = message_get_bytes(&reader);
	return message_reader_finish(&reader);
}

bool
delivery_on_data(struct store_holder *holder, struct message *message)
{
	struct delivery *d = holder->delivery;
	struct chunk *chunk;
	struct bytes body;

	if (!take_body(message, &body) || !d || !d->has_begun ||
		d->beginning > 0 || d->wants_commit ||
		d->chunks >= APPEND_CREDITS)
		return false;
	chunk = make_chunk(d, body);
	if (!chunk)
		return false;
	write_chunk(d, chunk);
	return true;
}

bool
delivery_on_commit(struct store_holder *holder, struct message *message)
{
	struct delivery *d = holder->delivery;
	struct chunk *chunk = NULL;
	struct bytes body;

	if (!take_body(message, &body) || !d || !d->has_begun ||
		d->wants_commit || (body.octets > 0 && d->beginning > 0))
		return false;
	if (body.octets > 0 && !(chunk = make_chunk(d, body)))
		return false;
	d->wants_commit = true;
	if (chunk)
		write_chunk(d, chunk);
	else
		go_on(d);
	return true;
}
