/* SPDX-License-Identifier: ISC */
#include "owner.h"

#include "message/measure.h"

#include <stdlib.h>

/* ---- the maildrop ---- */

static enum outcome
describe(const struct maildrop *base, uint32_t index,
	struct maildrop_message *out)
{
	const struct test_maildrop *maildrop =
		(const struct test_maildrop *)base;
	const struct message *message = &maildrop->messages[index];

	assert_true(index < base->count);
	if (message->flags == MESSAGE_DAMAGED)
		return ERR_BROKEN;
	*out = (struct maildrop_message){
		.octets = message->octets,
		.surrogate_octets = message->surrogate_octets,
		.stored_octets = message->stored.octets,
		.header_octets = message->header_octets,
		.uidl = bytes_of_string(message->uidl),
		.flags = message->flags,
	};
	return OK;
}

void
test_maildrop_init(struct test_maildrop *maildrop)
{
	*maildrop = (struct test_maildrop){.base.message = describe};
}

void
test_maildrop_add(struct test_maildrop *maildrop, struct bytes stored)
{
	struct message *message;
	struct measure measure;

	assert_true(maildrop->base.count < MESSAGES_MAXIMUM);
	message = &maildrop->messages[maildrop->base.count++];
	measure_init(&measure);
	measure_put(&measure, stored);
	measure_end(&measure);
	message->stored = stored;
	message->octets = measure.octets;
	message->surrogate_octets = (uint64_t)((int64_t)measure.octets +
					       measure.surrogate_difference);
	message->header_octets = measure.header_octets;
	message->flags =
		(measure.needs_stuffing ? MAILDROP_NEEDS_STUFFING : 0u) |
		(measure.needs_crlf ? MAILDROP_NEEDS_CRLF : 0u) |
		(measure.has_utf8_header ? MAILDROP_HAS_UTF8_HEADER : 0u);
	/* As long as one may be. */
	snprintf(message->uidl, sizeof(message->uidl), "%070u",
		maildrop->base.count);
	maildrop->base.octets += measure.octets;
}

void
test_maildrop_fill(struct test_maildrop *maildrop, uint32_t count)
{
	static char large[5000];
	static const struct bytes texts[] = {
		TEXT("Subject: plain\r\n\r\nbody\r\n"),
		TEXT("Subject: dots\r\n\r\n.\r\n..\r\n.dot\r\n"),
		TEXT("Subject: unix\n\nbody\n.\nmore"),
		TEXT(""),
		TEXT(".first octet"),
		TEXT("no: body\r\n"),
		TEXT("\0NUL\r and CR\n\r\n\r.\r\n\n."),
		{(const unsigned char *)large, sizeof(large)},
	};

	memset(large, 'x', sizeof(large));
	memcpy(large, "A: b\r\n\r\n", 8);
	for (size_t at = 1000; at < sizeof(large); at += 1000)
		memcpy(large + at, "\r\n.", 3);
	for (uint32_t i = 0; i < count; i++)
		test_maildrop_add(maildrop, texts[i % COUNT(texts)]);
}

/* ---- life ---- */

void
owner_open(struct owner *o, const struct pop3_settings *settings,
	const struct test_maildrop *maildrop, uint64_t decisions,
	size_t high_water_octets)
{
	*o = (struct owner){.maildrop = maildrop,
		.decisions = decisions,
		.pace = decisions,
		.session = pop3_session_new(settings, false, "1@host")};
	assert_non_null(o->session);
	buffer_init(&o->out, high_water_octets);
	buffer_init(&o->got, GOT_MAXIMUM_OCTETS);
}

void
owner_close(struct owner *o)
{
	pop3_session_free(&o->session);
	assert_null(o->session);
	buffer_release(&o->out);
	buffer_release(&o->got);
}

/* ---- the client reads ---- */

static void
read_octets(struct owner *o, size_t octets)
{
	struct bytes ready = buffer_bytes(&o->out);

	/* Asked to read with nothing to be read, it would wait for ever. */
	assert_true(ready.octets > 0);
	if (octets > ready.octets)
		octets = ready.octets;
	assert_true(buffer_append(&o->got, ready.at, octets));
	buffer_consume(&o->out, octets);
}

static void
read_some(struct owner *o)
{
	if (o->most_octets == 0)
		read_octets(o, SIZE_MAX);
	else
		read_octets(o, 1 + random_below(&o->pace, o->most_octets));
}

void
owner_read_all(struct owner *o)
{
	if (o->out.octets > 0)
		read_octets(o, SIZE_MAX);
}

/* ---- what the session asks for ---- */

static uint64_t
decide(struct owner *o, uint64_t choices)
{
	if (o->decisions == DECISIONS_GOOD)
		return 0;
	return random_below(&o->decisions, choices);
}

static bool
wants_challenge(struct owner *o, const struct pop3_authentication *a)
{
	if (a->is_first)
		o->is_sasl = !bytes_equal(a->mechanism, BYTES("USER")) &&
			     !bytes_equal(a->mechanism, BYTES("APOP"));
	return o->is_sasl && (!a->has_response || decide(o, 3) == 1);
}

static void
authenticate(struct owner *o)
{
	static const enum outcome outcomes[] = {OK, OK, OK, ERR_DENIED,
		ERR_DENIED, ERR_BUSY, ERR_TRY_LATER, ERR_BROKEN, ERR_PEER};
	const struct pop3_authentication *a =
		pop3_session_authentication(o->session);
	enum outcome outcome;

	if (a->is_cancelled)
		return;
	if (wants_challenge(o, a)) {
		pop3_session_challenge(o->session, BYTES("a challenge"));
		return;
	}
	outcome = outcomes[decide(o, COUNT(outcomes))];
	o->logins += outcome == OK;
	if (outcome == OK)
		pop3_session_opened(o->session, &o->maildrop->base);
	else
		pop3_session_refused(o->session, outcome);
}

static void
send_raw(struct owner *o, struct bytes stored)
{
	while (!pop3_session_raw_begin(o->session, &o->out))
		read_some(o);
	while (stored.octets > 0) {
		size_t octets = buffer_room(&o->out);

		if (octets > stored.octets)
			octets = stored.octets;
		assert_true(buffer_append(&o->out, stored.at, octets));
		stored = bytes_after(stored, octets);
		if (stored.octets > 0)
			read_some(o);
	}
	pop3_session_raw_end(o->session);
	o->raw++;
}

static void
feed(struct owner *o, struct bytes stored)
{
	enum pop3_feed result;

	do {
		size_t octets = (size_t)random_below(&o->pace, 700);
		struct bytes chunk = stored;
		bool is_last = octets >= stored.octets;

		if (!is_last)
			chunk.octets = octets;
		octets = chunk.octets;
		result =
			pop3_session_feed(o->session, &chunk, is_last, &o->out);
		stored = bytes_after(stored, octets - chunk.octets);
		if (result == POP3_FEED_ROOM)
			read_some(o);
	} while (result == POP3_FEED_MORE || result == POP3_FEED_ROOM);
	assert_int_equal(result, POP3_FEED_DONE);
	o->fed++;
}

static void
read_message(struct owner *o)
{
	const struct pop3_reading *reading = pop3_session_reading(o->session);
	struct bytes stored = o->maildrop->messages[reading->index].stored;

	assert_int_equal(reading->stored_octets, stored.octets);
	if (decide(o, 10) == 1)
		pop3_session_read_failed(o->session, ERR_TRY_LATER);
	else if (reading->may_send_raw && random_below(&o->pace, 2) == 0)
		send_raw(o, stored);
	else
		feed(o, stored);
}

static void
commit(struct owner *o)
{
	assert_true(pop3_session_deleted(o->session)->count > 0);
	o->commits++;
	pop3_session_committed(
		o->session, decide(o, 4) == 1 ? ERR_TRY_LATER : OK);
}

/* ---- driving ---- */

static void
start_tls(struct owner *o)
{
	owner_read_all(o);
	o->tls_starts++;
	pop3_session_tls_started(o->session);
}

/* False: it wants more input, or no more at all. */
static bool
drive_once(struct owner *o, struct bytes *in)
{
	enum pop3_next next = pop3_session_step(o->session, in, &o->out);

	assert_true(o->out.octets <= o->out.maximum);
	switch (next) {
	case POP3_WRITE:
		read_some(o);
		return true;
	case POP3_AUTHENTICATE:
		authenticate(o);
		return true;
	case POP3_READ_MESSAGE:
		read_message(o);
		return true;
	case POP3_COMMIT:
		commit(o);
		return true;
	case POP3_START_TLS:
		start_tls(o);
		return true;
	case POP3_CLOSE:
		o->is_closed = true;
		return false;
	case POP3_READ:
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
owner_ask(struct owner *o, const char *line)
{
	const char *text;

	owner_read_all(o);
	buffer_clear(&o->got);
	owner_bring(o, bytes_of_string(line));
	owner_bring(o, BYTES("\r\n"));
	owner_read_all(o);
	assert_true(buffer_append(&o->got, "", 1));
	text = (const char *)buffer_bytes(&o->got).at;
	o->got.octets--;
	return text;
}
