/* SPDX-License-Identifier: ISC */
/*
 * A POP3 connection: carries out what its pop3_session asks for, with auth and
 * store as the ones who know and hold.
 */
#include "base/clock.h"
#include "server/session_trace.h"
#include "store/snapshot.h"

#include <string.h>
#include <stdlib.h>
#include <unistd.h>

static bool
pop3_start(struct connection *c, bool is_tls)
{
	struct pop3_connection *p = pop3_of(c);

	p->session = pop3_session_new(
		&c->settings->listeners[c->listener->number].pop3, is_tls,
		NULL);
	if (!p->session)
		return false;
	session_trace_begin(p);
	return true;
}

/* Indexes, as many to a message as fit. */
static bool
send_indexes(
	struct pop3_connection *p, uint16_t type, const struct index_set *set)
{
	uint32_t index = index_set_next(set, 0);
	struct message message;
	bool is_sent = true;

	message_init(&message, 0, 0);
	for (uint32_t left = set->count; is_sent && left > 0;) {
		uint32_t n = left < DELETE_BATCH ? left : DELETE_BATCH;

		message_reset(&message, type, p->base.entry.id);
		message_put_u32(&message, n);
		for (left -= n; n > 0; n--) {
			message_put_u32(&message, index);
			index = index_set_next(set, index + 1);
		}
		is_sent = connection_send(&p->base, ROLE_STORE, &message);
	}
	message_release(&message);
	return is_sent;
}

/* For a retention that counts from retrieval. Store knows us until we release
   the maildrop, so once, and before that. */
static void
tell_retrieved(struct pop3_connection *p)
{
	if (p->is_retrieval_told || !p->snapshot)
		return;
	p->is_retrieval_told = true;
	send_indexes(p, MESSAGE_RETRIEVED, pop3_session_retrieved(p->session));
}

static void
pop3_end(struct connection *c)
{
	struct pop3_connection *p = pop3_of(c);
	const struct pop3_summary *sum = pop3_session_summary(p->session);
	struct stats *stats = c->role->stats;

	stats_add(stats, retrieved_messages, sum->retr_count);
	stats_add(stats, retrieved_octets, sum->sent_octets);
	if (sum->is_committed)
		stats_add(stats, deleted_messages, sum->dele_count);
	pop3_log_end(p);
	if (c->is_remembered)
		pop3_login_over(c);
	tell_retrieved(p);
	pop3_message_close_ahead(p);
	pop3_stream_free(p);
	session_trace_end(p);
	pop3_session_free(&p->session);
	snapshot_free(&p->snapshot);
	free(p->mailbox);
	free(p->tried);
	p->mailbox = p->tried = NULL;
}

/* ---- asking the other roles ---- */

static bool
send_deleted(struct pop3_connection *p)
{
	struct message message;
	bool is_sent = send_indexes(
		p, MESSAGE_DELETE, pop3_session_deleted(p->session));

	message_init(&message, MESSAGE_COMMIT, p->base.entry.id);
	is_sent = is_sent && connection_send(&p->base, ROLE_STORE, &message);
	message_release(&message);
	return is_sent;
}

static enum advance
commit(struct pop3_connection *p)
{
	tell_retrieved(p);
	if (!send_deleted(p)) {
		pop3_session_committed(p->session, ERR_TRY_LATER);
		return ADVANCE_WRITE;
	}
	p->waiting = WAITING_COMMIT;
	return ADVANCE_WAIT;
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

	tell_retrieved(p);
	if (c->is_remembered) {
		message_init(&message, MESSAGE_RELEASE, c->entry.id);
		connection_send(c, ROLE_STORE, &message);
		message_release(&message);
		pop3_login_over(c);
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
		return pop3_authentication_send(p);
	case POP3_READ_MESSAGE:
		return pop3_message_start(p);
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
		advance = pop3_message_go_on(p);
		if (advance != ADVANCE_READ)
			return advance;
		next = step(p);
		advance = carry_out(p, next);
	} while (next == POP3_READ_MESSAGE && advance == ADVANCE_READ);
	return advance;
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
	char tried[AUTH_TRIED_SIZE];

	message_get_string(reader, tried, sizeof(tried));
	if (!message_reader_finish(reader) || p->waiting != WAITING_AUTH)
		return false;
	p->waiting = WAITING_NOT;
	free(p->tried);
	p->tried = strdup(tried);
	session_trace_known(p, tried);
	if (why == ERR_DENIED)
		stats_count_login(p->base.role->stats, p->method, false);
	pop3_session_refused(p->session, why);
	return true;
}

static void
set_policy(struct pop3_connection *p, bool is_read_only)
{
	struct policy from = server_settings_policy(
		&p->base.settings->all, p->mailbox ? p->mailbox : "");
	struct pop3_policy policy = {
		.expire_days = session_role_days(from.retention_seconds),
		.login_delay_seconds = (uint32_t)from.login_delay_seconds,
		.tracks_retrieval =
			from.retention_seconds > 0 &&
			from.retention_from == RETENTION_FROM_RETRIEVAL &&
			!is_read_only,
		.is_read_only = is_read_only,
	};

	pop3_session_set_policy(p->session, &policy);
}

static void
logged_in(struct pop3_connection *p, const char *mailbox, bool is_read_only)
{
	struct connection *c = &p->base;

	p->mailbox = strdup(mailbox);
	session_trace_known(p, mailbox);
	p->since_seconds = clock_wall_seconds();
	connection_is_known(c);
	session_news_in(c->role, c->entry.id);
	stats_count_login(c->role->stats, p->method, true);
	pop3_log_login(p, is_read_only);
	set_policy(p, is_read_only);
	pop3_session_set_id(p->session, c->id);
	pop3_session_opened(p->session, snapshot_maildrop(p->snapshot));
}

/* Auth has let him in, and is told that it came to nothing. */
static void
refuse(struct pop3_connection *p, enum outcome outcome)
{
	pop3_login_over(&p->base);
	pop3_session_refused(p->session, outcome);
}

static bool
on_opened(struct pop3_connection *p, struct message_reader *reader)
{
	enum outcome outcome = message_get_u8(reader);
	struct store_snapshot from = {.descriptor = -1};
	char mailbox[STORE_MAILBOX_MAXIMUM_OCTETS];
	bool is_read_only = false;

	if (outcome == OK) {
		message_get_string(reader, mailbox, sizeof(mailbox));
		is_read_only = message_get_u8(reader) != 0;
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
		logged_in(p, mailbox, is_read_only);
	else
		refuse(p, outcome);
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

/* Another session may have the maildrop now: nothing of it is to be believed,
   and nothing will be deleted. What COMMIT brings, when it is under way, says
   store. */
static bool
on_lease_lost(struct pop3_connection *p, struct message_reader *reader)
{
	if (!message_reader_finish(reader) || !p->snapshot)
		return false;
	if (p->waiting == WAITING_COMMIT)
		return true;
	if (p->reading == READING_STREAMED) {
		p->waiting = WAITING_NOT;
		pop3_message_failed(p, ERR_TRY_LATER);
	}
	connection_set_ending(&p->base, ENDING_STORE);
	pop3_session_expire(p->session,
		"[SYS/TEMP] lost the lock on the maildrop, log in again");
	return true;
}

static bool
on_kick(struct pop3_connection *p, struct message_reader *reader)
{
	if (!message_reader_finish(reader))
		return false;
	pop3_login_end(&p->base, "[SYS/TEMP] the administrator ended this "
				 "session");
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
	case MESSAGE_KICK:
		return on_kick(p, &reader);
	case MESSAGE_OPENED:
		return on_opened(p, &reader);
	case MESSAGE_FILES:
		return pop3_message_on_files(p, &reader);
	case MESSAGE_PIECE:
		return pop3_stream_on_piece(p, &reader);
	case MESSAGE_LEASE_LOST:
		return on_lease_lost(p, &reader);
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
	if (role == ROLE_STORE && p->stream)
		pop3_stream_forget(p);
	if (waiting == WAITING_AUTH) {
		pop3_session_refused(p->session, ERR_TRY_LATER);
		/* Auth may have told store to let it in, or be answering yet,
		   whichever of them is gone: another login would take that for
		   its own. */
		c->is_parted = true;
		pop3_session_expire(p->session, NULL);
	} else if (waiting == WAITING_FILES)
		pop3_session_read_failed(p->session, ERR_TRY_LATER);
	else if (p->reading == READING_STREAMED)
		pop3_message_failed(p, ERR_TRY_LATER);
	else if (waiting == WAITING_COMMIT)
		pop3_session_committed(p->session, ERR_TRY_LATER);
	/* The next store knows nothing of us. */
	p->is_retrieval_told = true;
	/* Its lock went with the store: another may have the maildrop now. */
	if (p->snapshot && waiting != WAITING_COMMIT) {
		connection_set_ending(c, ENDING_STORE);
		pop3_session_expire(p->session,
			"[SYS/TEMP] mail store restarted, log in again");
	}
}

static void
pop3_file_failed(struct connection *c)
{
	pop3_message_failed(pop3_of(c), ERR_BROKEN);
}

static void
pop3_expire(struct connection *c, const char *why)
{
	pop3_session_expire(pop3_of(c)->session, why);
}

const struct protocol protocol_pop3 = {
	.name = "pop3",
	.has_login = true,
	.octets = sizeof(struct pop3_connection),
	.input_octets = CONNECTION_LINES_OCTETS,
	.start = pop3_start,
	.advance = pop3_advance,
	.tls_started = pop3_authentication_tls_started,
	.answer = pop3_answer,
	.auth_again = pop3_login_tell,
	.lost = pop3_lost,
	.expire = pop3_expire,
	.file_failed = pop3_file_failed,
	.end = pop3_end,
};
