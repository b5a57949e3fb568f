/* SPDX-License-Identifier: ISC */
/*
 * A client of an LMTP session says anything. Each command gets one reply and
 * each body one for every recipient that was accepted; a body ends at CRLF.CRLF
 * alone, and what is stored is what was sent; however the octets are cut, also
 * those of BDAT, the replies and the mail are the same.
 */
#include "../unit/lmtp/owner.h"
#include "fuzz.h"

#define PIECE_OCTETS   200
#define MESSAGE_OCTETS 3000

enum { FLAG_CHANCE = 1, FLAG_REJECTS = 2, FLAG_PATIENT = 4, FLAG_GREETED = 8 };

/* Cuts one reply off, and says its code; fails when it is none. */
static unsigned
cut_reply(struct bytes *rest)
{
	bool is_last = false;
	unsigned code = 0;

	while (!is_last) {
		const unsigned char *end =
			memmem(rest->at, rest->octets, "\r\n", 2);
		struct bytes digits = *rest;
		uint64_t here;

		assert_non_null(end);
		assert_in_range(end - rest->at, 4, 510);
		digits.octets = 3;
		assert_true(bytes_to_number(digits, 599, &here));
		assert_true(code == 0 || code == here);
		code = (unsigned)here;
		assert_true(rest->at[3] == ' ' || rest->at[3] == '-');
		is_last = rest->at[3] == ' ';
		*rest = bytes_after(*rest, (size_t)(end - rest->at) + 2);
	}
	return code;
}

struct conversation {
	struct owner o;
	struct buffer heard;
	unsigned recipients;
	bool is_in_body;
};

static struct bytes
say(struct conversation *c, struct bytes octets)
{
	buffer_clear(&c->o.got);
	(void)owner_bring(&c->o, octets);
	owner_read_all(&c->o);
	assert_true(buffer_append_bytes(&c->heard, buffer_bytes(&c->o.got)));
	return buffer_bytes(&c->o.got);
}

static bool
has_verb(struct bytes line, const char *verb)
{
	line.octets = line.octets < 4 ? line.octets : 4;
	return bytes_equal_ignoring_case(line, bytes_of_string(verb));
}

static void
say_line(struct conversation *c, struct bytes line)
{
	unsigned begins_failed = c->o.begins_failed;
	struct bytes got = say(c, line);
	unsigned code = cut_reply(&got);

	/* Nothing more than the one reply. */
	assert_int_equal(got.octets, 0);
	c->is_in_body = code == 354;
	if (has_verb(line, "RCPT"))
		c->recipients += code == 250;
	else if (c->o.begins_failed != begins_failed ||
		 (code == 250 &&
			 (has_verb(line, "LHLO") || has_verb(line, "RSET"))))
		c->recipients = 0;
}

/* ---- bodies ---- */

/* Octets up to and with the end line, or 0. */
static size_t
find_end(struct bytes body)
{
	const unsigned char *at;

	if (body.octets >= 3 && memcmp(body.at, ".\r\n", 3) == 0)
		return 3;
	at = body.octets ? memmem(body.at, body.octets, "\r\n.\r\n", 5) : NULL;
	return at ? (size_t)(at - body.at) + 5 : 0;
}

/* What is to be stored of a body, without its end line; true when it has an LF
   that no CR precedes. */
static bool
decode(struct bytes body, struct buffer *out)
{
	bool has_bare_lf = false;

	for (size_t i = 0; i < body.octets; i++) {
		unsigned char octet = body.at[i];
		bool is_after_cr = i > 0 && body.at[i - 1] == '\r';
		bool is_start = i == 0 || (i > 1 && body.at[i - 2] == '\r' &&
						  body.at[i - 1] == '\n');

		if (octet == '.' && is_start)
			continue;
		if (octet == '\n' && !is_after_cr) {
			assert_true(buffer_append(out, "\r", 1));
			has_bare_lf = true;
		}
		assert_true(buffer_append(out, &octet, 1));
	}
	return has_bare_lf;
}

static void
say_body(struct conversation *c, struct bytes whole)
{
	unsigned commits = c->o.commits;
	struct bytes got = say(c, whole);
	bool is_refused;
	struct buffer meant;

	buffer_init(&meant, GOT_MAXIMUM_OCTETS);
	is_refused = decode(bytes_of(whole.at, whole.octets - 3), &meant) &&
		     c->o.settings->rejects_bare_newline;
	is_refused |= meant.octets > c->o.settings->maximum_message_octets;
	assert_int_equal(c->o.commits, commits + !is_refused);
	/* RFC 2033 section 4.2 */
	for (unsigned i = 0; i < c->recipients; i++)
		assert_true(cut_reply(&got) != 354);
	assert_int_equal(got.octets, 0);
	if (!is_refused)
		assert_bytes(
			buffer_bytes(&c->o.data), buffer_bytes(&meant), whole);
	c->recipients = 0;
	c->is_in_body = false;
	buffer_release(&meant);
}

/* ---- conversations ---- */

static size_t
unit_octets(const struct conversation *c, struct bytes text)
{
	const unsigned char *end =
		text.octets ? memchr(text.at, '\n', text.octets) : NULL;

	if (c->is_in_body)
		return find_end(text);
	return end ? (size_t)(end - text.at) + 1 : 0;
}

static void
converse(struct conversation *c, struct bytes text)
{
	struct bytes got = say(c, BYTES_NONE);
	size_t octets;

	assert_int_equal(cut_reply(&got), 220);
	while (!c->o.is_closed && (octets = unit_octets(c, text)) > 0) {
		struct bytes unit = bytes_of(text.at, octets);

		/* Chunks are not counted here: RFC 3030 knows too many ways. */
		if (!c->is_in_body && has_verb(unit, "BDAT")) {
			(void)say(c, text);
			return;
		}
		if (c->is_in_body)
			say_body(c, unit);
		else
			say_line(c, unit);
		text = bytes_after(text, octets);
	}
	if (!c->o.is_closed)
		assert_int_equal(say(c, text).octets, 0);
	assert_true(c->o.begins <= c->o.commits + c->o.aborts + 1);
}

static void
converse_slowly(struct owner *o, struct bytes text, uint64_t pace)
{
	o->pace = pace;
	o->most_octets = 1 + random_below(&o->pace, 600);
	(void)owner_bring(o, BYTES_NONE);
	while (text.octets > 0 && !o->is_closed) {
		struct bytes piece = fuzz_take_octets(
			&text, 1 + random_below(&pace, PIECE_OCTETS));

		(void)owner_bring(o, piece);
	}
	owner_read_all(o);
}

static void
run(struct bytes text, struct fuzz_head head)
{
	struct lmtp_settings settings = {.hostname = "host",
		.maximum_message_octets = MESSAGE_OCTETS,
		.rejects_bare_newline = head.flags & FLAG_REJECTS,
		.maximum_bad_commands =
			head.flags & FLAG_PATIENT ? UINT32_MAX : 20};
	uint64_t decisions =
		head.flags & FLAG_CHANCE ? head.pace + 1 : DECISIONS_GOOD;
	struct conversation c = {.recipients = 0};
	struct owner slow;

	buffer_init(&c.heard, GOT_MAXIMUM_OCTETS);
	owner_open(&c.o, &settings, decisions, OUTPUT_LARGE_OCTETS);
	owner_open(&slow, &settings, decisions, LMTP_OUTPUT_MINIMUM_OCTETS);
	converse(&c, text);
	converse_slowly(&slow, text, head.pace);
	assert_bytes(buffer_bytes(&slow.got), buffer_bytes(&c.heard), text);
	assert_bytes(buffer_bytes(&slow.store), buffer_bytes(&c.o.store), text);
	owner_close(&c.o);
	owner_close(&slow);
	buffer_release(&c.heard);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes text = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&text);
	struct buffer whole;

	buffer_init(&whole, octets + 100);
	if (head.flags & FLAG_GREETED)
		assert_true(buffer_append_string(&whole,
			"LHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
			"DATA\r\n"));
	assert_true(buffer_append_bytes(&whole, text));
	run(buffer_bytes(&whole), head);
	buffer_release(&whole);
	return 0;
}
