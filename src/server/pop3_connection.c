/* SPDX-License-Identifier: ISC */
/*
 * A POP3 connection: carries out what its pop3_session asks for, with auth and
 * store as the ones who know and hold.
 */
#include "server/connection.h"
#include "base/log.h"
#include "store/snapshot.h"

#include <string.h>
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

enum waiting {
	WAITING_NOT,
	WAITING_AUTH,
	WAITING_FILES,
	WAITING_COMMIT,
};

enum reading {
	READING_NOT,
	READING_FED,  /* through the session, which stuffs dots */
	READING_RAW,  /* the file's octets are the wire's */
	READING_SENT, /* raw, by the kernel */
};

struct pop3_connection {
	struct connection base;
	struct pop3_session *session;
	struct snapshot *snapshot;
	struct ahead *ahead;
	char *mailbox;
	uint32_t next_index; /* what a client that reads in order wants next */
	uint64_t offset, left; /* of the file being read */
	int fd;
	uint8_t waiting, reading;
};

static struct pop3_connection *
pop3_of(struct connection *c)
{
	return (struct pop3_connection *)c;
}

static bool
pop3_start(struct connection *c, bool is_tls)
{
	struct pop3_connection *p = pop3_of(c);

	p->session = pop3_session_new(&c->listener->pop3, is_tls, NULL);
	return p->session != NULL;
}

static void
close_ahead(struct pop3_connection *p)
{
	for (uint32_t i = 0; p->ahead && i < p->ahead->count; i++)
		if (p->ahead->files[i].fd >= 0)
			close(p->ahead->files[i].fd);
	free(p->ahead);
	p->ahead = NULL;
}

static void
cancel_exchange(struct connection *c)
{
	struct message message;

	message_init(&message, MESSAGE_AUTH_CANCEL, c->entry.id);
	connection_send(c, ROLE_AUTH, &message);
	message_release(&message);
}

static void
pop3_end(struct connection *c)
{
	struct pop3_connection *p = pop3_of(c);
	const struct pop3_summary *sum = pop3_session_summary(p->session);
	struct stats *stats = c->role->stats;
	char quoted[LOG_QUOTED_OCTETS];

	stats_add(stats, retrieved_messages, sum->retr_count);
	stats_add(stats, retrieved_octets, sum->sent_octets);
	if (sum->is_committed)
		stats_add(stats, deleted_messages, sum->dele_count);
	if (p->mailbox)
		log_event(LOG_LEVEL_INFO, "pop3-session",
			"id=%llu addr=%s user=%s retr=%u top=%u dele=%u "
			"octets=%llu quit=%s",
			(unsigned long long)c->entry.id, c->peer,
			log_quote(quoted, bytes_of_string(p->mailbox)),
			sum->retr_count, sum->top_count, sum->dele_count,
			(unsigned long long)sum->sent_octets,
			sum->is_committed ? "yes" : "no");
	if (c->is_remembered && !p->mailbox)
		cancel_exchange(c);
	close_ahead(p);
	pop3_session_free(&p->session);
	snapshot_free(&p->snapshot);
	free(p->mailbox);
	p->mailbox = NULL;
}

/* ---- asking the other roles ---- */

/* A token may be longer than a message: its front goes ahead in pieces. */
static bool
send_front(struct connection *c, struct bytes *response)
{
	struct message message;
	bool is_sent = true;

	message_init(&message, MESSAGE_AUTH_PIECE, c->entry.id);
	while (is_sent && response->octets > PIECE_OCTETS / 2) {
		message_reset(&message, MESSAGE_AUTH_PIECE, c->entry.id);
		message_put_bytes(
			&message, bytes_of(response->at, PIECE_OCTETS / 2));
		is_sent = connection_send(c, ROLE_AUTH, &message);
		*response = bytes_after(*response, PIECE_OCTETS / 2);
	}
	message_release(&message);
	return is_sent;
}

static bool
send_authentication(struct pop3_connection *p)
{
	const struct pop3_authentication *a =
		pop3_session_authentication(p->session);
	struct bytes response = a->response;
	struct connection *c = &p->base;
	struct message message;
	bool is_sent;

	if (!send_front(c, &response))
		return false;
	message_init(&message,
		a->is_cancelled ? MESSAGE_AUTH_CANCEL
		: a->is_first	? MESSAGE_AUTH_BEGIN
				: MESSAGE_AUTH_RESPOND,
		c->entry.id);
	if (a->is_first) {
		message_put_bytes(&message, a->mechanism);
		message_put_bytes(&message, a->user);
		message_put_u8(&message, a->has_response);
		message_put_bytes(&message, response);
		message_put_u8(&message, c->tls != NULL);
		message_put_string(&message, c->peer);
	} else if (!a->is_cancelled) {
		message_put_bytes(&message, response);
	}
	c->is_remembered = true;
	is_sent = connection_send(c, ROLE_AUTH, &message);
	message_release(&message);
	return is_sent;
}

static enum advance
authenticate(struct pop3_connection *p)
{
	bool is_cancelled =
		pop3_session_authentication(p->session)->is_cancelled;
	bool is_sent = send_authentication(p);

	if (is_cancelled)
		return ADVANCE_WRITE;
	if (!is_sent) {
		pop3_session_refused(p->session, ERR_TRY_LATER);
		return ADVANCE_WRITE;
	}
	p->waiting = WAITING_AUTH;
	return ADVANCE_WAIT;
}

static enum advance
ask_for_files(struct pop3_connection *p, uint32_t index)
{
	uint32_t most = snapshot_maildrop(p->snapshot)->count - index;
	bool is_in_order = index == 0 || index == p->next_index;
	struct message message;
	bool is_sent;

	close_ahead(p);
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

static bool
send_deleted(struct pop3_connection *p)
{
	const struct index_set *set = pop3_session_deleted(p->session);
	uint32_t index = index_set_next(set, 0);
	struct message message;
	bool is_sent = true;

	message_init(&message, 0, 0);
	for (uint32_t left = set->count; is_sent && left > 0;) {
		uint32_t n = left < DELETE_BATCH ? left : DELETE_BATCH;

		message_reset(&message, MESSAGE_DELETE, p->base.entry.id);
		message_put_u32(&message, n);
		for (left -= n; n > 0; n--) {
			message_put_u32(&message, index);
			index = index_set_next(set, index + 1);
		}
		is_sent = connection_send(&p->base, ROLE_STORE, &message);
	}
	message_reset(&message, MESSAGE_COMMIT, p->base.entry.id);
	is_sent = is_sent && connection_send(&p->base, ROLE_STORE, &message);
	message_release(&message);
	return is_sent;
}

static enum advance
commit(struct pop3_connection *p)
{
	if (!send_deleted(p)) {
		pop3_session_committed(p->session, ERR_TRY_LATER);
		return ADVANCE_WRITE;
	}
	p->waiting = WAITING_COMMIT;
	return ADVANCE_WAIT;
}

/* ---- sending a message ---- */

static void
message_done(struct pop3_connection *p)
{
	p->reading = READING_NOT;
	p->next_index = pop3_session_reading(p->session)->index + 1;
}

static void
message_failed(struct pop3_connection *p, enum outcome outcome)
{
	p->reading = READING_NOT;
	log_event(LOG_LEVEL_WARNING, "message-unreadable",
		"id=%llu addr=%s index=%u why=%s",
		(unsigned long long)p->base.entry.id, p->base.peer,
		pop3_session_reading(p->session)->index, outcome_name(outcome));
	pop3_session_read_failed(p->session, outcome);
}

static void
pop3_file_failed(struct connection *c)
{
	message_failed(pop3_of(c), ERR_BROKEN);
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
			message_failed(p, ERR_BROKEN);
			return ADVANCE_WRITE;
		}
		buffer_grow(out, (size_t)got);
		p->offset += (uint64_t)got;
		p->left -= (uint64_t)got;
	}
	pop3_session_raw_end(p->session);
	message_done(p);
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
			message_failed(p, ERR_BROKEN);
			return ADVANCE_WRITE;
		}
		chunk = bytes_of(scratch, (size_t)got);
		result = pop3_session_feed(p->session, &chunk,
			(uint64_t)got == p->left, &p->base.out);
		p->offset += (uint64_t)got - chunk.octets;
		p->left -= (uint64_t)got - chunk.octets;
	} while (result == POP3_FEED_MORE);
	if (result == POP3_FEED_ROOM)
		return ADVANCE_WRITE;
	if (result == POP3_FEED_FAILED) {
		log_event(LOG_LEVEL_ERROR, "message-size-differs",
			"id=%llu addr=%s index=%u",
			(unsigned long long)p->base.entry.id, p->base.peer,
			pop3_session_reading(p->session)->index);
		return ADVANCE_CLOSE;
	}
	message_done(p);
	return ADVANCE_READ;
}

/* ADVANCE_READ here means: go on with the session. */
static enum advance
go_on_reading(struct pop3_connection *p)
{
	switch ((enum reading)p->reading) {
	case READING_SENT:
		pop3_session_raw_end(p->session);
		message_done(p);
		return ADVANCE_READ;
	case READING_RAW:
		return copy_raw(p);
	case READING_FED:
		return feed(p);
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
		return go_on_reading(p);
	p->reading = READING_SENT;
	c->file = p->fd;
	c->file_offset = p->offset;
	c->file_octets = p->left;
	return ADVANCE_WRITE;
}

static enum advance
start_reading(struct pop3_connection *p)
{
	const struct pop3_reading *wanted = pop3_session_reading(p->session);
	uint32_t index = wanted->index;
	struct ahead *ahead = p->ahead;

	if (!ahead || index < ahead->first ||
		index - ahead->first >= ahead->count)
		return ask_for_files(p, index);
	index -= ahead->first;
	if (ahead->files[index].outcome != OK) {
		message_failed(p, ahead->files[index].outcome);
		/* Once told, ask again: it may have been passing. */
		close_ahead(p);
		return ADVANCE_READ;
	}
	if (ahead->files[index].octets != wanted->stored_octets) {
		message_failed(p, ERR_BROKEN);
		return ADVANCE_READ;
	}
	p->fd = ahead->files[index].fd;
	p->offset = ahead->files[index].offset;
	p->left = ahead->files[index].octets;
	if (wanted->may_send_raw)
		return start_raw(p);
	p->reading = READING_FED;
	return go_on_reading(p);
}

/* ---- driving ---- */

static enum pop3_next
step(struct pop3_connection *p)
{
	struct connection *c = &p->base;
	struct bytes in = buffer_bytes(&c->in);
	size_t before = in.octets;
	enum pop3_next next = pop3_session_step(p->session, &in, &c->out);

	buffer_consume(&c->in, before - in.octets);
	return next;
}

/*
 * The lock must be free by the time the client reads our last reply: it may
 * log in again at once.
 */
static enum advance
leave(struct pop3_connection *p)
{
	struct connection *c = &p->base;
	struct message message;

	if (c->is_remembered) {
		message_init(&message, MESSAGE_RELEASE, c->entry.id);
		connection_send(c, ROLE_STORE, &message);
		message_release(&message);
		c->is_remembered = false;
	}
	return ADVANCE_CLOSE;
}

static enum advance
carry_out(struct pop3_connection *p, enum pop3_next next)
{
	switch (next) {
	case POP3_READ:
		return ADVANCE_READ;
	case POP3_WRITE:
		return ADVANCE_WRITE;
	case POP3_AUTHENTICATE:
		return authenticate(p);
	case POP3_READ_MESSAGE:
		return start_reading(p);
	case POP3_COMMIT:
		return commit(p);
	case POP3_START_TLS:
		return ADVANCE_TLS;
	case POP3_CLOSE:
	default:
		return leave(p);
	}
}

static enum advance
pop3_advance(struct connection *c)
{
	struct pop3_connection *p = pop3_of(c);
	enum advance advance;
	enum pop3_next next;

	if (p->waiting)
		return ADVANCE_WAIT;
	do {
		advance = go_on_reading(p);
		if (advance != ADVANCE_READ)
			return advance;
		next = step(p);
		advance = carry_out(p, next);
	} while (next == POP3_READ_MESSAGE && advance == ADVANCE_READ);
	return advance;
}

static void
pop3_tls_started(struct connection *c)
{
	/* With implicit TLS the session knows from its birth. */
	if (!c->listener->is_tls)
		pop3_session_tls_started(pop3_of(c)->session);
}

/* ---- answers ---- */

static bool
on_challenge(struct pop3_connection *p, struct message_reader *reader)
{
	struct bytes challenge = message_get_bytes(reader);

	if (!message_reader_finish(reader) || p->waiting != WAITING_AUTH)
		return false;
	p->waiting = WAITING_NOT;
	pop3_session_challenge(p->session, challenge);
	return true;
}

static bool
on_refused(struct pop3_connection *p, struct message_reader *reader)
{
	enum outcome why = message_get_u8(reader);

	if (!message_reader_finish(reader) || p->waiting != WAITING_AUTH)
		return false;
	p->waiting = WAITING_NOT;
	if (why == ERR_DENIED)
		stats_add(p->base.role->stats, failed_logins, 1);
	pop3_session_refused(p->session, why);
	return true;
}

static void
logged_in(struct pop3_connection *p, const char *mailbox)
{
	struct connection *c = &p->base;
	char quoted[LOG_QUOTED_OCTETS];

	p->mailbox = strdup(mailbox);
	connection_is_known(c);
	stats_add(c->role->stats, logins, 1);
	log_event(LOG_LEVEL_INFO, "login",
		"id=%llu addr=%s user=%s tls=%s messages=%u octets=%llu",
		(unsigned long long)c->entry.id, c->peer,
		log_quote(quoted, bytes_of_string(mailbox)),
		c->tls ? tls_description(c->tls) : "none",
		snapshot_maildrop(p->snapshot)->count,
		(unsigned long long)snapshot_maildrop(p->snapshot)->octets);
	pop3_session_opened(p->session, snapshot_maildrop(p->snapshot));
}

static bool
on_opened(struct pop3_connection *p, struct message_reader *reader)
{
	enum outcome outcome = message_get_u8(reader);
	struct store_snapshot from = {.descriptor = -1};
	char mailbox[STORE_MAILBOX_MAXIMUM_OCTETS];

	if (outcome == OK) {
		message_get_string(reader, mailbox, sizeof(mailbox));
		from.trailer_offset = message_get_u64(reader);
		from.count = message_get_u32(reader);
		from.octets = message_get_u64(reader);
		from.descriptor = message_get_descriptor(reader);
	}
	if (!message_reader_finish(reader) || p->waiting != WAITING_AUTH) {
		if (from.descriptor >= 0)
			close(from.descriptor);
		return false;
	}
	p->waiting = WAITING_NOT;
	if (outcome == OK)
		outcome = snapshot_new(&from, &p->snapshot);
	if (outcome == OK)
		logged_in(p, mailbox);
	else
		pop3_session_refused(p->session, outcome);
	return true;
}

static bool
on_files(struct pop3_connection *p, struct message_reader *reader)
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
		if (!reader->is_malformed && ahead->files[i].outcome == OK)
			ahead->files[i].fd = message_get_descriptor(reader);
		ahead->count++;
	}
	p->ahead = ahead; /* close_ahead frees it, whatever comes */
	if (!message_reader_finish(reader) || p->waiting != WAITING_FILES ||
		count == 0) {
		close_ahead(p);
		return false;
	}
	p->waiting = WAITING_NOT;
	return true;
}

static bool
on_committed(struct pop3_connection *p, struct message_reader *reader)
{
	enum outcome outcome = message_get_u8(reader);

	if (!message_reader_finish(reader) || p->waiting != WAITING_COMMIT)
		return false;
	p->waiting = WAITING_NOT;
	pop3_session_committed(p->session, outcome);
	return true;
}

static bool
pop3_answer(struct connection *c, struct message *message)
{
	struct pop3_connection *p = pop3_of(c);
	struct message_reader reader;

	message_reader_init(&reader, message);
	switch (message->type) {
	case MESSAGE_AUTH_CHALLENGE:
		return on_challenge(p, &reader);
	case MESSAGE_AUTH_REFUSED:
		return on_refused(p, &reader);
	case MESSAGE_OPENED:
		return on_opened(p, &reader);
	case MESSAGE_FILES:
		return on_files(p, &reader);
	case MESSAGE_COMMITTED:
		return on_committed(p, &reader);
	default:
		return false;
	}
}

static void
pop3_lost(struct connection *c, enum role role)
{
	struct pop3_connection *p = pop3_of(c);
	uint8_t waiting = p->waiting;

	if (role == ROLE_AUTH && waiting != WAITING_AUTH)
		return;
	p->waiting = WAITING_NOT;
	if (waiting == WAITING_AUTH)
		pop3_session_refused(p->session, ERR_TRY_LATER);
	else if (waiting == WAITING_FILES)
		pop3_session_read_failed(p->session, ERR_TRY_LATER);
	else if (waiting == WAITING_COMMIT)
		pop3_session_committed(p->session, ERR_TRY_LATER);
	/* Its lock went with the store: another may have the maildrop now. */
	if (p->snapshot && waiting != WAITING_COMMIT)
		pop3_session_expire(p->session,
			"[SYS/TEMP] mail store restarted, log in again");
}

static void
pop3_expire(struct connection *c, const char *why)
{
	pop3_session_expire(pop3_of(c)->session, why);
}

const struct protocol protocol_pop3 = {
	.name = "pop3",
	.octets = sizeof(struct pop3_connection),
	.start = pop3_start,
	.advance = pop3_advance,
	.tls_started = pop3_tls_started,
	.answer = pop3_answer,
	.lost = pop3_lost,
	.expire = pop3_expire,
	.file_failed = pop3_file_failed,
	.end = pop3_end,
};
