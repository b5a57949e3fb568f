/* SPDX-License-Identifier: ISC */
/* The command table, and how strict its rows are about what follows a verb. */
#include "owner.h"
#include "pop3/commands.h"

#include <ctype.h>

static const struct pop3_settings settings = {
	.hostname = "host",
	.mechanisms = "PLAIN LOGIN",
	.may_plaintext_without_tls = true,
	.maximum_bad_commands_before_login = UINT16_MAX,
	.maximum_bad_commands_after_login = UINT16_MAX,
	.maximum_failed_logins = UINT16_MAX,
};

static struct test_maildrop maildrop;

/* Three messages, the second of them marked deleted. */
static void
open_session(struct owner *o, bool is_logged_in)
{
	test_maildrop_init(&maildrop);
	test_maildrop_add(&maildrop, BYTES("A: 1\r\n\r\none\r\n"));
	test_maildrop_add(&maildrop, BYTES("A: 2\r\n\r\ntwo\r\n"));
	test_maildrop_add(&maildrop, BYTES("A: 3\n\n.three\nlast"));
	owner_open(o, &settings, &maildrop, DECISIONS_GOOD, 4096);
	owner_bring(o, BYTES_NONE);
	if (!is_logged_in)
		return;
	owner_bring(o, BYTES("USER a\r\nPASS b\r\nDELE 2\r\n"));
	assert_int_equal(o->logins, 1);
}

struct row {
	const char *line;
	const char *reply; /* how it begins */
};

static void
ask_all(const struct row *rows, size_t count, bool is_logged_in)
{
	for (size_t i = 0; i < count; i++) {
		struct owner o;
		const char *reply;

		open_session(&o, is_logged_in);
		reply = owner_ask(&o, rows[i].line);
		if (strncmp(reply, rows[i].reply, strlen(rows[i].reply)) != 0)
			fail_msg("\"%s\": \"%s\"", rows[i].line, reply);
		owner_close(&o);
	}
}

#define NO_NUMBER "-ERR that is not a message number\r\n"
#define NO_SUCH	  "-ERR no such message\r\n"
#define DELETED	  "-ERR that message is marked deleted\r\n"
#define TOO_MANY  "-ERR too many arguments\r\n"
#define MISSING	  "-ERR an argument is missing\r\n"
#define UNKNOWN	  "-ERR unknown command\r\n"
#define NO_TOP	  "-ERR TOP needs a message number and a number of lines\r\n"
#define UIDL_1                                                                 \
	"0000000000000000000000000000000000000000000000000000000000"           \
	"000000000001"

static void
arguments_are_strict_after_login(void **state)
{
	static const struct row rows[] = {
		/* verbs */
		{"", UNKNOWN},
		{" ", UNKNOWN},
		{" STAT", UNKNOWN},
		{"STAT\t", UNKNOWN},
		{"STA", UNKNOWN},
		{"STATS", UNKNOWN},
		{"STAT\r", UNKNOWN},
		{"XYZZY 1", UNKNOWN},
		{"stat", "+OK 2 35\r\n"},
		{"sTaT", "+OK 2 35\r\n"},
		/* none */
		{"STAT ", "+OK 2 35\r\n"},
		{"STAT   ", "+OK 2 35\r\n"},
		{"STAT 1", TOO_MANY},
		{"STAT  1", TOO_MANY},
		{"NOOP", "+OK "},
		{"NOOP x", TOO_MANY},
		{"RSET", "+OK 3 48\r\n"},
		{"RSET 1", TOO_MANY},
		{"QUIT now", TOO_MANY},
		{"CAPA", "+OK "},
		{"CAPA all", TOO_MANY},
		/* perhaps a message */
		{"LIST", "+OK octets follow\r\n1 13\r\n3 22\r\n.\r\n"},
		{"LIST ", "+OK octets follow\r\n1 13\r\n3 22\r\n.\r\n"},
		{"LIST 1", "+OK 1 13\r\n"},
		{"LIST 1 ", "+OK 1 13\r\n"},
		{"list 3", "+OK 3 22\r\n"},
		{"LIST 2", DELETED},
		{"LIST 0", NO_SUCH},
		{"LIST 4", NO_SUCH},
		{"LIST 4294967295", NO_SUCH},
		{"LIST 4294967296", NO_SUCH},
		{"LIST 4294967297", NO_SUCH},
		{"LIST 18446744073709551615", NO_SUCH},
		{"LIST 18446744073709551616", NO_NUMBER},
		{"LIST 18446744073709551617", NO_NUMBER},
		{"LIST 1 1", TOO_MANY},
		{"LIST  1", TOO_MANY},
		{"LIST 01", NO_NUMBER},
		{"LIST 00", NO_NUMBER},
		{"LIST -1", NO_NUMBER},
		{"LIST +1", NO_NUMBER},
		{"LIST 1x", NO_NUMBER},
		{"LIST 1.0", NO_NUMBER},
		{"LIST 0x1", NO_NUMBER},
		{"LIST one", NO_NUMBER},
		{"LIST \t1", NO_NUMBER},
		{"LIST 1\r", NO_NUMBER},
		{"LIST 1,3", NO_NUMBER},
		{"UIDL 1", "+OK 1 " UIDL_1 "\r\n"},
		{"UIDL 2", DELETED},
		{"UIDL 0", NO_SUCH},
		{"UIDL 4", NO_SUCH},
		{"UIDL 01", NO_NUMBER},
		{"UIDL 1 1", TOO_MANY},
		/* a message */
		{"RETR 1", "+OK 13 octets\r\nA: 1\r\n\r\none\r\n.\r\n"},
		{"RETR 3", "+OK 22 octets\r\nA: 3\r\n\r\n..three\r\nlast\r\n"
			   ".\r\n"},
		{"RETR", MISSING},
		{"RETR ", MISSING},
		{"RETR 0", NO_SUCH},
		{"RETR 2", DELETED},
		{"RETR 4", NO_SUCH},
		{"RETR 1 2", TOO_MANY},
		{"RETR -1", NO_NUMBER},
		{"DELE 1", "+OK message 1 marked deleted\r\n"},
		{"DELE", MISSING},
		{"DELE 2", DELETED},
		{"DELE 0", NO_SUCH},
		{"DELE 4", NO_SUCH},
		{"DELE 1 3", TOO_MANY},
		{"DELE 1-3", NO_NUMBER},
		{"DELE *", NO_NUMBER},
		/* a message and lines */
		{"TOP 1 0", "+OK top of it follows\r\nA: 1\r\n\r\n.\r\n"},
		{"TOP 1 0 ", "+OK top of it follows\r\nA: 1\r\n\r\n.\r\n"},
		{"TOP 3 1", "+OK top of it follows\r\nA: 3\r\n\r\n..three\r\n"
			    ".\r\n"},
		{"TOP 3 18446744073709551615",
			"+OK top of it follows\r\nA: 3\r\n\r\n..three\r\n"
			"last\r\n.\r\n"},
		{"TOP", MISSING},
		{"TOP 1", NO_TOP},
		{"TOP 1 ", NO_TOP},
		{"TOP 1 -1", NO_TOP},
		{"TOP 1 +1", NO_TOP},
		{"TOP 1 01", NO_TOP},
		{"TOP 1 x", NO_TOP},
		{"TOP 1  1", NO_TOP},
		{"TOP 1 1 1", NO_TOP},
		{"TOP 1 18446744073709551616", NO_TOP},
		{"TOP x 1", NO_NUMBER},
		{"TOP 0 1", NO_SUCH},
		{"TOP 2 1", DELETED},
		{"TOP 4 1", NO_SUCH},
		/* of the other state */
		{"USER alice", "-ERR you are logged in already\r\n"},
		{"PASS x", "-ERR you are logged in already\r\n"},
		{"AUTH", "-ERR you are logged in already\r\n"},
		{"STLS", "-ERR you are logged in already\r\n"},
		{"APOP a b", UNKNOWN},
	};

	ask_all(rows, COUNT(rows), true);
}

static void
arguments_are_strict_before_login(void **state)
{
	static const struct row rows[] = {
		{"STAT", "-ERR log in first\r\n"},
		{"RETR 1", "-ERR log in first\r\n"},
		{"DELE x", "-ERR log in first\r\n"},
		{"XYZZY", UNKNOWN},
		{"USER", "-ERR USER needs a name\r\n"},
		{"USER ", "-ERR USER needs a name\r\n"},
		{"USER alice", "+OK "},
		/* as it is, blanks and all */
		{"USER two words ", "+OK "},
		{"PASS", "-ERR PASS comes after USER\r\n"},
		{"PASS x", "-ERR PASS comes after USER\r\n"},
		{"AUTH", "+OK mechanisms follow\r\nPLAIN\r\nLOGIN\r\n.\r\n"},
		{"AUTH ", "+OK mechanisms follow\r\nPLAIN\r\nLOGIN\r\n.\r\n"},
		{"AUTH PLAIN", "+ "},
		{"auth plain", "+ "},
		{"AUTH PLAIN AGEAYg==", "+OK "},
		{"AUTH PLAIN =", "+OK "},
		{"AUTH PLAIN AGEAYg", "-ERR not base64\r\n"},
		{"AUTH PLAIN AGEAYg== ", "-ERR not base64\r\n"},
		{"AUTH PLAIN  AGEAYg==", "-ERR not base64\r\n"},
		{"AUTH PLAINE", "-ERR no such mechanism\r\n"},
		{"AUTH CRAM-MD5", "-ERR no such mechanism\r\n"},
		{"AUTH PLAIN,LOGIN", "-ERR no such mechanism\r\n"},
		{"STLS", "-ERR there is no TLS here\r\n"},
		{"STLS x", TOO_MANY},
		{"APOP a 0123456789abcdef0123456789abcdef", UNKNOWN},
		{"QUIT", "+OK bye\r\n"},
		{"QUIT 1", TOO_MANY},
	};

	ask_all(rows, COUNT(rows), false);
}

static void
passwords_are_taken_as_they_are(void **state)
{
	static const struct bytes passwords[] = {TEXT("x"), TEXT(" x"),
		TEXT("x "), TEXT("two  words"), TEXT(" "), TEXT("<\"\\>~!"),
		TEXT("\xc3\xa9\xe2\x82\xac")};

	for (size_t i = 0; i < COUNT(passwords); i++) {
		struct bytes in = BYTES("USER two words \r\nPASS ");
		const struct pop3_authentication *asked;
		struct owner o;

		open_session(&o, false);
		/* The owner is asked by hand, to see what it is told. */
		owner_bring(&o, in);
		owner_bring(&o, passwords[i]);
		in = BYTES("\r\n");
		assert_int_equal(pop3_session_step(o.session, &in, &o.out),
			POP3_AUTHENTICATE);
		asked = pop3_session_authentication(o.session);
		assert_bytes(asked->mechanism, BYTES("USER"), BYTES_NONE);
		assert_bytes(asked->user, BYTES("two words "), BYTES_NONE);
		assert_bytes(asked->response, passwords[i], BYTES_NONE);
		assert_true(asked->is_first && asked->has_response);
		owner_close(&o);
	}
}

/* RFC 6856 section 2.2: nobody is asked about what cannot be a password. */
static void
passwords_that_are_none(void **state)
{
	static const struct {
		const char *line, *reply;
	} rows[] = {
		{"PASS \xc3\xa9\xff", "-ERR that is not UTF-8\r\n"},
		{"PASS a\tb", "-ERR a character there is not allowed\r\n"},
		{"PASS \xee\x80\x80",
			"-ERR a character there is not allowed\r\n"},
		{"USER \xff", "-ERR that is not UTF-8\r\n"},
		{"USER \x7f", "-ERR a character there is not allowed\r\n"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct owner o;

		open_session(&o, false);
		assert_string_equal(owner_ask(&o, "USER alice"),
			"+OK now the password\r\n");
		assert_string_equal(owner_ask(&o, rows[i].line), rows[i].reply);
		owner_close(&o);
	}
}

static void
a_line_has_its_maximum(void **state)
{
	char line[POP3_COMMAND_MAXIMUM_OCTETS];
	struct owner o;

	/* With its CRLF it is just as long as it may be. */
	memset(line, ' ', sizeof(line));
	memcpy(line, "STAT", 4);
	line[sizeof(line) - 2] = '\0';
	open_session(&o, true);
	assert_string_equal(owner_ask(&o, line), "+OK 2 35\r\n");
	line[sizeof(line) - 2] = ' ';
	line[sizeof(line) - 1] = '\0';
	assert_string_equal(
		owner_ask(&o, line), "-ERR that line is too long\r\n");
	assert_string_equal(owner_ask(&o, "STAT"), "+OK 2 35\r\n");
	owner_close(&o);
}

/* ---- the table ---- */

static void
rows_are_whole(void **state)
{
	for (unsigned i = 0; i < pop3_command_count; i++) {
		const struct pop3_command *row = &pop3_commands[i];

		assert_non_null(row->handle);
		assert_true(row->states != 0 && row->states <= 3);
		assert_memory_equal(row->source, "RFC ", 4);
		assert_true(row->help[0] != '\0');
		/* RFC 1939 section 3: three or four letters. */
		assert_in_range(strlen(row->verb), 3, 4);
		for (const char *at = row->verb; *at; at++)
			assert_true(isupper((unsigned char)*at) ||
				    (at > row->verb &&
					    isdigit((unsigned char)*at)));
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(
				row->verb, pop3_commands[j].verb);
	}
}

static void
verbs_are_found_in_any_case(void **state)
{
	struct owner o;

	open_session(&o, false);
	for (unsigned i = 0; i < pop3_command_count; i++) {
		const struct pop3_command *row = &pop3_commands[i];
		char verb[8];

		/* One that is not offered is as good as unknown. */
		if (row->is_offered)
			continue;
		assert_ptr_equal(pop3_find_command(
					 o.session, bytes_of_string(row->verb)),
			row);
		snprintf(verb, sizeof(verb), "%s", row->verb);
		verb[1] = (char)tolower((unsigned char)verb[1]);
		assert_ptr_equal(
			pop3_find_command(o.session, bytes_of_string(verb)),
			row);
		assert_null(pop3_find_command(
			o.session, bytes_of(verb, strlen(verb) - 1)));
	}
	assert_null(pop3_find_command(o.session, BYTES("APOP")));
	assert_null(pop3_find_command(o.session, BYTES_NONE));
	owner_close(&o);
}

/* What CAPA names derives from the table, and is known when it is said. */
static void
what_is_announced_is_there(void **state)
{
	struct bytes rest, line;
	unsigned count = 0;
	struct owner o;

	open_session(&o, false);
	rest = bytes_of_string(owner_ask(&o, "CAPA"));
	while (rest.octets > 0) {
		line = bytes_cut(&rest, '\n');
		for (unsigned i = 0; i < pop3_command_count; i++) {
			const char *word = pop3_commands[i].capability;

			count +=
				word && line.octets == strlen(word) + 1 &&
				memcmp(line.at, word, strlen(word)) == 0 &&
				pop3_find_command(o.session,
					bytes_of_string(pop3_commands[i].verb));
		}
	}
	/* USER, UTF8, LANG, UIDL and TOP; no STLS without a certificate */
	assert_int_equal(count, 5);
	owner_close(&o);
}

/* No sum and no size wraps at 4 GiB. */
static void
sizes_over_4_gib(void **state)
{
	struct owner o;

	test_maildrop_init(&maildrop);
	for (unsigned i = 0; i < 3; i++) {
		test_maildrop_add(&maildrop, BYTES("A: 1\r\n\r\none\r\n"));
		maildrop.messages[i].octets = 3ull << 30;
	}
	maildrop.messages[1].octets = 5ull << 30;
	maildrop.base.octets = 11ull << 30;
	owner_open(&o, &settings, &maildrop, DECISIONS_GOOD, 4096);
	owner_bring(&o, BYTES("USER a\r\nPASS b\r\n"));
	owner_read_all(&o);
	assert_string_equal(owner_ask(&o, "STAT"), "+OK 3 11811160064\r\n");
	assert_string_equal(owner_ask(&o, "LIST 2"), "+OK 2 5368709120\r\n");
	owner_ask(&o, "DELE 1");
	assert_string_equal(owner_ask(&o, "STAT"), "+OK 2 8589934592\r\n");
	owner_close(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_over_4_gib),
		cmocka_unit_test(arguments_are_strict_after_login),
		cmocka_unit_test(arguments_are_strict_before_login),
		cmocka_unit_test(passwords_are_taken_as_they_are),
		cmocka_unit_test(passwords_that_are_none),
		cmocka_unit_test(a_line_has_its_maximum),
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(verbs_are_found_in_any_case),
		cmocka_unit_test(what_is_announced_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
