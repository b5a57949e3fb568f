/* SPDX-License-Identifier: ISC */
#include "store/memory/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/measure.h"
#include "store/index_writer.h"
#include "store/mailbox_name.h"
#include "store/memory/memory_state.h"

struct store_append {
	struct mailbox *mailbox;
	int descriptor; /* of the message until it is committed */
	struct measure measure;
	enum outcome outcome;
};

void
memory_answer(struct store_call *call, enum outcome outcome)
{
	call->outcome = outcome;
	call->done(call);
}

struct mailbox *
memory_find(const struct memory_store *store, const char *name)
{
	struct mailbox *mailbox = store->mailboxes;

	while (mailbox && strcmp(mailbox->name, name))
		mailbox = mailbox->next;
	return mailbox;
}

static enum outcome
need_mailbox(struct memory_store *store, const char *name, struct mailbox **out)
{
	struct mailbox *mailbox;
	int fd;

	if (!mailbox_name_is_usable(name))
		return ERR_PEER;
	*out = memory_find(store, name);
	if (*out)
		return OK;
	mailbox = calloc(1, sizeof(*mailbox));
	if (!mailbox)
		return ERR_TRY_LATER;
	fd = store->files->memory(store->files, "restante-mailbox");
	if (fd < 0) {
		free(mailbox);
		return outcome_of_errno(-fd);
	}
	mailbox->descriptor = fd;
	snprintf(mailbox->name, sizeof(mailbox->name), "%s", name);
	mailbox->next = store->mailboxes;
	store->mailboxes = mailbox;
	*out = mailbox;
	return OK;
}

static enum outcome
write_index(struct memory_store *store, const struct mailbox *mailbox,
	struct store_snapshot *out)
{
	int fd = store->files->memory(store->files, "restante-index");
	struct index_writer writer;
	struct index_trailer trailer = {
		.count = mailbox->count,
		.octets = mailbox->octets,
		.dense = mailbox->count,
	};
	uint32_t last;
	int error;

	if (fd < 0)
		return outcome_of_errno(-fd);
	index_writer_begin(&writer, store->files, fd, -1, 0, mailbox->count);
	for (uint32_t i = 0; i < mailbox->count; i++) {
		struct index_message message = mailbox->messages[i].index;

		index_writer_message(&writer, &message,
			bytes_of_string(mailbox->messages[i].uidl));
	}
	index_writer_end_messages(&writer);
	last = index_writer_number(&writer);
	index_writer_trailer(&writer, &trailer);
	error = index_writer_finish(&writer);
	if (error == 0)
		error = store->files->seal(store->files, fd);
	if (error != 0) {
		store->files->close(store->files, &fd);
		return outcome_of_errno(-error);
	}
	*out = (struct store_snapshot){
		.descriptor = fd,
		.trailer_offset = (uint64_t)last * INDEX_RECORD_OCTETS,
		.count = mailbox->count,
		.octets = mailbox->octets,
	};
	return OK;
}

/* ---- sessions ---- */

bool
memory_is_held(const struct memory_store *store, const struct mailbox *mailbox)
{
	return mailbox->session &&
	       (store->lease_ms == 0 || store->files->now_ns(store->files) <
						mailbox->session->until_ns);
}

/* Its lease has not run out. */
static bool
has_lock(const struct memory_store *store, const struct store_session *session)
{
	return session->mailbox->session == session &&
	       memory_is_held(store, session->mailbox);
}

static void
extend(const struct memory_store *store, struct store_session *session)
{
	session->until_ns = store->files->now_ns(store->files) +
			    store->lease_ms * 1000000ull;
}

static enum outcome
open_session(struct memory_store *store, struct store_open_call *call)
{
	struct store_session *session;
	struct mailbox *mailbox;
	enum outcome outcome = need_mailbox(store, call->mailbox, &mailbox);

	if (outcome != OK)
		return outcome;
	assert(mailbox);
	if (memory_is_held(store, mailbox))
		return ERR_BUSY;
	session = calloc(1, sizeof(*session));
	if (!session)
		return ERR_TRY_LATER;
	outcome = write_index(store, mailbox, &call->snapshot);
	if (outcome != OK) {
		free(session);
		return outcome;
	}
	session->mailbox = mailbox;
	session->count = mailbox->count;
	extend(store, session);
	mailbox->session = session;
	call->session = session;
	call->lease_ms = store->lease_ms;
	return OK;
}

static void
memory_open(struct store *base, struct store_open_call *call)
{
	memory_answer(
		&call->call, open_session((struct memory_store *)base, call));
}

static void
memory_read(struct store *base, struct store_read_call *call)
{
	struct memory_store *store = (struct memory_store *)base;
	const struct store_session *session = call->session;

	if (call->index >= session->count) {
		memory_answer(&call->call, ERR_PEER);
		return;
	}
	if (!has_lock(store, session)) {
		memory_answer(&call->call, ERR_GONE);
		return;
	}
	call->descriptor = -1;
	call->offset = 0;
	call->octets =
		session->mailbox->messages[call->index].index.stored_octets;
	memory_answer(&call->call, OK);
}

static void
memory_read_at(struct store *base, struct store_read_at_call *call)
{
	struct memory_store *store = (struct memory_store *)base;
	const struct message *message;
	size_t room = call->room;
	uint64_t left;
	ssize_t n = 0;

	if (call->index >= call->session->count) {
		memory_answer(&call->call, ERR_PEER);
		return;
	}
	if (!has_lock(store, call->session)) {
		memory_answer(&call->call, ERR_GONE);
		return;
	}
	message = &call->session->mailbox->messages[call->index];
	left = message->index.stored_octets;
	left = call->offset < left ? left - call->offset : 0;
	if (room > left)
		room = (size_t)left;
	n = files_read_all(store->files, call->session->mailbox->descriptor,
		call->to, room, message->offset + call->offset);
	if (n < 0) {
		memory_answer(&call->call, outcome_of_errno((int)-n));
		return;
	}
	call->octets = (size_t)n;
	memory_answer(&call->call, OK);
}

/* Messages that came during the session stand behind its own. */
static void
memory_commit(struct store *base, struct store_commit_call *call)
{
	struct memory_store *store = (struct memory_store *)base;
	struct mailbox *mailbox = call->session->mailbox;
	uint32_t kept = 0;

	if (!has_lock(store, call->session)) {
		memory_answer(&call->call, ERR_GONE);
		return;
	}
	for (uint32_t i = 0; i < mailbox->count; i++) {
		if (i < call->session->count &&
			index_set_has(call->deleted, i)) {
			mailbox->octets -= mailbox->messages[i].index.octets;
			continue;
		}
		mailbox->messages[kept++] = mailbox->messages[i];
	}
	mailbox->count = kept;
	call->session->count = 0;
	memory_answer(&call->call, OK);
}

static void
memory_renew(struct store *base, struct store_renew_call *call)
{
	struct memory_store *store = (struct memory_store *)base;

	if (!has_lock(store, call->session)) {
		memory_answer(&call->call, ERR_GONE);
		return;
	}
	extend(store, call->session);
	memory_answer(&call->call, OK);
}

static void
memory_release(struct store *base, struct store_session **session)
{
	if (!*session)
		return;
	if ((*session)->mailbox->session == *session)
		(*session)->mailbox->session = NULL;
	free(*session);
	*session = NULL;
}

static void
memory_stat(struct store *base, struct store_stat_call *call)
{
	struct memory_store *store = (struct memory_store *)base;
	const struct mailbox *mailbox = NULL;

	if (!mailbox_name_is_usable(call->mailbox)) {
		memory_answer(&call->call, ERR_PEER);
		return;
	}
	mailbox = memory_find(store, call->mailbox);
	if (!mailbox) {
		memory_answer(&call->call, ERR_DENIED);
		return;
	}
	call->count = mailbox->count;
	call->octets = mailbox->octets;
	call->is_open = memory_is_held(store, mailbox);
	memory_answer(&call->call, OK);
}

static enum outcome
begin_append(struct memory_store *store, struct store_append_call *call)
{
	struct mailbox *mailbox;
	enum outcome outcome = need_mailbox(store, call->mailbox, &mailbox);
	struct store_append *append;

	if (outcome != OK)
		return outcome;
	append = calloc(1, sizeof(*append));
	if (!append)
		return ERR_TRY_LATER;
	append->descriptor =
		store->files->memory(store->files, "restante-mail");
	if (append->descriptor < 0) {
		outcome = outcome_of_errno(-append->descriptor);
		free(append);
		return outcome;
	}
	append->mailbox = mailbox;
	measure_init(&append->measure);
	call->append = append;
	return OK;
}

static void
memory_append_begin(struct store *base, struct store_append_call *call)
{
	memory_answer(
		&call->call, begin_append((struct memory_store *)base, call));
}

static void
memory_append_write(struct store *base, struct store_append_call *call)
{
	struct memory_store *store = (struct memory_store *)base;
	struct store_append *append = call->append;
	int error = files_write_all(store->files, append->descriptor,
		call->chunk, append->measure.stored_octets);

	if (error == 0)
		measure_put(&append->measure, call->chunk);
	else
		append->outcome = outcome_of_errno(-error);
	memory_answer(&call->call, append->outcome);
}

static enum outcome
copy_message(struct files *files, struct store_append *append)
{
	unsigned char chunk[16384];
	uint64_t done = 0;

	while (done < append->measure.stored_octets) {
		ssize_t n = files->read_at(
			files, append->descriptor, chunk, sizeof(chunk), done);
		int error;

		if (n <= 0)
			return ERR_TRY_LATER;
		error = files_write_all(files, append->mailbox->descriptor,
			bytes_of(chunk, (size_t)n),
			append->mailbox->end + done);
		if (error != 0)
			return outcome_of_errno(-error);
		done += (uint64_t)n;
	}
	return OK;
}

static bool
make_room(struct mailbox *mailbox)
{
	uint32_t capacity = mailbox->capacity * 2 + 8;
	struct message *more;

	if (mailbox->count < mailbox->capacity)
		return true;
	more = realloc(mailbox->messages, capacity * sizeof(*more));
	if (!more)
		return false;
	mailbox->messages = more;
	mailbox->capacity = capacity;
	return true;
}

static enum outcome
finish_append(struct memory_store *store, struct store_append_call *call)
{
	struct store_append *append = call->append;
	struct mailbox *mailbox = append->mailbox;
	const struct measure *measure = &append->measure;
	unsigned char digest[UIDL_DIGEST_OCTETS];
	struct message *message;
	enum outcome outcome = append->outcome;

	measure_end(&append->measure);
	if (outcome == OK)
		outcome = copy_message(store->files, append);
	if (outcome != OK)
		return outcome;
	if (!make_room(mailbox) ||
		store->files->random(store->files, digest, sizeof(digest)) != 0)
		return ERR_TRY_LATER;
	message = &mailbox->messages[mailbox->count++];
	message->offset = mailbox->end;
	message->arrived_ns = store->files->now_ns(store->files);
	message->retrieved_ns = 0;
	message->index = index_message_of_measure(measure);
	uidl_print(digest, message->uidl);
	memcpy(call->uidl, message->uidl, sizeof(message->uidl));
	mailbox->end += measure->stored_octets;
	mailbox->octets += measure->octets;
	return OK;
}

static void
memory_append_abort(struct store *base, struct store_append **append)
{
	struct memory_store *store = (struct memory_store *)base;

	if (!*append)
		return;
	store->files->close(store->files, &(*append)->descriptor);
	free(*append);
	*append = NULL;
}

static void
memory_append_commit(struct store *base, struct store_append_call *call)
{
	enum outcome outcome = finish_append((struct memory_store *)base, call);

	memory_append_abort(base, &call->append);
	memory_answer(&call->call, outcome);
}

static bool
memory_tend(struct store *base)
{
	return false;
}

static void
memory_free(struct store **base)
{
	struct memory_store *store = (struct memory_store *)*base;

	if (!store)
		return;
	while (store->mailboxes) {
		struct mailbox *mailbox = store->mailboxes;

		store->mailboxes = mailbox->next;
		store->files->close(store->files, &mailbox->descriptor);
		free(mailbox->messages);
		free(mailbox);
	}
	free(store);
	*base = NULL;
}

static const struct store_ops memory_ops = {
	.name = "memory",
	.open = memory_open,
	.read = memory_read,
	.read_at = memory_read_at,
	.commit = memory_commit,
	.note_retrieved = memory_note_retrieved,
	.expire = memory_expire,
	.renew = memory_renew,
	.release = memory_release,
	.stat = memory_stat,
	.append_begin = memory_append_begin,
	.append_write = memory_append_write,
	.append_commit = memory_append_commit,
	.append_abort = memory_append_abort,
	.tend = memory_tend,
	.free = memory_free,
};

enum outcome
memory_store_new(const struct store_options *options, struct files *files,
	struct store **out)
{
	struct memory_store *store = calloc(1, sizeof(*store));

	if (!store)
		return ERR_TRY_LATER;
	store->store.ops = &memory_ops;
	store->files = files;
	store->lease_ms = options->lease_ms;
	*out = &store->store;
	return OK;
}
