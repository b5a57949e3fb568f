/* SPDX-License-Identifier: ISC */
/*
 * An LMTP connection: carries out what its lmtp_session asks for. Bodies go to
 * store in messages, at most APPEND_CREDITS of them under way, so that a slow
 * disk slows the sender and nobody else. Replies to an envelope that came in one
 * piece go out in one (RFC 2920 section 3.2).
 */
#include "server/connection.h"
#include "base/clock.h"
#include "base/log.h"
#include "message/stamp.h"

#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

enum waiting {
	WAITING_NOT,
	WAITING_RESOLVED,
	WAITING_BEGUN,
	WAITING_CREDIT,
	WAITING_DELIVERED,
};

#define DELIVERY_ID_OCTETS 16

struct lmtp_connection {
	struct connection base;
	struct lmtp_session *session;
	struct buffer body;
	unsigned credits;
	unsigned undelivered;
	unsigned delivered, refused; /* recipients, so far */
	bool is_store_lost; /* in the middle of a body: swallow the rest */
	uint8_t waiting;
	char id[DELIVERY_ID_OCTETS + 1]; /* of the delivery, in Received */
};

static struct lmtp_connection *
lmtp_of(struct connection *c)
{
	return (struct lmtp_connection *)c;
}

static bool
lmtp_start(struct connection *c, bool is_tls)
{
	struct lmtp_connection *l = lmtp_of(c);

	buffer_init(&l->body, PIECE_OCTETS);
	l->session = lmtp_session_new(&c->settings->lmtp);
	return l->session != NULL;
}

/* Who delivers often may do so without a line for each connection. */
static void
log_end(const struct lmtp_connection *l)
{
	const struct connection *c = &l->base;
	bool has_done = l->delivered + l->refused > 0;

	if (!c->id[0])
		return;
	log_event(has_done ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "lmtp-session",
		"id=%s addr=%s delivered=%u refused=%u end=%s seconds=%llu",
		c->id, c->peer, l->delivered, l->refused,
		lmtp_session_has_quit(l->session) && c->ending == ENDING_OURS
			? "quit"
			: connection_ending(c),
		(unsigned long long)connection_seconds(c));
}

static void
lmtp_end(struct connection *c)
{
	struct lmtp_connection *l = lmtp_of(c);

	log_end(l);
	lmtp_session_free(&l->session);
	buffer_release(&l->body);
}

static bool
send_plain(struct lmtp_connection *l, enum server_message type)
{
	struct message message;
	bool is_sent;

	message_init(&message, type, l->base.entry.id);
	is_sent = connection_send(&l->base, ROLE_STORE, &message);
	message_release(&message);
	return is_sent;
}

static enum advance
resolve(struct lmtp_connection *l)
{
	unsigned number = lmtp_session_recipient_count(l->session);
	struct message message;
	bool is_sent;

	message_init(&message, MESSAGE_RESOLVE, l->base.entry.id);
	message_put_u32(&message, number);
	message_put_bytes(&message, lmtp_session_recipient(l->session, number));
	l->base.is_remembered = true;
	is_sent = connection_send(&l->base, ROLE_AUTH, &message);
	message_release(&message);
	if (!is_sent) {
		lmtp_session_resolved(l->session, ERR_TRY_LATER);
		return ADVANCE_WRITE;
	}
	l->waiting = WAITING_RESOLVED;
	return ADVANCE_HOLD;
}

/* ---- the beginning of a delivery ---- */

static void
make_id(struct lmtp_connection *l)
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	unsigned char random[DELIVERY_ID_OCTETS];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return;
	for (size_t i = 0; i < sizeof(random); i++)
		l->id[i] = digits[random[i] & 31];
}

static bool
make_stamp(struct lmtp_connection *l, unsigned number, struct buffer *out)
{
	char peer[ADDRESS_TEXT_SIZE + 3];
	struct bytes host = connection_peer_host(&l->base);
	struct stamp stamp = {
		.reverse_path = lmtp_session_reverse_path(l->session),
		.recipient = lmtp_session_recipient(l->session, number),
		.helo = lmtp_session_helo(l->session),
		.hostname = bytes_of_string(l->base.settings->all.hostname),
		.id = bytes_of_string(l->id),
		.protocol = "LMTP",
		.now_seconds = clock_wall_seconds(),
	};
	bool is_unix = host.octets >= 4 && host.at[0] == 'u';

	snprintf(peer, sizeof(peer),
		is_unix		    ? "unix"
		: host.at[0] == '[' ? "%.*s"
				    : "[%.*s]",
		(int)host.octets, (const char *)host.at);
	stamp.peer = bytes_of_string(peer);
	return stamp_write(&stamp, out);
}

/* One message for as many recipients as fit; the last is the real BEGIN. */
static bool
send_begin(struct lmtp_connection *l)
{
	unsigned count = lmtp_session_recipient_count(l->session);
	struct message message;
	struct buffer stamp;
	bool is_good = true;

	message_init(&message, 0, 0);
	buffer_init(&stamp, STAMP_MAXIMUM_OCTETS);
	make_id(l);
	for (unsigned i = 0; is_good && i < count; i++) {
		message_reset(&message,
			i + 1 < count ? MESSAGE_APPEND_BEGIN_PIECE
				      : MESSAGE_APPEND_BEGIN,
			l->base.entry.id);
		buffer_clear(&stamp);
		is_good = make_stamp(l, i, &stamp);
		message_put_u32(&message, 1);
		message_put_u32(&message, i);
		message_put_bytes(&message, buffer_bytes(&stamp));
		is_good = is_good &&
			  connection_send(&l->base, ROLE_STORE, &message);
	}
	buffer_release(&stamp);
	message_release(&message);
	return is_good;
}

static enum advance
begin(struct lmtp_connection *l)
{
	l->is_store_lost = false;
	if (!send_begin(l)) {
		lmtp_session_begun(l->session, ERR_TRY_LATER);
		return ADVANCE_WRITE;
	}
	l->waiting = WAITING_BEGUN;
	return ADVANCE_HOLD;
}

/* ---- its body and its end ---- */

static enum advance
send_body(struct lmtp_connection *l)
{
	struct message message;

	if (l->is_store_lost) {
		buffer_clear(&l->body);
		return ADVANCE_READ;
	}
	if (l->credits == 0) {
		l->waiting = WAITING_CREDIT;
		return ADVANCE_WAIT;
	}
	message_init(&message, MESSAGE_APPEND_DATA, l->base.entry.id);
	message_put_bytes(&message, buffer_bytes(&l->body));
	l->credits--;
	if (!connection_send(&l->base, ROLE_STORE, &message))
		l->is_store_lost = true;
	message_release(&message);
	buffer_clear(&l->body);
	return ADVANCE_READ;
}

static void
deliver_none(struct lmtp_connection *l)
{
	unsigned count = lmtp_session_recipient_count(l->session);

	for (unsigned i = 0; i < count; i++)
		lmtp_session_delivered(l->session, i, ERR_TRY_LATER);
	l->undelivered = 0;
}

/* With the end of the body, which is all of a small one. */
static bool
send_commit(struct lmtp_connection *l)
{
	struct message message;
	bool is_sent;

	message_init(&message, MESSAGE_APPEND_COMMIT, l->base.entry.id);
	message_put_bytes(&message, buffer_bytes(&l->body));
	is_sent = connection_send(&l->base, ROLE_STORE, &message);
	message_release(&message);
	return is_sent;
}

static enum advance
commit(struct lmtp_connection *l)
{
	bool is_sent = !l->is_store_lost && send_commit(l);

	buffer_clear(&l->body);
	if (!is_sent) {
		deliver_none(l);
		return ADVANCE_WRITE;
	}
	l->undelivered = lmtp_session_recipient_count(l->session);
	l->waiting = WAITING_DELIVERED;
	return ADVANCE_WAIT;
}

/* ---- driving ---- */

static enum lmtp_next
step(struct lmtp_connection *l)
{
	struct connection *c = &l->base;
	struct bytes in = buffer_bytes(&c->in);
	size_t before = in.octets;
	enum lmtp_next next =
		lmtp_session_step(l->session, &in, &c->out, &l->body);

	buffer_consume(&c->in, before - in.octets);
	return next;
}

static enum advance
carry_out(struct lmtp_connection *l, enum lmtp_next next)
{
	switch (next) {
	case LMTP_READ:
		return ADVANCE_READ;
	case LMTP_WRITE:
		return ADVANCE_WRITE;
	case LMTP_RESOLVE:
		return resolve(l);
	case LMTP_BEGIN:
		return begin(l);
	case LMTP_BODY:
		return send_body(l);
	case LMTP_COMMIT:
		return commit(l);
	case LMTP_ABORT:
		send_plain(l, MESSAGE_APPEND_ABORT);
		return ADVANCE_WRITE;
	case LMTP_CLOSE:
	default:
		return ADVANCE_CLOSE;
	}
}

static enum advance
lmtp_advance(struct connection *c)
{
	struct lmtp_connection *l = lmtp_of(c);
	enum advance advance;
	enum lmtp_next next;

	if (l->waiting)
		return l->waiting == WAITING_RESOLVED ||
				       l->waiting == WAITING_BEGUN
			       ? ADVANCE_HOLD
			       : ADVANCE_WAIT;
	do {
		/* A body that waited for credit goes first. */
		next = l->body.octets > 0 ? LMTP_BODY : step(l);
		if (next == LMTP_BODY && lmtp_session_has_ended(l->session))
			next = step(l);
		advance = carry_out(l, next);
	} while (next == LMTP_BODY && advance == ADVANCE_READ);
	if (advance == ADVANCE_READ)
		buffer_trim(&l->body);
	return advance;
}

/* ---- answers ---- */

static bool
on_resolved(struct lmtp_connection *l, struct message_reader *reader)
{
	uint32_t number = message_get_u32(reader);
	enum outcome outcome = message_get_u8(reader);

	if (!message_reader_finish(reader) || l->waiting != WAITING_RESOLVED ||
		number != lmtp_session_recipient_count(l->session))
		return false;
	l->waiting = WAITING_NOT;
	lmtp_session_resolved(l->session, outcome);
	return true;
}

static bool
on_begun(struct lmtp_connection *l, struct message_reader *reader)
{
	enum outcome outcome = message_get_u8(reader);

	if (!message_reader_finish(reader) || l->waiting != WAITING_BEGUN)
		return false;
	l->waiting = WAITING_NOT;
	/* Only now: credits of an aborted delivery came before. */
	l->credits = APPEND_CREDITS;
	lmtp_session_begun(l->session, outcome);
	return true;
}

static bool
on_credit(struct lmtp_connection *l, struct message_reader *reader)
{
	uint32_t credits = message_get_u32(reader);

	if (!message_reader_finish(reader) ||
		credits > APPEND_CREDITS - l->credits)
		return false;
	l->credits += credits;
	if (l->waiting == WAITING_CREDIT)
		l->waiting = WAITING_NOT;
	return true;
}

/* Which message it is knows the MTA that brought it. */
static void
log_delivery_as_dovecot(
	struct lmtp_connection *l, uint32_t number, enum outcome outcome)
{
	char who[LOG_QUOTED_OCTETS + 64], to[LOG_QUOTED_OCTETS];

	snprintf(who, sizeof(who), "lmtp(%s)<%d><%s>",
		log_plain(to, lmtp_session_recipient(l->session, number)),
		(int)getpid(), l->base.id);
	if (outcome == OK)
		log_as(LOG_LEVEL_INFO, who,
			"msgid=unspecified: saved mail to INBOX");
	else
		log_as(LOG_LEVEL_INFO, who,
			"msgid=unspecified: save failed to INBOX: %s",
			outcome_name(outcome));
}

static void
log_delivery(struct lmtp_connection *l, uint32_t number, enum outcome outcome)
{
	struct stats *stats = l->base.role->stats;
	char quoted[LOG_QUOTED_OCTETS];

	if (outcome == OK) {
		stats_add(stats, deliveries, 1);
		l->delivered++;
	} else {
		stats_add(stats, rejected_deliveries, 1);
		l->refused++;
	}
	if (log_is_dovecot()) {
		log_delivery_as_dovecot(l, number, outcome);
		return;
	}
	log_event(outcome == OK ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
		outcome == OK ? "delivered" : "not-delivered",
		"id=%s addr=%s delivery=%s to=%s outcome=%s", l->base.id,
		l->base.peer, l->id,
		log_quote(quoted, lmtp_session_recipient(l->session, number)),
		outcome_name(outcome));
}

static bool
on_delivered(struct lmtp_connection *l, struct message_reader *reader)
{
	uint32_t number = message_get_u32(reader);
	enum outcome outcome = message_get_u8(reader);

	if (!message_reader_finish(reader) || l->waiting != WAITING_DELIVERED ||
		number >= lmtp_session_recipient_count(l->session))
		return false;
	log_delivery(l, number, outcome);
	lmtp_session_delivered(l->session, number, outcome);
	if (--l->undelivered == 0)
		l->waiting = WAITING_NOT;
	return true;
}

static bool
lmtp_answer(struct connection *c, struct message *message)
{
	struct lmtp_connection *l = lmtp_of(c);
	struct message_reader reader;

	message_reader_init(&reader, message);
	switch (message->type) {
	case MESSAGE_RESOLVED:
		return on_resolved(l, &reader);
	case MESSAGE_APPEND_BEGUN:
		return on_begun(l, &reader);
	case MESSAGE_CREDIT:
		return on_credit(l, &reader);
	case MESSAGE_DELIVERED:
		return on_delivered(l, &reader);
	default:
		return false;
	}
}

static void
lmtp_lost(struct connection *c, enum role role)
{
	struct lmtp_connection *l = lmtp_of(c);
	uint8_t waiting = l->waiting;

	if (role == ROLE_AUTH && waiting != WAITING_RESOLVED)
		return;
	l->is_store_lost = role == ROLE_STORE;
	/* Auth answers all the same. */
	if (role == ROLE_STORE && waiting == WAITING_RESOLVED)
		return;
	l->waiting = WAITING_NOT;
	if (waiting == WAITING_RESOLVED)
		lmtp_session_resolved(l->session, ERR_TRY_LATER);
	else if (waiting == WAITING_BEGUN)
		lmtp_session_begun(l->session, ERR_TRY_LATER);
	else if (waiting == WAITING_DELIVERED)
		/* Some may be on disk: the sender tries those again, which
		   repeats a message and never loses one (RFC 2033). */
		deliver_none(l);
}

static void
lmtp_expire(struct connection *c, const char *why)
{
	lmtp_session_expire(
		lmtp_of(c)->session, why ? why : "no command for too long");
}

static void
lmtp_nothing(struct connection *c)
{
}

const struct protocol protocol_lmtp = {
	.name = "lmtp",
	.octets = sizeof(struct lmtp_connection),
	.input_octets = CONNECTION_INPUT_MAXIMUM_OCTETS,
	.start = lmtp_start,
	.advance = lmtp_advance,
	.tls_started = lmtp_nothing,
	.answer = lmtp_answer,
	.lost = lmtp_lost,
	.expire = lmtp_expire,
	.file_failed = lmtp_nothing,
	.end = lmtp_end,
};
