/* SPDX-License-Identifier: ISC */
/* Messages on their way from the files that store opened to the client. */
#include "base/log.h"
#include "server/audit.h"
#include "server/pop3_connection.h"
#include "store/snapshot.h"

#include <stdlib.h>
#include <unistd.h>

/* From this size on a message goes out by sendfile, below it is copied: two
 * system calls saved are worth more than the copy. */
#define SENDFILE_MINIMUM_OCTETS 16384
#define FEED_OCTETS		32768
/* Least room for which reading more of a file is worth a system call. */
#define RAW_ROOM_OCTETS 4096

/* Message files opened ahead, since clients read in order. */
struct ahead {
	uint32_t first;
	uint32_t count;
	struct {
		enum outcome outcome;
		int fd;
		uint64_t offset, octets;
	} files[READ_AHEAD];
};

void
pop3_message_close_ahead(struct pop3_connection *p)
{
	for (uint32_t i = 0; p->ahead && i < p->ahead->count; i++)
		if (p->ahead->files[i].fd >= 0)
			close(p->ahead->files[i].fd);
	free(p->ahead);
	p->ahead = NULL;
}

static enum advance
ask_for_files(struct pop3_connection *p, uint32_t index)
{
	uint32_t most = snapshot_maildrop(p->snapshot)->count - index;
	bool is_in_order = index == 0 || index == p->next_index;
	struct message message;
	bool is_sent;

	pop3_message_close_ahead(p);
	if (!is_in_order || most == 0)
		most = 1;
	message_init(&message, MESSAGE_READ, p->base.entry.id);
	message_put_u32(&message, index);
	message_put_u32(&message, most < READ_AHEAD ? most : READ_AHEAD);
	is_sent = connection_send(&p->base, ROLE_STORE, &message);
	message_release(&message);
	if (!is_sent) {
		pop3_session_read_failed(p->session, ERR_TRY_LATER);
		return ADVANCE_WRITE;
	}
	p->waiting = WAITING_FILES;
	return ADVANCE_WAIT;
}

bool
pop3_message_on_files(struct pop3_connection *p, struct message_reader *reader)
{
	struct ahead *ahead = calloc(1, sizeof(*ahead));
	uint32_t count;

	if (!ahead)
		return false;
	ahead->first = message_get_u32(reader);
	count = message_get_u32(reader);
	for (uint32_t i = 0; i < count && i < READ_AHEAD; i++) {
		ahead->files[i].outcome = message_get_u8(reader);
		ahead->files[i].offset = message_get_u64(reader);
		ahead->files[i].octets = message_get_u64(reader);
		ahead->files[i].fd = -1;
		if (!reader->is_malformed && ahead->files[i].outcome == OK &&
			message_get_u8(reader))
			ahead->files[i].fd = message_get_descriptor(reader);
		ahead->count++;
	}
	p->ahead = ahead; /* close_ahead frees it, whatever comes */
	if (!message_reader_finish(reader) || p->waiting != WAITING_FILES ||
		count == 0) {
		pop3_message_close_ahead(p);
		return false;
	}
	p->waiting = WAITING_NOT;
	return true;
}

/* ---- sending a message ---- */

void
pop3_message_done(struct pop3_connection *p)
{
	const struct pop3_reading *reading = pop3_session_reading(p->session);
	const struct connection *c = &p->base;

	p->reading = READING_NOT;
	p->next_index = reading->index + 1;
	if (c->settings->all.is_audited && !reading->is_top && p->mailbox)
		audit_retrieved(snapshot_maildrop(p->snapshot), reading->index,
			c->id, c->peer, p->mailbox);
}

void
pop3_message_failed(struct pop3_connection *p, enum outcome outcome)
{
	p->reading = READING_NOT;
	pop3_stream_stop(p);
	log_event(LOG_LEVEL_WARNING, "message-unreadable",
		"id=%s addr=%s index=%u why=%s", p->base.id, p->base.peer,
		pop3_session_reading(p->session)->index, outcome_name(outcome));
	pop3_session_read_failed(p->session, outcome);
}

/* The message's octets as they are on disk, straight into the output. */
static enum advance
copy_raw(struct pop3_connection *p)
{
	struct buffer *out = &p->base.out;

	while (p->left > 0) {
		size_t room = buffer_room(out);
		size_t most = p->left < room ? (size_t)p->left : room;
		unsigned char *to;
		ssize_t got;

		if (most < p->left && room < RAW_ROOM_OCTETS)
			return ADVANCE_WRITE;
		to = buffer_reserve(out, most);
		got = to ? pread(p->fd, to, most, (off_t)p->offset) : -1;
		if (got <= 0) {
			pop3_message_failed(p, ERR_BROKEN);
			return ADVANCE_WRITE;
		}
		buffer_grow(out, (size_t)got);
		p->offset += (uint64_t)got;
		p->left -= (uint64_t)got;
	}
	pop3_session_raw_end(p->session);
	pop3_message_done(p);
	return ADVANCE_READ;
}

enum advance
pop3_message_fed(struct pop3_connection *p, enum pop3_feed result)
{
	if (result == POP3_FEED_ROOM)
		return ADVANCE_WRITE;
	if (result == POP3_FEED_FAILED) {
		log_event(LOG_LEVEL_ERROR, "message-size-differs",
			"id=%s addr=%s index=%u", p->base.id, p->base.peer,
			pop3_session_reading(p->session)->index);
		return ADVANCE_CLOSE;
	}
	pop3_message_done(p);
	return ADVANCE_READ;
}

static enum advance
feed(struct pop3_connection *p)
{
	/* One for all connections: used within this call alone. */
	static unsigned char scratch[FEED_OCTETS];
	enum pop3_feed result;
	struct bytes chunk;
	ssize_t got;

	do {
		size_t most =
			p->left < FEED_OCTETS ? (size_t)p->left : FEED_OCTETS;

		got = most ? pread(p->fd, scratch, most, (off_t)p->offset) : 0;
		if (got < 0 || (most > 0 && got == 0)) {
			pop3_message_failed(p, ERR_BROKEN);
			return ADVANCE_WRITE;
		}
		chunk = bytes_of(scratch, (size_t)got);
		result = pop3_session_feed(p->session, &chunk,
			(uint64_t)got == p->left, &p->base.out);
		p->offset += (uint64_t)got - chunk.octets;
		p->left -= (uint64_t)got - chunk.octets;
	} while (result == POP3_FEED_MORE);
	return pop3_message_fed(p, result);
}

/* ADVANCE_READ here means: go on with the session. */
enum advance
pop3_message_go_on(struct pop3_connection *p)
{
	switch ((enum reading)p->reading) {
	case READING_SENT:
		pop3_session_raw_end(p->session);
		pop3_message_done(p);
		return ADVANCE_READ;
	case READING_RAW:
		return copy_raw(p);
	case READING_FED:
		return feed(p);
	case READING_STREAMED:
		return pop3_stream_go_on(p);
	case READING_NOT:
	default:
		return ADVANCE_READ;
	}
}

static enum advance
start_raw(struct pop3_connection *p)
{
	struct connection *c = &p->base;

	if (!pop3_session_raw_begin(p->session, &c->out))
		return ADVANCE_WRITE;
	p->reading = READING_RAW;
	if (p->left < SENDFILE_MINIMUM_OCTETS ||
		(c->tls && !tls_has_sendfile(c->tls)))
		return pop3_message_go_on(p);
	p->reading = READING_SENT;
	c->file = p->fd;
	c->file_offset = p->offset;
	c->file_octets = p->left;
	return ADVANCE_WRITE;
}

enum advance
pop3_message_start(struct pop3_connection *p)
{
	const struct pop3_reading *wanted = pop3_session_reading(p->session);
	uint32_t index = wanted->index;
	struct ahead *ahead = p->ahead;

	if (!ahead || index < ahead->first ||
		index - ahead->first >= ahead->count)
		return ask_for_files(p, index);
	index -= ahead->first;
	if (ahead->files[index].outcome != OK) {
		pop3_message_failed(p, ahead->files[index].outcome);
		/* Once told, ask again: it may have been passing. */
		pop3_message_close_ahead(p);
		return ADVANCE_READ;
	}
	if (ahead->files[index].octets != wanted->stored_octets) {
		pop3_message_failed(p, ERR_BROKEN);
		return ADVANCE_READ;
	}
	if (ahead->files[index].fd < 0)
		return pop3_stream_start(
			p, wanted->index, wanted->stored_octets);
	p->fd = ahead->files[index].fd;
	p->offset = ahead->files[index].offset;
	p->left = ahead->files[index].octets;
	if (wanted->may_send_raw)
		return start_raw(p);
	p->reading = READING_FED;
	return pop3_message_go_on(p);
}
