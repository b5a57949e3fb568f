/* SPDX-License-Identifier: ISC */
/*
 * A client of a server session says anything. Each line gets exactly one reply;
 * a message has the octets that were announced, by RETR and by LIST; however the
 * octets are cut and however slowly they are read, the replies are the same.
 */
#include "../unit/pop3/owner.h"
#include "fuzz.h"

#define MESSAGES     9
#define PIECE_OCTETS 200

enum { FLAG_STLS = 1, FLAG_CHANCE = 2, FLAG_PATIENT = 4, FLAG_LOGGED_IN = 8 };

static struct test_maildrop maildrop;

static struct pop3_settings
settings_of(unsigned flags)
{
	struct pop3_settings settings = pop3_settings_default;

	settings.hostname = "host";
	settings.offers_stls = flags & FLAG_STLS;
	settings.offers_apop = true;
	settings.may_plaintext_without_tls = true;
	if (flags & FLAG_PATIENT) {
		settings.maximum_bad_commands_before_login = UINT16_MAX;
		settings.maximum_bad_commands_after_login = UINT16_MAX;
		settings.maximum_failed_logins = UINT16_MAX;
	}
	return settings;
}

/* ---- one reply ---- */

static bool
has_front(struct bytes text, const char *front)
{
	return text.octets >= strlen(front) &&
	       memcmp(text.at, front, strlen(front)) == 0;
}

static bool
is_verb(struct bytes line, const char *verb)
{
	return bytes_equal_ignoring_case(
		bytes_cut(&line, ' '), bytes_of_string(verb));
}

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

/* Whether +OK to this line has further lines (RFC 1939, 2449, 5034). */
static bool
is_multi_line(struct bytes line)
{
	struct bytes rest = line;

	(void)bytes_cut(&rest, ' ');
	if (is_verb(line, "AUTH"))
		return true; /* +OK and no login: the list of mechanisms */
	while (rest.octets > 0 && rest.at[rest.octets - 1] == ' ')
		rest.octets--;
	if (is_verb(line, "LANG")) {
		bytes_cut(&line, ' ');
		return bytes_trim(line).octets == 0;
	}
	if (is_verb(line, "LIST") || is_verb(line, "UIDL"))
		return rest.octets == 0;
	return is_verb(line, "CAPA") || is_verb(line, "RETR") ||
	       is_verb(line, "TOP");
}

static uint64_t
count_body(struct bytes *rest)
{
	uint64_t octets = 0;
	struct bytes line;

	while (!bytes_equal(line = cut_line(rest), BYTES(".")))
		octets += line.octets + 2 - has_front(line, ".");
	return octets;
}

/* "+OK 23 octets", and what LIST says of that message. */
static void
check_announced(struct bytes line, struct bytes status, uint64_t octets)
{
	struct bytes number = line;
	uint64_t announced, msgno;

	(void)bytes_cut(&status, ' ');
	(void)bytes_cut(&number, ' ');
	assert_true(bytes_to_number(
		bytes_cut(&status, ' '), UINT64_MAX, &announced));
	assert_int_equal(announced, octets);
	while (number.octets > 0 && number.at[number.octets - 1] == ' ')
		number.octets--;
	assert_true(bytes_to_number(number, MESSAGES, &msgno));
	/* Without UTF8 it may be a surrogate. */
	if (maildrop.messages[msgno - 1].surrogate_octets != octets)
		assert_int_equal(maildrop.messages[msgno - 1].octets, octets);
}

/* True when it is a challenge: the next line is no command. */
static bool
check_reply(struct bytes line, bool is_command, bool is_login, struct bytes got)
{
	struct bytes rest = got, status = cut_line(&rest);
	uint64_t octets;

	assert_true(status.octets + 2 <= POP3_REPLY_MAXIMUM_OCTETS);
	assert_true(has_front(status, "+OK ") || has_front(status, "-ERR ") ||
		    has_front(status, "+ "));
	if (is_command && !is_login && has_front(status, "+OK ") &&
		is_multi_line(line)) {
		octets = count_body(&rest);
		if (is_verb(line, "RETR"))
			check_announced(line, status, octets);
	}
	/* Nothing more than the one reply. */
	assert_int_equal(rest.octets, 0);
	return has_front(status, "+ ");
}

/* ---- a line at a time ---- */

struct conversation {
	struct owner o;
	struct buffer heard;
	bool is_in_sasl;
};

static void
say_line(struct conversation *c, struct bytes whole)
{
	unsigned logins = c->o.logins;
	struct bytes line = whole;

	line.octets--;
	if (line.octets > 0 && line.at[line.octets - 1] == '\r')
		line.octets--;
	buffer_clear(&c->o.got);
	assert_int_equal(owner_bring(&c->o, whole).octets, 0);
	owner_read_all(&c->o);
	c->is_in_sasl = check_reply(line, !c->is_in_sasl, c->o.logins > logins,
		buffer_bytes(&c->o.got));
	assert_true(buffer_append_bytes(&c->heard, buffer_bytes(&c->o.got)));
}

static void
greet(struct conversation *c)
{
	owner_bring(&c->o, BYTES_NONE);
	owner_read_all(&c->o);
	assert_true(has_front(buffer_bytes(&c->o.got), "+OK "));
	assert_true(buffer_append_bytes(&c->heard, buffer_bytes(&c->o.got)));
}

/* The octets behind the last line end are no line, and get no reply. */
static void
converse(struct conversation *c, struct bytes text)
{
	greet(c);
	while (bytes_has(text, '\n') && !c->o.is_closed) {
		struct bytes line = text;

		line.octets = (size_t)((const unsigned char *)memchr(
					       text.at, '\n', text.octets) -
				       text.at) +
			      1;
		say_line(c, line);
		text = bytes_after(text, line.octets);
	}
	buffer_clear(&c->o.got);
	if (!c->o.is_closed)
		owner_bring(&c->o, text);
	owner_read_all(&c->o);
	assert_int_equal(c->o.got.octets, 0);
}

/* ---- in pieces, by a client that reads slowly ---- */

static void
converse_slowly(struct owner *o, struct bytes text, uint64_t pace)
{
	o->pace = pace;
	o->most_octets = 1 + random_below(&o->pace, 600);
	owner_bring(o, BYTES_NONE);
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
	struct pop3_settings settings = settings_of(head.flags);
	uint64_t decisions =
		head.flags & FLAG_CHANCE ? head.pace + 1 : DECISIONS_GOOD;
	struct conversation c = {.is_in_sasl = false};
	struct owner slow;

	buffer_init(&c.heard, GOT_MAXIMUM_OCTETS);
	owner_open(&c.o, &settings, &maildrop, decisions, OUTPUT_LARGE_OCTETS);
	converse(&c, text);
	/* What comes behind STLS in one piece is thrown away. */
	if (!(head.flags & FLAG_STLS)) {
		owner_open(&slow, &settings, &maildrop, decisions,
			POP3_OUTPUT_MINIMUM_OCTETS);
		converse_slowly(&slow, text, head.pace);
		assert_bytes(
			buffer_bytes(&slow.got), buffer_bytes(&c.heard), text);
		owner_close(&slow);
	}
	owner_close(&c.o);
	buffer_release(&c.heard);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes text = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&text);
	struct buffer whole;

	if (maildrop.base.count == 0) {
		test_maildrop_init(&maildrop);
		test_maildrop_fill(&maildrop, MESSAGES);
	}
	buffer_init(&whole, octets + 100);
	if (head.flags & FLAG_LOGGED_IN)
		assert_true(buffer_append_string(
			&whole, "USER alice\r\nPASS secret\r\n"));
	assert_true(buffer_append_bytes(&whole, text));
	run(buffer_bytes(&whole), head);
	buffer_release(&whole);
	return 0;
}
