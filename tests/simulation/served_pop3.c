/* SPDX-License-Identifier: ISC */
/* The owner of a pop3_session: what session, auth and store roles do. */
#include "chance.h"
#include "model.h"
#include "served.h"
#include "trace.h"

#include "pop3/session.h"
#include "store/snapshot.h"

#include <string.h>
#include <unistd.h>

#define PIECE_OCTETS 4096
#define DAY_SECONDS  86400

enum waiting { WAITING_NOT, WAITING_AUTH, WAITING_FILE, WAITING_COMMIT };

struct pop3 {
	struct served base; /* first */
	struct pop3_settings settings;
	struct pop3_session *session;
	struct snapshot *snapshot;
	int mailbox; /* -1: nobody is logged in */
	struct store_session *maildrop;
	struct store_expire_call expire;
	struct store_open_call open;
	struct store_read_call read;
	struct store_commit_call commit;
	struct store_note_call note;
	enum waiting waiting;
	/* the message on its way */
	int fd;
	bool is_raw, is_raw_begun;
	bool is_expired;
	unsigned failures, failed_calls; /* of the office, when it began */
	uint64_t offset, left;
};

static unsigned holders[MAILBOXES];

static struct pop3 *
pop3_of(struct served *served)
{
	return (struct pop3 *)served;
}

static struct pop3 *
owner_of(struct store_call *call, size_t offset)
{
	return (struct pop3 *)((char *)call - offset);
}

static bool
start(struct served *served)
{
	struct pop3 *p = pop3_of(served);

	p->failures = office.failures;
	p->failed_calls = office_failed_calls();
	p->mailbox = -1;
	p->fd = p->read.descriptor = -1;
	p->settings = pop3_settings_default;
	p->settings.hostname = "office";
	p->settings.mechanisms = "";
	p->settings.may_plaintext_without_tls = true;
	p->settings.policy.expire_days =
		(uint32_t)(office.settings.kept_seconds / DAY_SECONDS);
	p->settings.policy.tracks_retrieval =
		office.settings.is_kept_from_retrieval;
	p->session = pop3_session_new(&p->settings, false, NULL);
	return p->session != NULL;
}

/* ---- the lock ---- */

static void
hold(struct pop3 *p)
{
	if (++holders[p->mailbox] > 1)
		violation("two sessions have %s open at once",
			mailbox_names[p->mailbox]);
}

static void
release(struct pop3 *p)
{
	if (!p->maildrop)
		return;
	holders[p->mailbox]--;
	trace("session", "pop3 %llu releases %s",
		(unsigned long long)p->base.number, mailbox_names[p->mailbox]);
	office.store->ops->release(office.store, &p->maildrop);
}

/* ---- logging in ---- */

static void
refuse(struct pop3 *p, enum outcome outcome)
{
	p->mailbox = -1;
	trace("session", "pop3 %llu refused: %s",
		(unsigned long long)p->base.number, outcome_name(outcome));
	pop3_session_refused(p->session, outcome);
}

static void
opened(struct pop3 *p)
{
	struct store_snapshot from = p->open.snapshot;
	int fd = from.descriptor;

	from.descriptor = disk_export(&office.store_process, fd);
	office.store_process.files.close(&office.store_process.files, &fd);
	if (from.descriptor < 0 || snapshot_new(&from, &p->snapshot) != OK)
		violation("no memory for a snapshot");
	hold(p);
	trace("session", "pop3 %llu opens %s: %u messages",
		(unsigned long long)p->base.number, mailbox_names[p->mailbox],
		p->open.snapshot.count);
	pop3_session_opened(p->session, snapshot_maildrop(p->snapshot));
}

static void
on_opened(struct store_call *call)
{
	struct pop3 *p = owner_of(call, offsetof(struct pop3, open));
	bool is_there = call->outcome == OK;

	if (is_there)
		p->maildrop = p->open.session;
	if (is_there && (office.is_store_dying || !p->base.wire)) {
		/* Nobody is there to have it. */
		int fd = p->open.snapshot.descriptor;

		office.store_process.files.close(
			&office.store_process.files, &fd);
		holders[p->mailbox]++;
		release(p);
	}
	if (!served_call_ended(&p->base))
		return;
	p->waiting = WAITING_NOT;
	if (is_there)
		opened(p);
	else
		refuse(p, call->outcome);
}

static void
open_maildrop(struct pop3 *p)
{
	p->open = (struct store_open_call){
		.call.done = on_opened,
		.mailbox = mailbox_names[p->mailbox],
		.snapshot.descriptor = -1,
	};
	served_call_begins(&p->base);
	office.store->ops->open(office.store, &p->open);
}

static void
on_expired(struct store_call *call)
{
	struct pop3 *p = owner_of(call, offsetof(struct pop3, expire));

	if (p->expire.removed > 0)
		trace("store", "expires %u messages of %s", p->expire.removed,
			mailbox_names[p->mailbox]);
	if (served_call_ended(&p->base))
		open_maildrop(p);
}

static enum advance
authenticate(struct pop3 *p)
{
	const struct pop3_authentication *a =
		pop3_session_authentication(p->session);

	if (a->is_cancelled)
		return ADVANCE_AGAIN;
	p->mailbox = mailbox_number(a->user);
	if (p->mailbox < 0 || !office.store ||
		!bytes_equal(a->response, bytes_of_string("secret"))) {
		refuse(p, office.store ? ERR_DENIED : ERR_TRY_LATER);
		return ADVANCE_AGAIN;
	}
	p->waiting = WAITING_AUTH;
	if (office.settings.kept_seconds == 0) {
		open_maildrop(p);
		return ADVANCE_WAIT;
	}
	p->expire = (struct store_expire_call){
		.call.done = on_expired,
		.mailbox = mailbox_names[p->mailbox],
		.kept_seconds = office.settings.kept_seconds,
		.is_from_retrieval = office.settings.is_kept_from_retrieval,
	};
	served_call_begins(&p->base);
	office.store->ops->expire(office.store, &p->expire);
	return ADVANCE_WAIT;
}

/* ---- messages ---- */

static void
close_file(struct pop3 *p)
{
	struct files *files = &office.session_process.files;

	files->close(files, &p->fd);
}

static void
take_file(struct pop3 *p)
{
	const struct pop3_reading *wanted = pop3_session_reading(p->session);

	p->offset = p->read.offset;
	p->left = p->read.octets;
	p->is_raw_begun = false;
	p->is_raw = wanted->may_send_raw && chance_one_in(2);
	if (p->left != wanted->stored_octets) {
		close_file(p);
		pop3_session_read_failed(p->session, ERR_BROKEN);
	}
}

static void
on_read(struct store_call *call)
{
	struct pop3 *p = owner_of(call, offsetof(struct pop3, read));
	bool is_there = call->outcome == OK;

	if (is_there)
		p->fd = disk_hand_over(&office.store_process,
			&p->read.descriptor, &office.session_process);
	/* Before: it may be freed. */
	if (!p->base.wire || office.is_store_dying)
		close_file(p);
	if (!served_call_ended(&p->base))
		return;
	p->waiting = WAITING_NOT;
	if (is_there) {
		take_file(p);
	} else {
		trace("session", "pop3 %llu cannot read %u: %s",
			(unsigned long long)p->base.number, p->read.index + 1,
			outcome_name(call->outcome));
		pop3_session_read_failed(p->session, call->outcome);
	}
}

static enum advance
ask_for_message(struct pop3 *p)
{
	if (!p->maildrop) {
		pop3_session_read_failed(p->session, ERR_TRY_LATER);
		return ADVANCE_AGAIN;
	}
	p->read = (struct store_read_call){
		.call.done = on_read,
		.session = p->maildrop,
		.index = pop3_session_reading(p->session)->index,
		.descriptor = -1,
	};
	p->waiting = WAITING_FILE;
	served_call_begins(&p->base);
	office.store->ops->read(office.store, &p->read);
	return ADVANCE_WAIT;
}

static ssize_t
read_piece(struct pop3 *p, unsigned char piece[PIECE_OCTETS], size_t most)
{
	struct files *files = &office.session_process.files;

	if (most > PIECE_OCTETS)
		most = PIECE_OCTETS;
	if (most > p->left)
		most = (size_t)p->left;
	return files_read_all(files, p->fd, piece, most, p->offset);
}

static enum advance
send_raw(struct pop3 *p)
{
	unsigned char piece[PIECE_OCTETS];
	struct buffer *out = &p->base.out;
	ssize_t n;

	if (!p->is_raw_begun && !pop3_session_raw_begin(p->session, out))
		return ADVANCE_WRITE;
	p->is_raw_begun = true;
	do {
		n = read_piece(p, piece, buffer_room(out));
		if (n < 0)
			violation("the session cannot read a file it has");
		buffer_append(out, piece, (size_t)n);
		p->offset += (uint64_t)n;
		p->left -= (uint64_t)n;
	} while (n > 0);
	if (p->left > 0)
		return ADVANCE_WRITE;
	close_file(p);
	pop3_session_raw_end(p->session);
	return ADVANCE_AGAIN;
}

static enum advance
feed(struct pop3 *p)
{
	unsigned char piece[PIECE_OCTETS];
	ssize_t n = read_piece(p, piece, 1 + chance_below(PIECE_OCTETS));
	struct bytes chunk = bytes_of(piece, n > 0 ? (size_t)n : 0);
	enum pop3_feed result = pop3_session_feed(
		p->session, &chunk, p->left == chunk.octets, &p->base.out);

	p->offset += (uint64_t)n - chunk.octets;
	p->left -= (uint64_t)n - chunk.octets;
	if (result == POP3_FEED_ROOM)
		return ADVANCE_WRITE;
	if (result == POP3_FEED_MORE)
		return ADVANCE_AGAIN;
	close_file(p);
	if (result == POP3_FEED_FAILED)
		violation("pop3 %llu: other octets than were announced",
			(unsigned long long)p->base.number);
	return ADVANCE_AGAIN;
}

/* ---- the end of a session ---- */

static void
on_noted(struct store_call *call)
{
	served_call_ended(&owner_of(call, offsetof(struct pop3, note))->base);
}

/* Nothing is done with the answer. */
static void
note_retrieved(struct pop3 *p)
{
	const struct index_set *retrieved = pop3_session_retrieved(p->session);

	if (!p->maildrop || retrieved->count == 0 || p->note.call.done)
		return;
	p->note = (struct store_note_call){
		.call.done = on_noted,
		.session = p->maildrop,
		.retrieved = retrieved,
	};
	served_call_begins(&p->base);
	office.store->ops->note_retrieved(office.store, &p->note);
}

static void
on_committed(struct store_call *call)
{
	struct pop3 *p = owner_of(call, offsetof(struct pop3, commit));

	trace("session", "pop3 %llu commits: %s",
		(unsigned long long)p->base.number,
		outcome_name(call->outcome));
	if (!served_call_ended(&p->base))
		return;
	p->waiting = WAITING_NOT;
	pop3_session_committed(p->session, call->outcome);
}

static enum advance
commit(struct pop3 *p)
{
	if (!p->maildrop) {
		pop3_session_committed(p->session, ERR_TRY_LATER);
		return ADVANCE_AGAIN;
	}
	note_retrieved(p);
	p->commit = (struct store_commit_call){
		.call.done = on_committed,
		.session = p->maildrop,
		.deleted = pop3_session_deleted(p->session),
	};
	p->waiting = WAITING_COMMIT;
	served_call_begins(&p->base);
	office.store->ops->commit(office.store, &p->commit);
	return ADVANCE_WAIT;
}

/* Nobody here sends bad commands: a session that gives up has seen damage. */
static void
check_reason(struct pop3 *p)
{
	if (p->mailbox >= 0 && !p->is_expired &&
		!pop3_session_summary(p->session)->is_committed &&
		p->failures == office.failures &&
		p->failed_calls == office_failed_calls())
		violation("pop3 %llu gives up %s without a reason",
			(unsigned long long)p->base.number,
			mailbox_names[p->mailbox]);
}

static enum advance
advance(struct served *served, struct bytes *in)
{
	struct pop3 *p = pop3_of(served);

	if (p->waiting)
		return ADVANCE_WAIT;
	if (p->fd >= 0)
		return p->is_raw ? send_raw(p) : feed(p);
	switch (pop3_session_step(p->session, in, &served->out)) {
	case POP3_READ:
		return ADVANCE_READ;
	case POP3_WRITE:
		return ADVANCE_WRITE;
	case POP3_AUTHENTICATE:
		return authenticate(p);
	case POP3_READ_MESSAGE:
		return ask_for_message(p);
	case POP3_COMMIT:
		return commit(p);
	case POP3_START_TLS:
	case POP3_CLOSE:
	default:
		check_reason(p);
		/* Free before the client has read our last reply. */
		release(p);
		return ADVANCE_CLOSE;
	}
}

static void
expire(struct served *served)
{
	pop3_of(served)->is_expired = true;
	pop3_session_expire(pop3_of(served)->session, NULL);
}

/* ---- what may come at any moment ---- */

/* As pop3_lost of the server has it. */
static void
lost(struct served *served)
{
	struct pop3 *p = pop3_of(served);
	enum waiting waiting = p->waiting;

	release(p);
	p->waiting = WAITING_NOT;
	if (waiting == WAITING_AUTH)
		refuse(p, ERR_TRY_LATER);
	else if (waiting == WAITING_FILE)
		pop3_session_read_failed(p->session, ERR_TRY_LATER);
	else if (waiting == WAITING_COMMIT)
		pop3_session_committed(p->session, ERR_TRY_LATER);
	if (p->snapshot && waiting != WAITING_COMMIT)
		pop3_session_expire(p->session,
			"[SYS/TEMP] mail store restarted, log in again");
}

static void
end(struct served *served)
{
	struct pop3 *p = pop3_of(served);

	note_retrieved(p);
	release(p);
}

static void
free_all(struct served *served)
{
	struct pop3 *p = pop3_of(served);

	close_file(p);
	pop3_session_free(&p->session);
	snapshot_free(&p->snapshot);
}

const struct served_protocol served_pop3 = {
	.name = "pop3",
	.octets = sizeof(struct pop3),
	.start = start,
	.advance = advance,
	.expire = expire,
	.lost = lost,
	.end = end,
	.release = free_all,
};
