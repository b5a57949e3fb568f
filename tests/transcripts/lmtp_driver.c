/* SPDX-License-Identifier: ISC */
/*
 * The owner of an lmtp_session. Mail to NAME@example.org is for NAME; no header
 * lines are put in front, so that transcripts show the octets that came.
 *
 * What became of each recipient is said one at a time, the last first in the
 * modes pipelined and drip: the replies' order is RCPT's all the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialog.h"
#include "lmtp/session.h"

#define BODY_OCTETS 4096

struct lmtp_owner {
	struct lmtp_settings settings;
	struct lmtp_session *session;
	struct buffer body;
	struct store_append *appends[LMTP_RECIPIENTS_MAXIMUM];
	unsigned begun;	      /* appends */
	unsigned undelivered; /* recipients not yet told of, after COMMIT */
};

static bool
start(struct dialog *d)
{
	struct lmtp_owner *o = calloc(1, sizeof(*o));
	const char *bare_newline = dialog_text(d, KEY_BARE_NEWLINE);

	if (!o)
		return false;
	o->settings = lmtp_settings_default;
	o->settings.hostname = "mail.example.org";
	o->settings.maximum_message_octets = dialog_number(
		d, KEY_MAXIMUM_OCTETS, o->settings.maximum_message_octets);
	o->settings.rejects_bare_newline =
		bare_newline && strcmp(bare_newline, "reject") == 0;
	buffer_init(&o->body, BODY_OCTETS);
	d->owner = o;
	o->session = lmtp_session_new(&o->settings);
	return o->session != NULL;
}

static void
forget_appends(struct dialog *d)
{
	struct lmtp_owner *o = d->owner;
	struct store *store = d->office->store;

	for (unsigned i = 0; i < o->begun; i++)
		store->ops->append_abort(store, &o->appends[i]);
	o->begun = 0;
}

static void
end(struct dialog *d)
{
	struct lmtp_owner *o = d->owner;

	forget_appends(d);
	lmtp_session_free(&o->session);
	buffer_release(&o->body);
	free(o);
	d->owner = NULL;
}

static void
handshake(struct dialog *d)
{
}

static void
expire(struct dialog *d, const char *why)
{
	lmtp_session_expire(((struct lmtp_owner *)d->owner)->session, why);
}

/* ---- recipients ---- */

/* "alice" of "alice@example.org"; NULL when nobody is called that. */
static const struct person *
person_at(struct bytes address)
{
	struct bytes domain = address;
	struct bytes name = bytes_cut(&domain, '@');

	if (!bytes_equal_ignoring_case(domain, bytes_of_string("example.org")))
		return NULL;
	return person_named(name);
}

static const struct person *
recipient(const struct lmtp_owner *o, unsigned index)
{
	return person_at(lmtp_session_recipient(o->session, index));
}

static void
resolve(struct dialog *d)
{
	struct lmtp_owner *o = d->owner;
	const struct person *person =
		recipient(o, lmtp_session_recipient_count(o->session));
	enum outcome outcome = ERR_DENIED;

	if (person)
		outcome = dialog_outcome_for(
			d, KEY_RESOLVE_FAILS, bytes_of_string(person->name));
	lmtp_session_resolved(o->session, outcome);
}

/* ---- a delivery ---- */

static enum outcome
begin_append(struct dialog *d, unsigned index)
{
	struct lmtp_owner *o = d->owner;
	struct store_append_call call = {
		.call.done = post_office_done,
		.mailbox = recipient(o, index)->name,
	};

	d->office->store->ops->append_begin(d->office->store, &call);
	if (call.call.outcome == OK)
		o->appends[o->begun++] = call.append;
	return call.call.outcome;
}

static void
begin(struct dialog *d)
{
	struct lmtp_owner *o = d->owner;
	unsigned count = lmtp_session_recipient_count(o->session);
	enum outcome outcome = OK;

	if (o->begun > 0)
		report_failure(d->report, 0, "no delivery begun before", "one");
	for (unsigned i = 0; i < count && outcome == OK; i++)
		outcome = begin_append(d, i);
	if (outcome == OK)
		outcome = dialog_outcome(d, KEY_BEGIN_FAILS);
	lmtp_session_begun(o->session, outcome);
}

static void
write_body(struct dialog *d)
{
	struct lmtp_owner *o = d->owner;
	struct store *store = d->office->store;

	for (unsigned i = 0; i < o->begun; i++) {
		struct store_append_call call = {
			.call.done = post_office_done,
			.chunk = buffer_bytes(&o->body),
			.append = o->appends[i],
		};

		store->ops->append_write(store, &call);
	}
	buffer_clear(&o->body);
}

static enum outcome
deliver(struct dialog *d, unsigned index)
{
	struct lmtp_owner *o = d->owner;
	struct store *store = d->office->store;
	struct store_append_call call = {
		.call.done = post_office_done,
		.append = o->appends[index],
	};
	enum outcome fault = dialog_outcome_for(d, KEY_DELIVERY_FAILS,
		bytes_of_string(recipient(o, index)->name));

	if (fault != OK) {
		store->ops->append_abort(store, &o->appends[index]);
		return fault;
	}
	store->ops->append_commit(store, &call);
	o->appends[index] = NULL;
	return call.call.outcome;
}

static void
deliver_next(struct dialog *d)
{
	struct lmtp_owner *o = d->owner;
	bool is_last_first = d->mode == MODE_PIPELINED || d->mode == MODE_DRIP;
	unsigned index =
		is_last_first ? o->undelivered - 1 : o->begun - o->undelivered;

	o->undelivered--;
	lmtp_session_delivered(o->session, index, deliver(d, index));
	if (o->undelivered == 0)
		o->begun = 0;
}

/* ---- driving ---- */

static enum advance
carry_out(struct dialog *d, enum lmtp_next next)
{
	struct lmtp_owner *o = d->owner;

	switch (next) {
	case LMTP_READ:
		return ADVANCE_READ;
	case LMTP_WRITE:
		return ADVANCE_WRITE;
	case LMTP_RESOLVE:
		resolve(d);
		break;
	case LMTP_BEGIN:
		begin(d);
		break;
	case LMTP_BODY:
		write_body(d);
		break;
	case LMTP_COMMIT:
		o->undelivered = lmtp_session_recipient_count(o->session);
		break;
	case LMTP_ABORT:
		if (o->begun == 0)
			report_failure(d->report, 0,
				"an abort of what was begun", "another");
		forget_appends(d);
		break;
	case LMTP_CLOSE:
	default:
		return ADVANCE_CLOSE;
	}
	return ADVANCE_AGAIN;
}

static enum advance
advance(struct dialog *d, struct bytes *in)
{
	struct lmtp_owner *o = d->owner;

	if (o->undelivered > 0)
		deliver_next(d);
	return carry_out(
		d, lmtp_session_step(o->session, in, &d->out, &o->body));
}

const struct protocol protocol_lmtp = {
	.start = start,
	.advance = advance,
	.handshake = handshake,
	.expire = expire,
	.end = end,
};
