/* SPDX-License-Identifier: ISC */
#include "owner.h"

#include <stdlib.h>

void
owner_open(struct owner *o, const struct lmtp_settings *settings,
	uint64_t decisions, size_t high_water_octets)
{
	*o = (struct owner){.settings = settings,
		.decisions = decisions,
		.pace = decisions,
		.session = lmtp_session_new(settings)};
	assert_non_null(o->session);
	buffer_init(&o->out, high_water_octets);
	buffer_init(&o->body, BODY_LEAST_OCTETS);
	buffer_init(&o->got, GOT_MAXIMUM_OCTETS);
	buffer_init(&o->data, GOT_MAXIMUM_OCTETS);
	buffer_init(&o->store, GOT_MAXIMUM_OCTETS);
}

void
owner_close(struct owner *o)
{
	lmtp_session_free(&o->session);
	assert_null(o->session);
	buffer_release(&o->out);
	buffer_release(&o->body);
	buffer_release(&o->got);
	buffer_release(&o->data);
	buffer_release(&o->store);
}

/* ---- the client reads ---- */

static void
read_octets(struct owner *o, size_t octets)
{
	struct bytes ready = buffer_bytes(&o->out);

	if (octets > ready.octets)
		octets = ready.octets;
	assert_true(buffer_append(&o->got, ready.at, octets));
	buffer_consume(&o->out, octets);
}

void
owner_read_all(struct owner *o)
{
	read_octets(o, SIZE_MAX);
}

/* ---- what the session asks for ---- */

static enum outcome
decide(struct owner *o)
{
	static const enum outcome failures[] = {ERR_DENIED, ERR_TRY_LATER,
		ERR_OVER_QUOTA, ERR_SOFT_QUOTA, ERR_NO_SPACE, ERR_BROKEN};
	uint64_t which;

	if (o->decisions == DECISIONS_GOOD)
		return OK;
	which = random_below(&o->decisions, 5 * COUNT(failures));
	return which < COUNT(failures) ? failures[which] : OK;
}

static void
begin(struct owner *o)
{
	enum outcome outcome = decide(o);

	assert_false(o->has_begun);
	assert_true(lmtp_session_recipient_count(o->session) > 0);
	buffer_clear(&o->data);
	o->begins++;
	o->begins_failed += outcome != OK;
	/* Of several appends the last may be the one that fails. */
	o->has_begun = true;
	lmtp_session_begun(o->session, outcome);
}

static void
take_body(struct owner *o)
{
	assert_true(o->has_begun);
	assert_true(o->body.octets > 0);
	assert_true(buffer_append_bytes(&o->data, buffer_bytes(&o->body)));
	buffer_clear(&o->body);
	/* A message that is too large is not brought to its end. */
	assert_true(o->data.octets <=
		    o->settings->maximum_message_octets + BODY_LEAST_OCTETS);
}

static void
store_data(struct owner *o)
{
	unsigned count = lmtp_session_recipient_count(o->session);

	assert_true(buffer_append_bytes(
		&o->store, lmtp_session_reverse_path(o->session)));
	for (unsigned i = 0; i < count; i++)
		assert_true(buffer_append_string(&o->store, i ? "," : ">") &&
			    buffer_append_bytes(&o->store,
				    lmtp_session_recipient(o->session, i)));
	assert_true(buffer_append_string(&o->store, ":") &&
		    buffer_append_bytes(&o->store, buffer_bytes(&o->data)));
}

/* Deliveries end one by one, in any order. */
static void
commit(struct owner *o)
{
	unsigned count = lmtp_session_recipient_count(o->session);

	assert_true(o->has_begun);
	o->has_begun = false;
	o->commits++;
	store_data(o);
	for (unsigned i = 0; i < count; i++) {
		unsigned at = (unsigned)random_below(&o->pace, i + 1);

		o->outcomes[i] = decide(o);
		o->order[i] = o->order[at];
		o->order[at] = i;
	}
	o->undelivered = count;
}

static void
deliver_one(struct owner *o)
{
	unsigned index = o->order[--o->undelivered];

	lmtp_session_delivered(o->session, index, o->outcomes[index]);
}

static void
abort_append(struct owner *o)
{
	assert_true(o->has_begun);
	o->has_begun = false;
	o->aborts++;
	buffer_clear(&o->data);
}

/* ---- driving ---- */

static void
make_progress(struct owner *o)
{
	bool has_output = o->out.octets > 0;

	/* A step that says so for nothing may be followed by another. */
	assert_true(has_output || o->undelivered > 0 || ++o->waits < 3);
	if (has_output)
		read_octets(o, o->most_octets ? 1 + random_below(&o->pace,
							    o->most_octets)
					      : SIZE_MAX);
	else if (o->undelivered > 0)
		deliver_one(o);
}

/* False: it wants more input, or no more at all. */
static bool
drive_once(struct owner *o, struct bytes *in)
{
	size_t before = in->octets;
	enum lmtp_next next =
		lmtp_session_step(o->session, in, &o->out, &o->body);

	assert_true(o->out.octets <= o->out.maximum);
	if (next != LMTP_WRITE || in->octets != before)
		o->waits = 0;
	if (o->must_commit && next != LMTP_WRITE) {
		assert_int_equal(next, LMTP_COMMIT);
		o->must_commit = false;
	}
	switch (next) {
	case LMTP_WRITE:
		make_progress(o);
		return true;
	case LMTP_RESOLVE:
		lmtp_session_resolved(o->session, decide(o));
		return true;
	case LMTP_BEGIN:
		begin(o);
		return true;
	case LMTP_BODY:
		o->must_commit = lmtp_session_has_ended(o->session);
		take_body(o);
		return true;
	case LMTP_COMMIT:
		commit(o);
		return true;
	case LMTP_ABORT:
		abort_append(o);
		return true;
	case LMTP_CLOSE:
		o->is_closed = true;
		return false;
	case LMTP_READ:
	default:
		assert_int_equal(in->octets, 0);
		return false;
	}
}

/* In memory of exactly its size, so that none is read behind it. */
struct bytes
owner_bring(struct owner *o, struct bytes in)
{
	unsigned char *copy = malloc(in.octets ? in.octets : 1);
	struct bytes rest = bytes_of(copy, in.octets);

	assert_non_null(copy);
	if (in.octets > 0)
		memcpy(copy, in.at, in.octets);
	while (drive_once(o, &rest))
		;
	free(copy);
	return bytes_after(in, in.octets - rest.octets);
}

const char *
owner_ask(struct owner *o, const char *octets)
{
	const char *text;

	owner_read_all(o);
	buffer_clear(&o->got);
	owner_bring(o, bytes_of_string(octets));
	owner_read_all(o);
	assert_true(buffer_append(&o->got, "", 1));
	text = (const char *)buffer_bytes(&o->got).at;
	o->got.octets--;
	return text;
}
