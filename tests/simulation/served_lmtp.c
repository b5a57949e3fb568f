/* SPDX-License-Identifier: ISC */
/* The owner of an lmtp_session. */
#include "chance.h"
#include "model.h"
#include "served.h"
#include "trace.h"

#include "lmtp/session.h"

#include <string.h>

#define BODY_OCTETS	   4096
#define RECIPIENTS_MAXIMUM MAILBOXES

enum stage { TALKING, BEGINNING, WRITING, COMMITTING };

struct lmtp;

struct recipient {
	struct lmtp *lmtp;
	struct store_append_call call;
	bool is_begun, is_told;
};

struct lmtp {
	struct served base; /* first */
	struct lmtp_settings settings;
	struct lmtp_session *session;
	struct buffer body;
	enum stage stage;
	unsigned count, awaited;
	bool is_store_lost;
	enum outcome outcome; /* the first failure */
	struct recipient recipients[RECIPIENTS_MAXIMUM];
};

static struct lmtp *
lmtp_of(struct served *served)
{
	return (struct lmtp *)served;
}

static bool
start(struct served *served)
{
	struct lmtp *l = lmtp_of(served);

	l->settings = lmtp_settings_default;
	l->settings.hostname = "office";
	buffer_init(&l->body, BODY_OCTETS);
	l->session = lmtp_session_new(&l->settings);
	return l->session != NULL;
}

static void
abort_all(struct lmtp *l)
{
	for (unsigned i = 0; i < l->count; i++) {
		struct recipient *r = &l->recipients[i];

		if (r->is_begun && r->call.append)
			office.store->ops->append_abort(
				office.store, &r->call.append);
		r->is_begun = false;
	}
	l->count = 0;
}

/* ---- calls ---- */

static void
tell_all(struct lmtp *l)
{
	enum stage stage = l->stage;

	l->stage = TALKING;
	if (stage == BEGINNING && l->outcome != OK)
		abort_all(l);
	if (stage == BEGINNING)
		lmtp_session_begun(l->session, l->outcome);
	if (stage == COMMITTING)
		l->count = 0;
	if (stage == WRITING)
		buffer_clear(&l->body);
}

/* The message of one recipient is stored, or not. */
static void
delivered(struct lmtp *l, struct recipient *r)
{
	unsigned index = (unsigned)(r - l->recipients);

	trace("session", "lmtp %llu delivers for %s: %s",
		(unsigned long long)l->base.number, r->call.mailbox,
		outcome_name(r->call.call.outcome));
	r->is_begun = false;
	r->is_told = true;
	lmtp_session_delivered(l->session, index, r->call.call.outcome);
}

static void
on_done(struct store_call *call)
{
	struct recipient *r =
		(struct recipient *)((char *)call -
				     offsetof(struct recipient, call));
	struct lmtp *l = r->lmtp;

	if (l->stage == BEGINNING && call->outcome == OK)
		r->is_begun = true;
	/* Its connection has gone meanwhile. */
	if (!l->base.wire && r->is_begun && l->stage == BEGINNING)
		office.store->ops->append_abort(office.store, &r->call.append);
	if (!served_call_ended(&l->base))
		return;
	if (l->outcome == OK && l->stage == BEGINNING)
		l->outcome = call->outcome;
	if (l->stage == COMMITTING)
		delivered(l, r);
	if (--l->awaited > 0)
		return;
	tell_all(l);
}

static void
call_all(struct lmtp *l, enum stage stage,
	void (*operation)(struct store *store, struct store_append_call *call))
{
	unsigned count = l->count;

	l->stage = stage;
	l->outcome = OK;
	l->awaited = count;
	for (unsigned i = 0; i < count; i++) {
		struct recipient *r = &l->recipients[i];

		r->call.chunk = buffer_bytes(&l->body);
		served_call_begins(&l->base);
		operation(office.store, &r->call);
	}
}

/* As deliver_none of the server: the sender tries all of them again. */
static enum advance
deliver_none(struct lmtp *l)
{
	unsigned count = lmtp_session_recipient_count(l->session);

	for (unsigned i = 0; i < count; i++)
		if (!l->recipients[i].is_told)
			lmtp_session_delivered(l->session, i, ERR_TRY_LATER);
	l->count = 0;
	l->is_store_lost = false;
	return ADVANCE_AGAIN;
}

static enum advance
begin(struct lmtp *l)
{
	l->is_store_lost = false;
	l->count = lmtp_session_recipient_count(l->session);
	if (!office.store) {
		l->count = 0;
		lmtp_session_begun(l->session, ERR_TRY_LATER);
		return ADVANCE_AGAIN;
	}
	for (unsigned i = 0; i < l->count; i++) {
		struct bytes address = lmtp_session_recipient(l->session, i);
		int mailbox = mailbox_number(bytes_cut(&address, '@'));

		l->recipients[i] = (struct recipient){
			.lmtp = l,
			.call.call.done = on_done,
			.call.mailbox = mailbox_names[mailbox],
		};
	}
	call_all(l, BEGINNING, office.store->ops->append_begin);
	return ADVANCE_WAIT;
}

static void
resolve(struct lmtp *l)
{
	unsigned index = lmtp_session_recipient_count(l->session);
	struct bytes address = lmtp_session_recipient(l->session, index);
	int mailbox = mailbox_number(bytes_cut(&address, '@'));

	lmtp_session_resolved(l->session, mailbox < 0	  ? ERR_DENIED
					  : !office.store ? ERR_TRY_LATER
							  : OK);
}

/* ---- driving ---- */

static enum advance
carry_out(struct lmtp *l, enum lmtp_next next)
{
	switch (next) {
	case LMTP_READ:
		return ADVANCE_READ;
	case LMTP_WRITE:
		return ADVANCE_WRITE;
	case LMTP_RESOLVE:
		resolve(l);
		return ADVANCE_AGAIN;
	case LMTP_BEGIN:
		return begin(l);
	case LMTP_BODY:
		if (l->is_store_lost) {
			buffer_clear(&l->body);
			return ADVANCE_AGAIN;
		}
		call_all(l, WRITING, office.store->ops->append_write);
		return ADVANCE_WAIT;
	case LMTP_COMMIT:
		if (l->is_store_lost)
			return deliver_none(l);
		call_all(l, COMMITTING, office.store->ops->append_commit);
		return ADVANCE_WAIT;
	case LMTP_ABORT:
		abort_all(l);
		return ADVANCE_AGAIN;
	case LMTP_CLOSE:
	default:
		return ADVANCE_CLOSE;
	}
}

static enum advance
advance(struct served *served, struct bytes *in)
{
	struct lmtp *l = lmtp_of(served);

	if (l->stage != TALKING)
		return ADVANCE_WAIT;
	return carry_out(
		l, lmtp_session_step(l->session, in, &served->out, &l->body));
}

static void
expire(struct served *served)
{
	lmtp_session_expire(lmtp_of(served)->session, "idle for too long");
}

/* ---- what may come at any moment ---- */

static void
lost(struct served *served)
{
	struct lmtp *l = lmtp_of(served);
	enum stage stage = l->stage;

	l->stage = TALKING;
	l->is_store_lost |= l->count > 0;
	if (stage != COMMITTING)
		abort_all(l);
	buffer_clear(&l->body);
	if (!served->wire)
		return;
	if (stage == BEGINNING)
		lmtp_session_begun(l->session, ERR_TRY_LATER);
	else if (stage == COMMITTING)
		deliver_none(l);
}

static void
end(struct served *served)
{
	struct lmtp *l = lmtp_of(served);

	if (l->stage != COMMITTING)
		abort_all(l);
}

static void
free_all(struct served *served)
{
	struct lmtp *l = lmtp_of(served);

	lmtp_session_free(&l->session);
	buffer_release(&l->body);
}

const struct served_protocol served_lmtp = {
	.name = "lmtp",
	.octets = sizeof(struct lmtp),
	.start = start,
	.advance = advance,
	.expire = expire,
	.lost = lost,
	.end = end,
	.release = free_all,
};
