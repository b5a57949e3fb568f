/* SPDX-License-Identifier: ISC */
#include "dialog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expectation.h"

/* Smallest output that a session takes, so that it fills often; but not in
 * mode lines, where it never fills. */
#define SMALL_OUTPUT_OCTETS 1024
#define LARGE_OUTPUT_OCTETS 1048576
/* Steps that may pass without an octet in or out: above it, it never ends. */
#define IDLE_STEPS_MAXIMUM 4096

static void
fail(struct dialog *d, const struct entry *entry, const char *expected,
	const char *got)
{
	report_failure(d->report, entry ? entry->line : 0, expected, got);
}

/* ---- the connection ---- */

static void
move(struct buffer *from, struct buffer *to, size_t octets)
{
	struct bytes bytes = buffer_bytes(from);

	if (bytes.octets > octets)
		bytes.octets = octets;
	buffer_append_bytes(to, bytes);
	buffer_consume(from, bytes.octets);
}

void
dialog_take_output(struct dialog *d)
{
	move(&d->out, &d->got, d->mode == MODE_DRIP ? 1 : SIZE_MAX);
}

/* One octet after the other in drip mode, but all of them. */
static void
take_all_output(struct dialog *d)
{
	while (d->out.octets > 0)
		dialog_take_output(d);
}

static void
end(struct dialog *d)
{
	take_all_output(d);
	if (d->is_open)
		d->protocol->end(d);
	d->is_open = d->is_handshake_due = false;
	buffer_clear(&d->in);
}

/* Its input lies in memory of exactly that size, so that a sanitizer sees a
 * session that reads beyond it or keeps it. */
static enum advance
advance(struct dialog *d)
{
	size_t octets = d->in.octets;
	unsigned char *copy = malloc(octets ? octets : 1);
	struct bytes in = bytes_of(copy, octets);
	enum advance next = ADVANCE_CLOSE;

	if (copy) {
		if (octets > 0)
			memcpy(copy, buffer_bytes(&d->in).at, octets);
		next = d->protocol->advance(d, &in);
		buffer_consume(&d->in, octets - in.octets);
	}
	free(copy);
	return next;
}

static void
run(struct dialog *d)
{
	unsigned idle = 0;

	while (d->is_open && !d->is_handshake_due && !d->report->has_failed) {
		size_t in = d->in.octets, out = d->out.octets;
		enum advance next = advance(d);

		idle = d->in.octets == in && d->out.octets == out ? idle + 1
								  : 0;
		if (idle > IDLE_STEPS_MAXIMUM)
			fail(d, NULL, "steps that lead somewhere", "none");
		if (next == ADVANCE_READ)
			break;
		if (next == ADVANCE_WRITE)
			dialog_take_output(d);
		else if (next == ADVANCE_CLOSE)
			end(d);
		else if (next == ADVANCE_TLS)
			d->is_handshake_due = true;
	}
	if (d->is_handshake_due) {
		/* What came behind STLS is not looked at (RFC 2595, 4). */
		buffer_clear(&d->in);
		take_all_output(d);
	}
	if (d->mode != MODE_DRIP)
		take_all_output(d);
}

static void
connect_client(struct dialog *d)
{
	d->is_open = d->protocol->start(d);
	if (d->is_open)
		run(d);
	else
		fail(d, NULL, "a session", "none");
}

/* ---- what the client says ---- */

static bool
may_speak(struct dialog *d, const struct entry *entry)
{
	if (!d->is_open)
		fail(d, entry, "an open connection", "a closed one");
	else if (d->is_handshake_due)
		fail(d, entry, "handshake:", "a client's line");
	return !d->report->has_failed;
}

static void
send(struct dialog *d, struct bytes octets)
{
	buffer_append_bytes(&d->in, octets);
	run(d);
}

/* Nothing is said before a command's end; a raw one may hold several. */
static void
send_octets(struct dialog *d, const struct entry *entry, struct bytes octets)
{
	for (size_t i = 0; i < octets.octets; i++) {
		size_t before = d->got.octets;

		/* What is on its way when the server closes is lost. */
		if (!d->is_open || !may_speak(d, entry))
			return;
		send(d, bytes_of(octets.at + i, 1));
		if (entry->key == KEY_CLIENT && i + 1 < octets.octets &&
			d->got.octets > before)
			fail(d, entry, "no reply before the line's end", "one");
	}
}

static void
speak(struct dialog *d, const struct entry *entry)
{
	struct buffer octets;

	if (!may_speak(d, entry))
		return;
	buffer_init(&octets, VALUE_MAXIMUM_OCTETS + 2);
	buffer_append_bytes(&octets, entry->value);
	if (entry->key == KEY_CLIENT)
		buffer_append_string(&octets, "\r\n");
	if (d->mode == MODE_OCTETS)
		send_octets(d, entry, buffer_bytes(&octets));
	else if (d->mode == MODE_PIPELINED)
		buffer_append_bytes(&d->in, buffer_bytes(&octets));
	else
		send(d, buffer_bytes(&octets));
	buffer_release(&octets);
}

static void
compare(struct dialog *d, const struct entry *first, unsigned count)
{
	struct mismatch mismatch = {NULL, BYTES_NONE};
	unsigned line = count ? first[count - 1].line : 0;

	take_all_output(d);
	if (!d->report->has_failed && !expectation_is_met(first, count,
					      buffer_bytes(&d->got), &mismatch))
		report_octets(d->report,
			mismatch.entry ? mismatch.entry->line : line,
			mismatch.entry, mismatch.got);
	buffer_clear(&d->got);
}

/* ---- what happens ---- */

static void
happen(struct dialog *d, const struct entry *entry)
{
	switch ((unsigned)entry->key) {
	case KEY_HANDSHAKE:
		if (!d->is_handshake_due)
			fail(d, entry, "a server that waits for TLS", "none");
		d->is_handshake_due = false;
		d->protocol->handshake(d);
		break;
	case KEY_EXPIRE:
		d->protocol->expire(d, (const char *)entry->value.at);
		break;
	case KEY_CLOSED:
		if (d->is_open)
			fail(d, entry, "a closed connection", "an open one");
		break;
	case KEY_DISCONNECT:
		if (!d->is_open)
			fail(d, entry, "an open connection", "a closed one");
		end(d);
		break;
	case KEY_CONNECT:
	default:
		if (d->is_open)
			fail(d, entry, "a closed connection", "an open one");
		connect_client(d);
		break;
	}
	run(d);
}

/* ---- the whole ---- */

/* Entries from `i` on that belong to one comparison: replies come late when
 * the client does not wait for them. */
static unsigned
turn_length(const struct dialog *d, const struct entry *entry, unsigned left)
{
	bool is_late = d->mode == MODE_PIPELINED || d->mode == MODE_DRIP;
	unsigned n = 0;

	while (n < left && key_is_clients(entry[n].key))
		n++;
	while (n < left && (key_is_servers(entry[n].key) ||
				   (is_late && key_is_clients(entry[n].key))))
		n++;
	return n;
}

static void
take_turn(struct dialog *d, const struct entry *first, unsigned count)
{
	for (unsigned i = 0; i < count && !d->report->has_failed; i++)
		if (key_is_clients(first[i].key))
			speak(d, &first[i]);
	run(d);
	compare(d, first, count);
}

void
dialog_play(const struct protocol *protocol, struct post_office *office,
	struct report *report)
{
	const struct transcript *t = report->transcript;
	struct dialog d = {
		.protocol = protocol,
		.report = report,
		.office = office,
		.mode = report->mode,
	};

	buffer_init(&d.in, 2 * (size_t)VALUE_MAXIMUM_OCTETS);
	buffer_init(&d.got, 2 * (size_t)VALUE_MAXIMUM_OCTETS);
	buffer_init(&d.out, d.mode == MODE_LINES ? LARGE_OUTPUT_OCTETS
						 : SMALL_OUTPUT_OCTETS);
	connect_client(&d);
	for (unsigned i = 0, n; i < t->count && !report->has_failed; i += n) {
		n = 1;
		if (!key_is_dialog(t->entries[i].key))
			continue;
		n = turn_length(&d, &t->entries[i], t->count - i);
		if (n > 0) {
			take_turn(&d, &t->entries[i], n);
			continue;
		}
		happen(&d, &t->entries[i]);
		n = 1;
	}
	end(&d);
	compare(&d, NULL, 0);
	buffer_release(&d.in);
	buffer_release(&d.got);
	buffer_release(&d.out);
}
