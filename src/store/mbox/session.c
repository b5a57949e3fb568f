/* SPDX-License-Identifier: ISC */
#include "store/mbox/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "store/index_writer.h"
#include "store/mbox/uidls.h"

#define PART_OCTETS 8192

/* ---- opening ---- */

static bool
put_messages(struct index_writer *writer, const struct mbox_scan *scan)
{
	for (uint32_t i = 0; i < scan->count; i++) {
		const struct mbox_message *m = &scan->messages[i];
		struct index_message message = m->index;
		char uidl[UIDL_OWN_OCTETS + 1];

		if (!mbox_uidls_print(m->digest, m->number, uidl))
			return false;
		index_writer_message(writer, &message, bytes_of_string(uidl));
	}
	return true;
}

static enum outcome
write_index(struct mbox_session *session, int fd, struct store_snapshot *out)
{
	const struct mbox_scan *scan = session->scan;
	struct files *files = session->mbox.files;
	struct index_writer writer;
	struct index_trailer trailer = {
		.count = scan->count,
		.octets = scan->octets,
		.dense = scan->count,
	};
	bool is_good;
	int error;

	index_writer_begin(&writer, files, fd, -1, 0, scan->count);
	is_good = put_messages(&writer, scan);
	index_writer_end_messages(&writer);
	*out = (struct store_snapshot){
		.descriptor = fd,
		.trailer_offset = (uint64_t)index_writer_number(&writer) *
				  INDEX_RECORD_OCTETS,
		.count = scan->count,
		.octets = scan->octets,
	};
	index_writer_trailer(&writer, &trailer);
	error = index_writer_finish(&writer);
	if (error == 0)
		error = files->seal(files, fd);
	return is_good ? outcome_of_errno(-error) : ERR_TRY_LATER;
}

static enum outcome
make_index(struct mbox_session *session, struct store_snapshot *out)
{
	struct files *files = session->mbox.files;
	struct store_snapshot snapshot;
	int fd = files->memory(files, "restante-index");
	enum outcome outcome;

	if (fd < 0)
		return outcome_of_errno(-fd);
	outcome = write_index(session, fd, &snapshot);
	if (outcome == OK)
		*out = snapshot;
	else
		files->close(files, &fd);
	return outcome;
}

/* A descriptor of its own: the lock goes with the other one. */
static enum outcome
open_to_read(struct mbox_session *session)
{
	int fd = mbox_open_file(&session->mbox, O_RDONLY, false);

	if (fd < 0)
		return mbox_trouble(&session->mbox, fd);
	session->descriptor = fd;
	return OK;
}

enum outcome
mbox_session_open(struct mbox_session *session, struct mbox_scan **kept,
	struct store_snapshot *out)
{
	struct mbox *mbox = &session->mbox;
	enum outcome outcome = mbox_lock(mbox, true);

	session->descriptor = -1;
	if (outcome != OK)
		return outcome;
	session->scan = *kept;
	*kept = NULL;
	outcome = mbox_look(mbox, &session->scan);
	if (outcome == OK)
		outcome = open_to_read(session);
	if (outcome == OK)
		mbox_prepare_deletion(mbox, session->scan);
	mbox_unlock(mbox);
	if (outcome == OK)
		outcome = make_index(session, out);
	if (outcome != OK)
		mbox_session_close(session);
	return outcome;
}

void
mbox_session_close(struct mbox_session *session)
{
	session->mbox.files->close(session->mbox.files, &session->descriptor);
	mbox_scan_free(&session->scan);
}

/* ---- whether the file is as it was ---- */

static enum outcome digest_range(struct mbox_session *session,
	const struct mbox_message *message, struct mbox_content *content,
	bool *out_is_whole);

static enum outcome
is_same_content(struct mbox_session *session,
	const struct mbox_message *message, bool *out)
{
	unsigned char digest[UIDL_DIGEST_OCTETS];
	struct mbox_content content;
	bool is_whole = false;
	enum outcome outcome;

	if (!mbox_content_init(&content))
		return ERR_TRY_LATER;
	mbox_content_begin(&content);
	outcome = digest_range(session, message, &content, &is_whole);
	if (outcome == OK && !mbox_content_end(&content, digest))
		outcome = ERR_TRY_LATER;
	mbox_content_release(&content);
	if (outcome == OK)
		*out = is_whole &&
		       memcmp(digest, message->digest, sizeof(digest)) == 0;
	return outcome;
}

static enum outcome
tell_gone(struct mbox_session *session)
{
	mbox_notice(&session->mbox,
		"%.200s: another program has written it anew; its messages "
		"are there again at the next login",
		session->mbox.path);
	return ERR_GONE;
}

/*
 * What was read is the message, or will be: when anything was written to the
 * file since it was looked at, its octets are looked at again.
 */
static enum outcome
verify(struct mbox_session *session, const struct mbox_message *message)
{
	struct files *files = session->mbox.files;
	struct mbox_stamp now;
	struct stat status;
	bool is_same = false;
	enum outcome outcome;
	int error = files->stat(files, session->descriptor, &status);

	if (error != 0)
		return outcome_of_errno(-error);
	now = mbox_stamp_of(files, &status);
	if (mbox_stamp_is_same(&session->scan->stamp, &now))
		return OK;
	outcome = is_same_content(session, message, &is_same);
	if (outcome != OK || is_same)
		return outcome;
	return tell_gone(session);
}

static void
ignore_begin(void *context, uint64_t from_offset, uint64_t offset,
	struct bytes from_line)
{
}

static void
ignore_end(void *context, uint64_t end_offset, bool has_quotes)
{
}

static void
put_content(void *context, struct bytes octets)
{
	mbox_content_put(context, octets);
}

static enum outcome
digest_range(struct mbox_session *session, const struct mbox_message *message,
	struct mbox_content *content, bool *out_is_whole)
{
	static const struct mbox_events events = {
		ignore_begin, put_content, ignore_end};
	struct files *files = session->mbox.files;
	unsigned char *chunk = malloc(SCAN_READ_OCTETS);
	uint64_t offset = message->offset;
	struct mbox_parser parser;
	ssize_t n = 1;

	if (!chunk)
		return ERR_TRY_LATER;
	mbox_parser_init_part(&parser, &events, content, offset);
	while (n > 0 && offset < message->end) {
		uint64_t left = message->end - offset;

		n = files_read_all(files, session->descriptor, chunk,
			left < SCAN_READ_OCTETS ? (size_t)left
						: SCAN_READ_OCTETS,
			offset);
		if (n > 0)
			mbox_parser_put(&parser, bytes_of(chunk, (size_t)n));
		offset += n > 0 ? (uint64_t)n : 0;
	}
	mbox_parser_end(&parser);
	free(chunk);
	*out_is_whole = offset == message->end;
	return n < 0 ? outcome_of_errno((int)-n) : OK;
}

/* ---- messages with quoted lines ---- */

static void
put_pending(void *context, struct bytes octets)
{
	struct mbox_cursor *cursor = context;

	memcpy(cursor->pending + cursor->pending_octets, octets.at,
		octets.octets);
	cursor->pending_octets += octets.octets;
}

static const struct mbox_events cursor_events = {
	ignore_begin, put_pending, ignore_end};

static void
rewind_cursor(struct mbox_session *session, uint32_t index)
{
	struct mbox_cursor *cursor = &session->cursor;

	cursor->is_set = true;
	cursor->index = index;
	cursor->offset = 0;
	cursor->pending_octets = 0;
	cursor->file_offset = session->scan->messages[index].offset;
	mbox_parser_init_part(
		&cursor->parser, &cursor_events, cursor, cursor->file_offset);
}

/* What is pending has been used up. 0: there is no more. */
static ssize_t
read_on(struct mbox_session *session)
{
	struct mbox_cursor *cursor = &session->cursor;
	const struct mbox_message *m = &session->scan->messages[cursor->index];
	struct files *files = session->mbox.files;
	unsigned char part[PART_OCTETS];

	cursor->offset += cursor->pending_octets;
	cursor->pending_octets = 0;
	while (cursor->pending_octets == 0 && cursor->file_offset < m->end) {
		uint64_t left = m->end - cursor->file_offset;
		ssize_t n = files_read_all(files, session->descriptor, part,
			left < sizeof(part) ? (size_t)left : sizeof(part),
			cursor->file_offset);

		if (n <= 0)
			return n;
		mbox_parser_put(&cursor->parser, bytes_of(part, (size_t)n));
		cursor->file_offset += (uint64_t)n;
		if (cursor->file_offset == m->end)
			mbox_parser_end(&cursor->parser);
	}
	return (ssize_t)cursor->pending_octets;
}

static ssize_t
read_quoted(struct mbox_session *session, const struct store_read_at_call *call)
{
	struct mbox_cursor *cursor = &session->cursor;
	size_t octets = 0;

	if (!cursor->is_set || cursor->index != call->index ||
		call->offset < cursor->offset)
		rewind_cursor(session, call->index);
	while (octets < call->room) {
		uint64_t want = call->offset + octets - cursor->offset;
		size_t most;
		ssize_t n;

		if (want >= cursor->pending_octets) {
			n = read_on(session);
			if (n < 0)
				return n;
			if (n == 0)
				break;
			continue;
		}
		most = cursor->pending_octets - (size_t)want;
		if (most > call->room - octets)
			most = call->room - octets;
		memcpy(call->to + octets, cursor->pending + want, most);
		octets += most;
	}
	return (ssize_t)octets;
}

/* ---- reading ---- */

static ssize_t
read_octets(struct mbox_session *session, const struct mbox_message *message,
	const struct store_read_at_call *call)
{
	uint64_t octets = message->index.stored_octets, left;
	size_t room = call->room;

	left = call->offset < octets ? octets - call->offset : 0;
	if (room > left)
		room = (size_t)left;
	if (room == 0)
		return 0;
	if (message->has_quotes)
		return read_quoted(session, call);
	return files_read_all(session->mbox.files, session->descriptor,
		call->to, room, message->offset + call->offset);
}

enum outcome
mbox_session_read_at(
	struct mbox_session *session, struct store_read_at_call *call)
{
	const struct mbox_message *message;
	enum outcome outcome = OK;
	uint64_t end;
	ssize_t n;

	if (call->index >= session->scan->count)
		return ERR_PEER;
	message = &session->scan->messages[call->index];
	end = message->index.stored_octets;
	/* What cannot be sent whole is better not begun. */
	if (call->offset == 0 && call->room < end)
		outcome = verify(session, message);
	if (outcome != OK)
		return outcome;
	n = read_octets(session, message, call);
	if (n < 0)
		return outcome_of_errno((int)-n);
	if (n == 0 && call->room > 0 && call->offset < end)
		return tell_gone(session);
	if (call->offset + (uint64_t)n >= end)
		outcome = verify(session, message);
	if (outcome == OK)
		call->octets = (size_t)n;
	return outcome;
}

/* ---- deleting ---- */

struct wanted {
	unsigned char digest[UIDL_DIGEST_OCTETS];
	uint64_t number;
};

static int
compare_wanted(const void *a, const void *b)
{
	const struct wanted *one = a, *two = b;
	int order = memcmp(one->digest, two->digest, UIDL_DIGEST_OCTETS);

	if (order != 0)
		return order;
	return one->number < two->number ? -1 : one->number > two->number;
}

static struct wanted
wanted_of(const struct mbox_message *message)
{
	struct wanted wanted = {.number = message->number};

	memcpy(wanted.digest, message->digest, UIDL_DIGEST_OCTETS);
	return wanted;
}

/* The same messages in a file that has changed: some may be gone. */
static enum outcome
find_again(const struct mbox_scan *old, const struct index_set *deleted,
	const struct mbox_scan *now, struct index_set *out)
{
	struct wanted *list = calloc((size_t)deleted->count + 1, sizeof(*list));
	uint32_t i = index_set_next(deleted, 0);
	enum outcome outcome = OK;
	uint32_t count = 0;

	if (!list)
		return ERR_TRY_LATER;
	for (; i < old->count; i = index_set_next(deleted, i + 1))
		list[count++] = wanted_of(&old->messages[i]);
	qsort(list, count, sizeof(*list), compare_wanted);
	for (uint32_t at = 0; at < now->count && outcome == OK; at++) {
		struct wanted one = wanted_of(&now->messages[at]);

		if (bsearch(&one, list, count, sizeof(*list), compare_wanted) &&
			!index_set_add(out, at))
			outcome = ERR_TRY_LATER;
	}
	free(list);
	return outcome;
}

static enum outcome
delete_locked(struct mbox_session *session, const struct index_set *deleted)
{
	struct index_set again = INDEX_SET_EMPTY;
	struct mbox_scan *now = NULL;
	enum outcome outcome = mbox_look(&session->mbox, &now);

	if (outcome == OK)
		outcome = find_again(session->scan, deleted, now, &again);
	if (outcome == OK)
		outcome = mbox_delete(&session->mbox, now, &again);
	index_set_release(&again);
	mbox_scan_free(&now);
	return outcome;
}

static bool
is_as_it_was(struct mbox_session *session)
{
	struct mbox *mbox = &session->mbox;
	struct mbox_stamp now;
	struct stat status;

	if (mbox->files->stat(mbox->files, mbox->descriptor, &status) != 0)
		return false;
	now = mbox_stamp_of(mbox->files, &status);
	return mbox_stamp_is_same(&session->scan->stamp, &now);
}

enum outcome
mbox_session_commit(
	struct mbox_session *session, const struct index_set *deleted)
{
	struct mbox *mbox = &session->mbox;
	enum outcome outcome;

	if (deleted->count == 0)
		return OK;
	outcome = mbox_lock(mbox, false);
	/* Without a file all of it is gone. */
	if (outcome != OK)
		return outcome == ERR_DENIED ? OK
		       : outcome == ERR_BUSY ? ERR_TRY_LATER
					     : outcome;
	outcome = is_as_it_was(session)
			  ? mbox_delete(mbox, session->scan, deleted)
			  : delete_locked(session, deleted);
	mbox_unlock(mbox);
	return outcome;
}
