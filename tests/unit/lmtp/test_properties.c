/* SPDX-License-Identifier: ISC */
/*
 * What holds for any client: sessions of random commands and bodies are driven
 * to their end, a line at a time and then again at once by a client that reads
 * slowly. Replies are counted, and bodies compared with what was meant.
 */
#include "owner.h"
#include "lmtp/commands.h"

#define LINES		50000
#define LINES_A_SESSION 100
#define LINE_OCTETS	4096
#define BODY_OCTETS	(1u << 20)

static struct lmtp_settings settings = {
	.hostname = "host",
	.maximum_bad_commands = UINT32_MAX,
};

/* ---- random commands ---- */

static bool
put(struct buffer *to, const char *text)
{
	return buffer_append_string(to, text);
}

/* No LF: that would end it. */
static void
put_noise(struct buffer *to, uint64_t *seed, size_t octets)
{
	while (octets-- > 0) {
		char octet = (char)random_below(seed, 256);

		if (octet == '\n')
			octet = ' ';
		assert_true(buffer_append(to, &octet, 1));
	}
}

static void
put_any_command(struct buffer *to, uint64_t *seed)
{
	static const char *const arguments[] = {"", "", " ", " x",
		" FROM:<a@b> SIZE=100000000", " FROM:<a@b", " TO:<>", " TO:c@d",
		" TO:<c@d> X=Y", " FROM:<a@b> BODY=BINARYMIME", " :", " <>"};

	assert_true(
		put(to, lmtp_commands[random_below(seed, lmtp_command_count)]
				.verb) &&
		put(to, arguments[random_below(seed, COUNT(arguments))]));
}

/* Mostly on the way to a delivery. */
static void
put_command(struct buffer *to, uint64_t *seed, bool has_recipient)
{
	static const char *const good[] = {"LHLO client", "MAIL FROM:<a@b>",
		"MAIL FROM:<a@b>", "mail from:<> SIZE=10 BODY=8BITMIME",
		"RCPT TO:<c@d>", "RCPT TO:<c@d>", "RCPT TO:<\"two words\"@d>",
		"rcpt to:<@x,@y:e@f>", "DATA", "DATA", "DATA", "NOOP", "RSET"};
	uint64_t which = random_below(seed, 40);

	if (has_recipient && which > 25)
		assert_true(put(to, "DATA"));
	else if (which == 0)
		put_noise(to, seed, (size_t)random_below(seed, 60));
	else if (which == 1)
		/* About as long as a line may be. */
		put_noise(to, seed, 2020 + (size_t)random_below(seed, 50));
	else if (which < 8)
		put_any_command(to, seed);
	else
		assert_true(put(to, good[random_below(seed, COUNT(good))]));
	assert_true(put(to, random_below(seed, 50) ? "\r\n" : "\n"));
}

/* ---- random bodies ---- */

struct body {
	struct buffer sent;    /* dots stuffed, with its end line */
	struct buffer chunked; /* as BDAT sends it */
	struct buffer meant;   /* what is to be stored */
	unsigned bare_lf_count;
};

static void
put_both(struct body *body, const char *text)
{
	assert_true(put(&body->sent, text) && put(&body->chunked, text) &&
		    put(&body->meant, text));
}

/* A line of the body and how it ends; true when that is a real line end. */
static bool
put_body_line(struct body *body, uint64_t *seed, bool is_line_start)
{
	static const char *const contents[] = {"", "", ".", "..", ".x",
		"Subject: x", "a much longer line than all the others here",
		"\xc3\xa9", "from ", "\t."};
	const char *content = contents[random_below(seed, COUNT(contents))];

	if (is_line_start && content[0] == '.')
		assert_true(put(&body->sent, "."));
	put_both(body, content);
	switch (random_below(seed, 10)) {
	case 0:
		/* It ends no line, and is stored as if it did. */
		assert_true(put(&body->sent, "\n") &&
			    put(&body->chunked, "\n") &&
			    put(&body->meant, "\r\n"));
		body->bare_lf_count++;
		return false;
	case 1:
		put_both(body, "\rx");
		return false;
	case 2:
		assert_true(buffer_append(&body->sent, "\0.", 2) &&
			    buffer_append(&body->chunked, "\0.", 2) &&
			    buffer_append(&body->meant, "\0.", 2));
		return false;
	default:
		put_both(body, "\r\n");
		return true;
	}
}

static void
body_make(struct body *body, uint64_t *seed)
{
	/* Some are many times what the session hands over at once. */
	uint64_t lines = random_below(seed, random_below(seed, 5) ? 60 : 3000);
	bool is_line_start = true;

	*body = (struct body){.bare_lf_count = 0};
	buffer_init(&body->sent, BODY_OCTETS);
	buffer_init(&body->chunked, BODY_OCTETS);
	buffer_init(&body->meant, BODY_OCTETS);
	while (lines-- > 0)
		is_line_start = put_body_line(body, seed, is_line_start);
	if (!is_line_start)
		put_both(body, "\r\n");
	assert_true(put(&body->sent, ".\r\n"));
}

static void
body_release(struct body *body)
{
	buffer_release(&body->sent);
	buffer_release(&body->chunked);
	buffer_release(&body->meant);
}

/* ---- one command, one reply ---- */

/* Cuts one reply off, and says its code; fails when it is none. */
static int
cut_reply(struct bytes *rest)
{
	int code = 0;
	bool is_last = false;

	while (!is_last) {
		const unsigned char *end =
			memmem(rest->at, rest->octets, "\r\n", 2);
		int here;

		assert_non_null(end);
		assert_in_range(end - rest->at, 4, 510);
		here = (rest->at[0] - '0') * 100 + (rest->at[1] - '0') * 10 +
		       rest->at[2] - '0';
		assert_in_range(here, 200, 599);
		assert_true(code == 0 || code == here);
		code = here;
		assert_true(rest->at[3] == ' ' || rest->at[3] == '-');
		is_last = rest->at[3] == ' ';
		*rest = bytes_after(*rest, (size_t)(end - rest->at) + 2);
	}
	return code;
}

struct conversation {
	struct owner o;
	struct buffer said;  /* by the client, all of it */
	struct buffer heard; /* and by the server */
	uint64_t seed;
	unsigned lines, bodies, chunks, refused, recipients;
};

/* What came for what was said; valid until more is said. */
static struct bytes
say(struct conversation *c, struct bytes octets)
{
	struct bytes got;

	owner_read_all(&c->o);
	buffer_clear(&c->o.got);
	assert_true(buffer_append_bytes(&c->said, octets));
	owner_bring(&c->o, octets);
	owner_read_all(&c->o);
	got = buffer_bytes(&c->o.got);
	assert_true(buffer_append_bytes(&c->heard, got));
	return got;
}

static bool
is_refused(const struct body *body)
{
	return body->meant.octets > settings.maximum_message_octets ||
	       (settings.rejects_bare_newline && body->bare_lf_count > 0);
}

static void
expect_outcome(int code, enum outcome outcome)
{
	static const int codes[] = {[OK] = 250,
		[ERR_DENIED] = 550,
		[ERR_TRY_LATER] = 451,
		[ERR_NO_SPACE] = 452,
		[ERR_OVER_QUOTA] = 552,
		[ERR_SOFT_QUOTA] = 452,
		[ERR_BROKEN] = 451};

	assert_int_equal(code, codes[outcome]);
}

/* RFC 2033 section 4.2: a reply for each recipient, in their order. */
static void
say_body(struct conversation *c)
{
	unsigned commits = c->o.commits, aborts = c->o.aborts;
	struct body body;
	struct bytes got;

	body_make(&body, &c->seed);
	got = say(c, buffer_bytes(&body.sent));
	c->bodies++;
	c->refused += is_refused(&body);
	assert_int_equal(c->o.commits, commits + !is_refused(&body));
	assert_int_equal(c->o.aborts, aborts + is_refused(&body));
	for (unsigned i = 0; i < c->recipients; i++) {
		int code = cut_reply(&got);

		if (is_refused(&body))
			assert_true(code == 550 || code == 552);
		else
			expect_outcome(code, c->o.outcomes[i]);
	}
	assert_int_equal(got.octets, 0);
	assert_int_equal(c->o.undelivered, 0);
	if (!is_refused(&body))
		assert_bytes(buffer_bytes(&c->o.data),
			buffer_bytes(&body.meant), buffer_bytes(&body.sent));
	c->recipients = 0;
	body_release(&body);
}

static struct bytes
say_chunk(struct conversation *c, struct bytes chunk, bool is_last)
{
	struct buffer line;
	struct bytes got;

	buffer_init(&line, BODY_OCTETS + 64);
	assert_true(buffer_printf(&line, "BDAT %zu%s\r\n", chunk.octets,
			    is_last ? " LAST" : "") &&
		    buffer_append_bytes(&line, chunk));
	got = say(c, buffer_bytes(&line));
	buffer_release(&line);
	c->chunks++;
	return got;
}

/* A reply for each recipient, or one of them is none. */
static void
hear_last_chunk(struct conversation *c, const struct body *body,
	struct bytes got, bool is_committed)
{
	for (unsigned i = 0; i < c->recipients; i++) {
		int code = cut_reply(&got);

		if (is_committed)
			expect_outcome(code, c->o.outcomes[i]);
		else
			assert_in_range(code, 400, 599);
	}
	assert_int_equal(got.octets, 0);
	if (is_committed)
		assert_bytes(buffer_bytes(&c->o.data),
			buffer_bytes(&body->meant),
			buffer_bytes(&body->chunked));
}

/* RFC 3030: refused in the middle, the transaction is over. */
static void
say_chunks(struct conversation *c)
{
	unsigned commits = c->o.commits, failed = c->o.begins_failed;
	bool is_last = false;
	struct bytes rest;
	struct body body;

	body_make(&body, &c->seed);
	rest = buffer_bytes(&body.chunked);
	while (!is_last) {
		size_t octets = (size_t)random_below(&c->seed, rest.octets + 1);
		struct bytes chunk, got;

		if (random_below(&c->seed, 4) == 0)
			octets = rest.octets;
		chunk = bytes_of(rest.at, octets);
		rest = bytes_after(rest, octets);
		is_last = rest.octets == 0 && random_below(&c->seed, 3);
		got = say_chunk(c, chunk, is_last);
		if (is_last) {
			assert_int_equal(c->o.commits - commits,
				!is_refused(&body) &&
					c->o.begins_failed == failed);
			hear_last_chunk(c, &body, got, c->o.commits > commits);
		} else if (cut_reply(&got) != 250) {
			is_last = true;
			assert_int_equal(got.octets, 0);
		}
	}
	if (c->o.commits > commits)
		assert_false(is_refused(&body));
	c->recipients = 0;
	body_release(&body);
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
	int code = cut_reply(&got);

	/* Nothing more than the one reply. */
	assert_int_equal(got.octets, 0);
	c->lines++;
	if (has_verb(line, "RCPT"))
		c->recipients += code == 250;
	else if (code == 354)
		say_body(c);
	else if (c->o.begins_failed != begins_failed ||
		 (code == 250 &&
			 (has_verb(line, "LHLO") || has_verb(line, "RSET"))))
		c->recipients = 0;
}

static void
conversation_open(struct conversation *c, uint64_t number)
{
	struct bytes got;

	*c = (struct conversation){.seed = number};
	buffer_init(&c->said, GOT_MAXIMUM_OCTETS);
	buffer_init(&c->heard, GOT_MAXIMUM_OCTETS);
	owner_open(&c->o, &settings, number, OUTPUT_LARGE_OCTETS);
	got = say(c, BYTES_NONE);
	assert_int_equal(cut_reply(&got), 220);
	assert_int_equal(got.octets, 0);
}

static void
conversation_close(struct conversation *c)
{
	buffer_release(&c->said);
	buffer_release(&c->heard);
	owner_close(&c->o);
}

static void
converse(struct conversation *c)
{
	struct buffer line;

	buffer_init(&line, LINE_OCTETS);
	for (int i = 1; i < LINES_A_SESSION && !c->o.is_closed; i++) {
		buffer_clear(&line);
		if (c->recipients > 0 && random_below(&c->seed, 6) == 0) {
			say_chunks(c);
			continue;
		}
		put_command(&line, &c->seed, c->recipients > 0);
		say_line(c, buffer_bytes(&line));
	}
	if (!c->o.is_closed)
		say_line(c, BYTES("QUIT\r\n"));
	assert_true(c->o.is_closed);
	/* What has begun at the end was ended too, or never became mail. */
	assert_int_equal(c->o.begins, c->o.commits + c->o.aborts);
	buffer_release(&line);
}

/* ---- the same at once ---- */

static void
converse_slowly(const struct conversation *c, uint64_t number)
{
	struct bytes said = buffer_bytes(&c->said);
	struct owner o;

	owner_open(&o, &settings, number, LMTP_OUTPUT_MINIMUM_OCTETS);
	o.pace = ~number;
	o.most_octets = 1 + random_below(&o.pace, 600);
	while (said.octets > 0 && !o.is_closed) {
		struct bytes piece = said;
		size_t octets = 1 + (size_t)random_below(&o.pace, 9000);

		if (piece.octets > octets)
			piece.octets = octets;
		octets = piece.octets - owner_bring(&o, piece).octets;
		said = bytes_after(said, octets);
	}
	assert_true(o.is_closed);
	owner_read_all(&o);
	assert_bytes(buffer_bytes(&o.got), buffer_bytes(&c->heard), BYTES_NONE);
	assert_bytes(
		buffer_bytes(&o.store), buffer_bytes(&c->o.store), BYTES_NONE);
	owner_close(&o);
}

static void
each_line_has_one_reply(void **state)
{
	static const uint64_t sizes[] = {500, 10000, BODY_OCTETS};
	unsigned lines = 0, bodies = 0, refused = 0, failed = 0;

	for (uint64_t number = 1; lines < LINES; number++) {
		struct conversation c;

		settings.maximum_message_octets = sizes[number % COUNT(sizes)];
		settings.rejects_bare_newline = number % 5 == 0;
		conversation_open(&c, number);
		converse(&c);
		converse_slowly(&c, number);
		lines += c.lines;
		bodies += c.bodies;
		refused += c.refused;
		failed += c.o.begins_failed;
		conversation_close(&c);
	}
	/* Chance must have led everywhere, else nothing was shown. */
	print_message("%u lines, %u bodies, %u of them refused, %u not begun\n",
		lines, bodies, refused, failed);
	assert_true(bodies - refused > 500);
	assert_true(refused > 200);
	assert_true(failed > 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_has_one_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
