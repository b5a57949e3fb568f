/* SPDX-License-Identifier: ISC */
/*
 * A sender believes in 250 and in 4xx or 5xx, one for each recipient; without
 * an answer it knows nothing. It never sends the same message again: what a
 * second attempt sends is another letter to the model.
 */
#include "sender.h"
#include "chance.h"
#include "clock.h"
#include "model.h"
#include "network.h"
#include "office.h"
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#define PATIENCE_NS (2 * MINUTE)
#define OUT_OCTETS  500000
#define LINE_OCTETS 600

enum stage { GREETING, LHLO, MAIL, RCPT, DATA, CHUNKS, BODY, RESTING };

static struct sender {
	struct wire *wire;
	struct event event;
	enum stage stage;
	bool is_chunking;
	struct buffer out, line;
	unsigned mailboxes[MAILBOXES], wanted; /* recipients */
	struct letter *letters[MAILBOXES];
	unsigned accepted;	    /* of them */
	unsigned awaited, answered; /* replies */
	unsigned failures;	    /* of the office, when it began */
} senders[SENDERS];

static unsigned left;

static void
start_later(struct sender *s)
{
	s->stage = RESTING;
	if (left > 0)
		event_pause(&s->event, MILLISECOND, MINUTE);
}

static void
end(struct sender *s)
{
	wire_close(&s->wire);
	event_stop(&s->event);
	buffer_clear(&s->out);
	buffer_clear(&s->line);
	start_later(s);
}

/* ---- what it says ---- */

static void
put_stuffed(struct buffer *out, struct bytes text)
{
	bool is_line_start = true;

	for (size_t i = 0; i < text.octets; i++) {
		if (is_line_start && text.at[i] == '.')
			buffer_append(out, ".", 1);
		buffer_append(out, text.at + i, 1);
		is_line_start = text.at[i] == '\n';
	}
	buffer_append_string(out, ".\r\n");
}

/* One reply for each but the last. */
static unsigned
put_chunks(struct buffer *out, struct bytes text)
{
	unsigned chunks = 0;

	while (text.octets > 0) {
		size_t n = text.octets;

		if (chunks < 5 && chance_one_in(2))
			n = 1 + chance_below(n);
		buffer_printf(out, "BDAT %zu%s\r\n", n,
			n == text.octets ? " LAST" : "");
		buffer_append(out, text.at, n);
		text = bytes_after(text, n);
		chunks++;
	}
	return chunks - 1;
}

static void
write_letters(struct sender *s, const unsigned *mailboxes)
{
	s->letters[0] = letter_new(mailboxes[0], false);
	for (unsigned i = 1; i < s->accepted; i++)
		s->letters[i] = letter_again(s->letters[0], mailboxes[i]);
	totals.operations++;
	totals.deliveries++;
	s->failures = office.failures;
	trace("sender", "sends letter %u to %s and %u more, %zu octets%s",
		s->letters[0]->number, mailbox_names[mailboxes[0]],
		s->accepted - 1, s->letters[0]->text.octets,
		s->is_chunking ? " in chunks" : "");
}

static void
say_body(struct sender *s)
{
	if (!s->is_chunking)
		put_stuffed(&s->out, s->letters[0]->text);
	s->stage = BODY;
	s->answered = 0;
	s->awaited = s->accepted;
}

/* RCPT was accepted for these; nobody: that is all. */
static void
say_data(struct sender *s)
{
	if (s->accepted == 0) {
		end(s);
		return;
	}
	write_letters(s, s->mailboxes);
	s->answered = 0;
	s->awaited = 1;
	s->stage = DATA;
	if (!s->is_chunking) {
		buffer_append_string(&s->out, "DATA\r\n");
		return;
	}
	s->awaited = put_chunks(&s->out, s->letters[0]->text);
	s->stage = CHUNKS;
	if (s->awaited == 0)
		say_body(s);
}

static void
say_recipients(struct sender *s)
{
	s->wanted = 1 + (unsigned)chance_below(MAILBOXES);
	s->mailboxes[0] = (unsigned)chance_below(MAILBOXES);
	for (unsigned i = 0; i < s->wanted; i++) {
		s->mailboxes[i] = (s->mailboxes[0] + i) % MAILBOXES;
		buffer_printf(&s->out, "RCPT TO:<%s@office>\r\n",
			mailbox_names[s->mailboxes[i]]);
	}
	s->stage = RCPT;
	s->answered = s->accepted = 0;
	s->awaited = s->wanted;
}

/* ---- what it hears ---- */

static void
on_body_reply(struct sender *s, bool is_good)
{
	struct letter *letter = s->letters[s->answered];

	trace("sender", "letter %u for %s: %s", letter->number,
		mailbox_names[letter->mailbox], is_good ? "250" : "refused");
	if (is_good)
		letter_accepted(letter);
	else
		letter_refused(letter, office.failures == s->failures);
}

static void
on_rcpt_reply(struct sender *s, bool is_good)
{
	if (is_good)
		s->mailboxes[s->accepted++] = s->mailboxes[s->answered];
}

/* The last reply of a stage has come. */
static void
go_on(struct sender *s)
{
	switch (s->stage) {
	case GREETING:
		buffer_append_string(&s->out, "LHLO sender\r\n");
		s->stage = LHLO;
		break;
	case LHLO:
	case BODY:
		if (left == 0 || (s->stage == BODY && chance_one_in(2))) {
			buffer_append_string(&s->out, "QUIT\r\n");
			s->stage = RESTING;
			break;
		}
		left--;
		buffer_append_string(
			&s->out, "MAIL FROM:<sender@example.org>\r\n");
		s->stage = MAIL;
		break;
	case MAIL:
		say_recipients(s);
		return;
	case RCPT:
		say_data(s);
		return;
	case DATA:
	case CHUNKS:
		say_body(s);
		return;
	case RESTING:
	default:
		end(s);
		return;
	}
	s->answered = 0;
	s->awaited = 1;
}

/* False: the connection is over. */
static bool
on_reply(struct sender *s, const char *line)
{
	bool is_good = line[0] == '2' || line[0] == '3';

	if (line[3] == '-')
		return true;
	if (s->stage == RCPT)
		on_rcpt_reply(s, is_good);
	else if (s->stage == BODY)
		on_body_reply(s, is_good);
	else if (s->stage == DATA)
		is_good = line[0] == '3';
	if (!is_good && s->stage != RCPT && s->stage != BODY) {
		end(s);
		return false;
	}
	if (++s->answered < s->awaited)
		return true;
	go_on(s);
	return s->wire != NULL;
}

/* False: there is no whole line. */
static bool
take_line(struct sender *s, char line[LINE_OCTETS])
{
	struct bytes in = wire_received(s->wire);

	for (size_t i = 0; i < in.octets; i++) {
		buffer_append(&s->line, in.at + i, 1);
		if (in.at[i] != '\n')
			continue;
		wire_take(s->wire, i + 1);
		if (!bytes_to_string(
			    buffer_bytes(&s->line), line, LINE_OCTETS) ||
			s->line.octets < 6)
			violation("the sender was told a line that is none");
		buffer_clear(&s->line);
		return true;
	}
	wire_take(s->wire, in.octets);
	return false;
}

static void
on_woken(void *context)
{
	struct sender *s = context;
	char line[LINE_OCTETS];
	bool is_there = true;

	while (is_there && take_line(s, line))
		is_there = on_reply(s, line);
	if (!is_there)
		return;
	if (wire_is_over(s->wire)) {
		end(s);
		return;
	}
	buffer_consume(&s->out, wire_send(s->wire, buffer_bytes(&s->out)));
	event_start(&s->event, PATIENCE_NS);
}

/* It is time for the next one; or the server has been silent for too long. */
static void
on_event(void *context)
{
	struct sender *s = context;

	if (s->wire) {
		end(s);
		return;
	}
	if (left == 0)
		return;
	s->wire = wire_connect(PORT_LMTP, on_woken, s);
	s->stage = GREETING;
	s->is_chunking = chance_one_in(3);
	s->answered = 0;
	s->awaited = 1;
	event_start(&s->event, PATIENCE_NS);
}

/* ---- all of them ---- */

void
senders_begin(unsigned messages)
{
	left = messages;
	for (unsigned i = 0; i < SENDERS; i++) {
		struct sender *s = &senders[i];

		*s = (struct sender){0};
		event_init(&s->event, on_event, s);
		buffer_init(&s->out, OUT_OCTETS);
		buffer_init(&s->line, LINE_OCTETS);
		start_later(s);
	}
}

bool
senders_rest(void)
{
	bool is_resting = true;

	left = 0;
	for (unsigned i = 0; i < SENDERS; i++)
		is_resting = is_resting && !senders[i].wire;
	return is_resting;
}

void
senders_end(void)
{
	for (unsigned i = 0; i < SENDERS; i++) {
		left = 0;
		end(&senders[i]);
		buffer_release(&senders[i].out);
		buffer_release(&senders[i].line);
	}
}
