/* SPDX-License-Identifier: ISC */
/*
 * What holds for any client: sessions of random lines are driven to their end,
 * a line at a time and then again at once by a client that reads slowly.
 */
#include "owner.h"
#include "pop3/commands.h"

#define LINES		100000
#define LINES_A_SESSION 100
#define LINE_OCTETS	2048
#define CUT_OCTETS	64

/* Nobody is thrown out, so that every line has a reply. */
static const struct pop3_settings patient = {
	.hostname = "host",
	.mechanisms = "PLAIN LOGIN",
	.offers_apop = true,
	.may_plaintext_without_tls = true,
	.maximum_bad_commands_before_login = UINT16_MAX,
	.maximum_bad_commands_after_login = UINT16_MAX,
	.maximum_failed_logins = UINT16_MAX,
};

static struct test_maildrop maildrop;

/* ---- random lines ---- */

struct line {
	char at[LINE_OCTETS];
	size_t octets; /* without its end */
};

static void
put(struct line *line, const char *text)
{
	size_t octets = strlen(text);

	assert_true(line->octets + octets <= sizeof(line->at));
	memcpy(line->at + line->octets, text, octets);
	line->octets += octets;
}

/* Mostly of the state it is in. */
static void
put_verb(struct line *line, uint64_t *seed, bool is_logged_in)
{
	unsigned state = is_logged_in ? POP3_TRANSACTION : POP3_AUTHORIZATION;
	const struct pop3_command *command;
	size_t before = line->octets;

	do {
		command =
			&pop3_commands[random_below(seed, pop3_command_count)];
	} while (!(command->states & state) && random_below(seed, 10) > 0);
	put(line, command->verb);
	for (size_t i = before; i < line->octets; i++)
		if (random_below(seed, 8) == 0)
			line->at[i] |= 0x20;
}

/* No LF: that would end it. */
static void
put_noise(struct line *line, uint64_t *seed, size_t octets)
{
	for (size_t i = 0; i < octets; i++) {
		char octet = (char)random_below(seed, 256);

		line->at[line->octets++] = octet == '\n' ? ' ' : octet;
	}
}

static void
put_arguments(struct line *line, uint64_t *seed)
{
	static const char *const arguments[] = {"", "", "", " ", " 1", " 1",
		" 2", " 3", " 1 ", " 2 0", " 3 2", " 4 9999999999", " 0", " -1",
		" +1", " 01", " 1x", " 1 1", " 1  1", "  1", "\t1", " 200",
		" 201", " 4294967297", " 18446744073709551617", " alice",
		" alice ", " two words", " PLAIN", " PLAIN ",
		" PLAIN =", " PLAIN AGEAYg==", " PLAIN AGEAYg=", " LOGIN",
		" login YQ==", " CRAM-MD5",
		" a 0123456789abcdef0123456789abcdef"};
	char good[32];

	switch (random_below(seed, 20)) {
	case 0:
		put_noise(line, seed, (size_t)random_below(seed, 40));
		break;
	case 1:
		/* About as long as a line may be. */
		put_noise(line, seed, 990 + (size_t)random_below(seed, 50));
		break;
	case 2:
	case 3:
	case 4:
	case 5:
	case 6:
		snprintf(good, sizeof(good), " %u",
			(unsigned)random_below(seed, MESSAGES_MAXIMUM) + 1);
		put(line, good);
		break;
	default:
		put(line, arguments[random_below(seed, COUNT(arguments))]);
	}
}

static void
make_line(struct line *line, uint64_t *seed, bool is_logged_in)
{
	static const char *const logins[] = {"USER alice", "PASS secret",
		"AUTH PLAIN AGEAYg==", "AGFsaWNlAHNlY3JldA==", "STLS", "*"};
	uint64_t which = random_below(seed, 20);

	line->octets = 0;
	if (which == 0) {
		put_noise(line, seed, (size_t)random_below(seed, 60));
	} else if (which < 5 && !is_logged_in) {
		put(line, logins[random_below(seed, COUNT(logins))]);
	} else {
		put_verb(line, seed, is_logged_in);
		put_arguments(line, seed);
	}
	/* Else it would be part of the line's end. */
	while (line->octets > 0 && line->at[line->octets - 1] == '\r')
		line->octets--;
}

static void
end_line(struct line *line, uint64_t *seed)
{
	put(line, random_below(seed, 10) == 0 ? "\n" : "\r\n");
}

/* ---- one line, one reply ---- */

static bool
has_front(struct bytes text, const char *front)
{
	return text.octets >= strlen(front) &&
	       memcmp(text.at, front, strlen(front)) == 0;
}

/* Whether +OK to this line has further lines (RFC 1939, 2449, 5034). */
static bool
is_multi_line(const struct line *line)
{
	struct bytes rest = bytes_of(line->at, line->octets);
	struct bytes verb = bytes_cut(&rest, ' ');

	if (bytes_equal_ignoring_case(verb, BYTES("AUTH")))
		return rest.octets == 0 || rest.at[0] == ' ';
	while (rest.octets > 0 && rest.at[rest.octets - 1] == ' ')
		rest.octets--;
	if (bytes_equal_ignoring_case(verb, BYTES("LANG")))
		return bytes_trim(rest).octets == 0;
	if (bytes_equal_ignoring_case(verb, BYTES("LIST")) ||
		bytes_equal_ignoring_case(verb, BYTES("UIDL")))
		return rest.octets == 0;
	return bytes_equal_ignoring_case(verb, BYTES("CAPA")) ||
	       bytes_equal_ignoring_case(verb, BYTES("RETR")) ||
	       bytes_equal_ignoring_case(verb, BYTES("TOP"));
}

/* Cuts a line with its CRLF off; fails when there is none. */
static struct bytes
cut_line(struct bytes *rest)
{
	struct bytes line = *rest;
	const unsigned char *end = memmem(rest->at, rest->octets, "\r\n", 2);

	assert_non_null(end);
	line.octets = (size_t)(end - rest->at);
	*rest = bytes_after(*rest, line.octets + 2);
	return line;
}

/* True when it is a challenge: the next line is no command. */
static bool
check_reply(const struct line *line, bool is_command, struct bytes got)
{
	struct bytes rest = got, status;
	bool is_over = false;

	assert_true(got.octets > 0);
	status = cut_line(&rest);
	assert_true(status.octets + 2 <= POP3_REPLY_MAXIMUM_OCTETS);
	assert_true(has_front(status, "+OK ") || has_front(status, "-ERR ") ||
		    has_front(status, "+ "));
	if (is_command && has_front(status, "+OK ") && is_multi_line(line))
		while (!is_over)
			is_over = bytes_equal(cut_line(&rest), BYTES("."));
	/* Nothing more than the one reply. */
	assert_int_equal(rest.octets, 0);
	return has_front(status, "+ ");
}

struct conversation {
	struct buffer said;  /* by the client, all of it */
	struct buffer heard; /* and by the server */
	unsigned lines, multi_lines, logins, commits, tls_starts, raw, fed;
};

static void
say_line(struct conversation *c, struct owner *o, struct line *line,
	uint64_t *seed, bool *is_in_sasl)
{
	bool was_multi_line = is_multi_line(line);
	struct line whole = *line;
	struct bytes got;

	end_line(&whole, seed);
	owner_read_all(o);
	buffer_clear(&o->got);
	assert_true(buffer_append(&c->said, whole.at, whole.octets));
	owner_bring(o, bytes_of(whole.at, whole.octets));
	owner_read_all(o);
	got = buffer_bytes(&o->got);
	*is_in_sasl = check_reply(line, !*is_in_sasl, got);
	assert_true(buffer_append_bytes(&c->heard, got));
	c->lines++;
	c->multi_lines += was_multi_line && has_front(got, "+OK");
}

/* Also QUIT may answer a challenge. */
static void
say_quit(struct conversation *c, struct owner *o, uint64_t *seed,
	bool *is_in_sasl)
{
	struct line quit = {.octets = 0};

	put(&quit, "QUIT");
	for (int i = 0; i < 100 && !o->is_closed; i++)
		say_line(c, o, &quit, seed, is_in_sasl);
	assert_true(o->is_closed);
}

/* A line at a time: each gets its reply, and the end is the end. */
static void
converse(struct conversation *c, const struct pop3_settings *settings,
	uint64_t number)
{
	uint64_t seed = number;
	bool is_in_sasl = false;
	struct owner o;

	owner_open(&o, settings, &maildrop, number, OUTPUT_LARGE_OCTETS);
	owner_bring(&o, BYTES_NONE);
	owner_read_all(&o);
	assert_true(has_front(buffer_bytes(&o.got), "+OK "));
	assert_true(buffer_append_bytes(&c->heard, buffer_bytes(&o.got)));
	for (int i = 1; i < LINES_A_SESSION && !o.is_closed; i++) {
		struct line line;

		make_line(&line, &seed, o.logins > 0);
		say_line(c, &o, &line, &seed, &is_in_sasl);
	}
	if (!o.is_closed)
		say_quit(c, &o, &seed, &is_in_sasl);
	c->logins += o.logins;
	c->commits += o.commits;
	c->tls_starts += o.tls_starts;
	c->raw += o.raw;
	c->fed += o.fed;
	owner_close(&o);
}

/* ---- the same at once ---- */

/*
 * The client writes as fast as it can and reads a few octets when nothing else
 * goes on: it gets the same octets, through an output of the least size.
 */
static void
converse_slowly(const struct conversation *c,
	const struct pop3_settings *settings, uint64_t number)
{
	struct bytes said = buffer_bytes(&c->said);
	struct owner o;

	owner_open(&o, settings, &maildrop, number, POP3_OUTPUT_MINIMUM_OCTETS);
	o.pace = ~number;
	o.most_octets = 1 + random_below(&o.pace, 600);
	while (said.octets > 0 && !o.is_closed) {
		struct bytes piece = said;
		size_t octets = 1 + (size_t)random_below(&o.pace, 5000);

		if (piece.octets > octets)
			piece.octets = octets;
		octets = piece.octets - owner_bring(&o, piece).octets;
		said = bytes_after(said, octets);
	}
	assert_true(o.is_closed);
	owner_read_all(&o);
	assert_bytes(buffer_bytes(&o.got), buffer_bytes(&c->heard), BYTES_NONE);
	owner_close(&o);
}

static void
conversation_init(struct conversation *c)
{
	*c = (struct conversation){0};
	buffer_init(&c->said, GOT_MAXIMUM_OCTETS);
	buffer_init(&c->heard, GOT_MAXIMUM_OCTETS);
}

static void
conversation_release(struct conversation *c)
{
	buffer_release(&c->said);
	buffer_release(&c->heard);
}

static void
add_counts(struct conversation *sum, const struct conversation *c)
{
	sum->lines += c->lines;
	sum->multi_lines += c->multi_lines;
	sum->logins += c->logins;
	sum->commits += c->commits;
	sum->tls_starts += c->tls_starts;
	sum->raw += c->raw;
	sum->fed += c->fed;
}

/* Chance must have led everywhere, else nothing was shown. */
static void
expect_everything_happened(const struct conversation *sum)
{
	print_message("%u lines, %u with long replies, %u logins, %u commits, "
		      "%u messages raw, %u encoded\n",
		sum->lines, sum->multi_lines, sum->logins, sum->commits,
		sum->raw, sum->fed);
	assert_true(sum->lines >= LINES);
	assert_true(sum->multi_lines > LINES / 40);
	assert_true(sum->logins > LINES / LINES_A_SESSION / 2);
	assert_true(sum->commits > LINES / LINES_A_SESSION / 4);
	assert_true(sum->raw > LINES / 400);
	assert_true(sum->fed > LINES / 100);
}

static void
each_line_has_one_reply(void **state)
{
	struct conversation sum = {.lines = 0};

	for (uint64_t number = 1; sum.lines < LINES; number++) {
		struct conversation c;

		conversation_init(&c);
		converse(&c, &patient, number);
		converse_slowly(&c, &patient, number);
		add_counts(&sum, &c);
		conversation_release(&c);
	}
	expect_everything_happened(&sum);
}

/* What comes behind STLS in one piece is thrown away: a line at a time only. */
static void
each_line_has_one_reply_with_stls(void **state)
{
	struct pop3_settings settings = patient;
	struct conversation sum = {.lines = 0};

	settings.offers_stls = true;
	settings.may_plaintext_without_tls = false;
	for (uint64_t number = 1; sum.lines < LINES / 10; number++) {
		struct conversation c;

		conversation_init(&c);
		converse(&c, &settings, number);
		add_counts(&sum, &c);
		conversation_release(&c);
	}
	assert_true(sum.tls_starts > LINES / 10 / LINES_A_SESSION / 2);
	assert_true(sum.logins > 0);
}

/* With the limits there are, it ends sooner, and each line up to then has its
 * reply all the same. */
static void
limits_end_it_with_a_reply(void **state)
{
	struct pop3_settings settings = pop3_settings_default;

	settings.may_plaintext_without_tls = true;
	for (uint64_t number = 1; number < 300; number++) {
		struct conversation c;

		conversation_init(&c);
		converse(&c, &settings, number);
		converse_slowly(&c, &settings, number);
		conversation_release(&c);
	}
}

static int
fill_maildrop(void **state)
{
	test_maildrop_init(&maildrop);
	test_maildrop_fill(&maildrop, MESSAGES_MAXIMUM);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_has_one_reply),
		cmocka_unit_test(each_line_has_one_reply_with_stls),
		cmocka_unit_test(limits_end_it_with_a_reply),
	};

	return cmocka_run_group_tests(tests, fill_maildrop, NULL);
}
