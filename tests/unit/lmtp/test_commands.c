/* SPDX-License-Identifier: ISC */
/* The command table, and how strict commands are about what follows them. */
#include "owner.h"
#include "lmtp/commands.h"

static const struct lmtp_settings settings = {
	.hostname = "host",
	.maximum_message_octets = 1000,
	.maximum_bad_commands = 20,
};

#define LHLO "LHLO client\r\n"
#define MAIL "MAIL FROM:<a@b>\r\n"
#define RCPT "RCPT TO:<c@d>\r\n"

struct row {
	const char *before; /* what goes well before it */
	const char *line;
	const char *reply; /* all of it, or how it begins */
};

#define NO_NAME	  "501 5.5.4 LHLO needs the name of your host\r\n"
#define NO_LHLO	  "503 5.5.1 say LHLO first\r\n"
#define NO_FROM	  "501 5.1.7 MAIL FROM:<address> is expected\r\n"
#define NO_TO	  "501 5.1.3 RCPT TO:<address> is expected\r\n"
#define UNKNOWN	  "500 5.5.1 unknown command\r\n"
#define PARAMETER "555 5.5.4 unknown parameter\r\n"
#define TOO_LARGE "552 5.3.4 the message is too large\r\n"
#define NO_NUMBER "501 5.5.4 SIZE needs a number\r\n"
#define IS_LMTP	  "500 5.5.1 this is LMTP: say LHLO\r\n"
#define SENDER_OK "250 2.1.0 sender ok\r\n"
#define NO_SENDER "503 5.5.1 MAIL comes first\r\n"
#define BARE_LF	  "500 5.5.2 lines end with CR LF\r\n"

static const struct row rows[] = {
	/* verbs */
	{"", "\r\n", UNKNOWN},
	{"", " LHLO client\r\n", UNKNOWN},
	{"", "LHLOX client\r\n", UNKNOWN},
	{"", "DATA\t\r\n", UNKNOWN},
	{"", "HELO client\r\n", IS_LMTP},
	{"", "EHLO client\r\n", IS_LMTP},
	{"", "LHLO client\n", BARE_LF},
	/* LHLO */
	{"", "LHLO client\r\n",
		"250-host\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n"
		"250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250 SIZE "
		"1000\r\n"},
	{"", "lhlo [192.0.2.1]\r\n", "250-"},
	{"", "LHLO  client \r\n", "250-"},
	{"", "LHLO\r\n", NO_NAME},
	{"", "LHLO \r\n", NO_NAME},
	{"", "LHLO two words\r\n", NO_NAME},
	{"",
		"LHLO a\x7f"
		"b\r\n",
		NO_NAME},
	{"", "LHLO a\rb\r\n", NO_NAME},
	{"", "LHLO \xc3\xa9\r\n", NO_NAME},
	/* MAIL */
	{"", MAIL, NO_LHLO},
	{LHLO, MAIL, SENDER_OK},
	{LHLO, "mail from:<a@b>\r\n", SENDER_OK},
	{LHLO, "MAIL FROM: <a@b>\r\n", SENDER_OK},
	{LHLO, "MAIL FROM:<>\r\n", SENDER_OK},
	{LHLO, "MAIL FROM:<a@b> \r\n", SENDER_OK},
	{LHLO, "MAIL\r\n", NO_FROM},
	{LHLO, "MAIL FROM\r\n", NO_FROM},
	{LHLO, "MAIL FROM:\r\n", NO_FROM},
	{LHLO, "MAIL FROM:a@b\r\n", NO_FROM},
	{LHLO, "MAIL TO:<a@b>\r\n", NO_FROM},
	{LHLO MAIL, MAIL, "503 5.5.1 there is a sender already\r\n"},
	{LHLO, "MAIL FROM:<a@b> SIZE=1000\r\n", SENDER_OK},
	{LHLO, "MAIL FROM:<a@b> size=0\r\n", SENDER_OK},
	{LHLO, "MAIL FROM:<a@b> SIZE=1001\r\n", TOO_LARGE},
	{LHLO, "MAIL FROM:<a@b> SIZE=18446744073709551616\r\n", TOO_LARGE},
	{LHLO, "MAIL FROM:<a@b> SIZE=\r\n", NO_NUMBER},
	{LHLO, "MAIL FROM:<a@b> SIZE=-1\r\n", NO_NUMBER},
	{LHLO, "MAIL FROM:<a@b> SIZE=1x\r\n", NO_NUMBER},
	{LHLO, "MAIL FROM:<a@b> SIZE\r\n", PARAMETER},
	{LHLO, "MAIL FROM:<a@b> BODY=8BITMIME SMTPUTF8 SIZE=1\r\n", SENDER_OK},
	{LHLO, "MAIL FROM:<a@b>  body=7bit  smtputf8\r\n", SENDER_OK},
	{LHLO, "MAIL FROM:<a@b> BODY=BINARYMIME\r\n", PARAMETER},
	{LHLO, "MAIL FROM:<a@b> SMTPUTF8=1\r\n", PARAMETER},
	{LHLO, "MAIL FROM:<a@b> X\r\n", PARAMETER},
	{LHLO, "MAIL FROM:<a@b> SIZE=1 X\r\n", PARAMETER},
	{LHLO, "MAIL FROM:<a@b>SIZE=1\r\n",
		"501 5.5.4 a blank is missing behind the path\r\n"},
	/* RCPT */
	{"", RCPT, NO_SENDER},
	{LHLO, RCPT, NO_SENDER},
	{LHLO MAIL, RCPT, "250 2.1.5 <c@d> ok\r\n"},
	{LHLO MAIL RCPT, RCPT, "250 2.1.5 <c@d> ok\r\n"},
	{LHLO MAIL, "rcpt to: <c@d>\r\n", "250 2.1.5 <c@d> ok\r\n"},
	{LHLO MAIL, "RCPT TO:<@x:c@d>\r\n", "250 2.1.5 <c@d> ok\r\n"},
	{LHLO MAIL, "RCPT TO:<>\r\n", NO_TO},
	{LHLO MAIL, "RCPT\r\n", NO_TO},
	{LHLO MAIL, "RCPT TO:c@d\r\n", NO_TO},
	{LHLO MAIL, "RCPT FROM:<c@d>\r\n", NO_TO},
	{LHLO MAIL, "RCPT TO:<\"a\\\rb\"@d>\r\n", NO_TO},
	{LHLO MAIL, "RCPT TO:<c@d> NOTIFY=NEVER\r\n", PARAMETER},
	/* DATA */
	{"", "DATA\r\n", NO_SENDER},
	{LHLO, "DATA\r\n", NO_SENDER},
	{LHLO MAIL, "DATA\r\n", "503 5.5.1 no valid recipients\r\n"},
	{LHLO MAIL RCPT, "DATA\r\n", "354 end with a line of one dot\r\n"},
	{LHLO MAIL RCPT, "DATA x\r\n", "501 5.5.4 DATA takes no argument\r\n"},
	{LHLO MAIL RCPT LHLO, "DATA\r\n", NO_SENDER},
	{LHLO MAIL RCPT "RSET\r\n", "DATA\r\n", NO_SENDER},
	/* the rest */
	{"", "RSET\r\n", "250 2.0.0 forgotten\r\n"},
	{"", "RSET x\r\n", "501 5.5.4 RSET takes no argument\r\n"},
	{"", "NOOP\r\n", "250 2.0.0 still here\r\n"},
	{"", "NOOP whatever\r\n", "250 2.0.0 still here\r\n"},
	{"", "VRFY alice\r\n", "252 2.5.2 send it, and you will see\r\n"},
	{"", "QUIT\r\n", "221 2.0.0 bye\r\n"},
	{"", "QUIT x\r\n", "501 5.5.4 QUIT takes no argument\r\n"},
};

static void
arguments_are_strict(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *reply;
		struct owner o;
		size_t octets;

		owner_open(&o, &settings, DECISIONS_GOOD, 4096);
		owner_ask(&o, rows[i].before);
		reply = owner_ask(&o, rows[i].line);
		octets = strlen(rows[i].reply);
		/* Only what ends with CRLF is whole. */
		if (octets > 0 && rows[i].reply[octets - 1] != '\n')
			assert_memory_equal(reply, rows[i].reply, octets);
		else if (strcmp(reply, rows[i].reply) != 0)
			fail_msg("\"%s\": \"%s\"", rows[i].line, reply);
		owner_close(&o);
	}
}

static void
a_line_has_its_maximum(void **state)
{
	char line[LMTP_COMMAND_MAXIMUM_OCTETS + 2];
	struct owner o;

	owner_open(&o, &settings, DECISIONS_GOOD, 4096);
	owner_ask(&o, "");
	memset(line, 'x', sizeof(line));
	memcpy(line, "NOOP ", 5);
	memcpy(line + LMTP_COMMAND_MAXIMUM_OCTETS - 2, "\r\n", 3);
	assert_string_equal(owner_ask(&o, line), "250 2.0.0 still here\r\n");
	memcpy(line + LMTP_COMMAND_MAXIMUM_OCTETS - 2, "x\r\n", 4);
	assert_string_equal(
		owner_ask(&o, line), "500 5.5.2 that line is too long\r\n");
	assert_string_equal(
		owner_ask(&o, "NOOP\r\n"), "250 2.0.0 still here\r\n");
	owner_close(&o);
}

static void
bad_commands_are_the_end(void **state)
{
	struct owner o;

	owner_open(&o, &settings, DECISIONS_GOOD, 4096);
	owner_ask(&o, "");
	for (int i = 0; i < 19; i++)
		assert_string_equal(owner_ask(&o, "XYZZY\r\n"), UNKNOWN);
	assert_false(o.is_closed);
	assert_string_equal(owner_ask(&o, "XYZZY\r\n"),
		"421 4.7.0 too many bad commands, closing\r\n");
	assert_true(o.is_closed);
	owner_close(&o);
}

/* As many as there may be, through the smallest output. */
static void
recipients_have_their_maximum(void **state)
{
	static const char reply[] = "250 2.1.5 <c@d> ok\r\n";
	const char *replies;
	struct owner o;

	owner_open(&o, &settings, DECISIONS_GOOD, LMTP_OUTPUT_MINIMUM_OCTETS);
	owner_ask(&o, LHLO MAIL);
	for (int i = 0; i < LMTP_RECIPIENTS_MAXIMUM; i++)
		assert_string_equal(owner_ask(&o, RCPT), reply);
	assert_string_equal(
		owner_ask(&o, RCPT), "452 4.5.3 too many recipients\r\n");
	assert_int_equal(lmtp_session_recipient_count(o.session),
		LMTP_RECIPIENTS_MAXIMUM);
	owner_ask(&o, "DATA\r\n");
	replies = owner_ask(&o, "body\r\n.\r\n");
	assert_int_equal(
		strlen(replies), LMTP_RECIPIENTS_MAXIMUM * (sizeof(reply) - 1));
	for (int i = 0; i < LMTP_RECIPIENTS_MAXIMUM; i++)
		assert_memory_equal(replies + (size_t)i * (sizeof(reply) - 1),
			reply, sizeof(reply) - 1);
	owner_close(&o);
}

static void
expiry_comes_between_commands(void **state)
{
	struct owner o;

	owner_open(&o, &settings, DECISIONS_GOOD, 4096);
	owner_ask(&o, LHLO MAIL RCPT "DATA\r\n");
	lmtp_session_expire(o.session, "stopping");
	assert_string_equal(owner_ask(&o, "body\r\n"), "");
	assert_string_equal(owner_ask(&o, ".\r\n"),
		"250 2.1.5 <c@d> ok\r\n421 4.3.2 stopping\r\n");
	assert_true(o.is_closed);
	assert_int_equal(o.commits, 1);
	owner_close(&o);
}

/* ---- the table ---- */

static void
verbs_are_found_in_any_case(void **state)
{
	for (unsigned i = 0; i < lmtp_command_count; i++) {
		const struct lmtp_command *row = &lmtp_commands[i];
		char verb[8];

		assert_non_null(row->handle);
		assert_memory_equal(row->source, "RFC ", 4);
		snprintf(verb, sizeof(verb), "%s", row->verb);
		verb[0] |= 0x20;
		assert_ptr_equal(lmtp_find_command(bytes_of_string(verb)), row);
		assert_null(
			lmtp_find_command(bytes_of(verb, strlen(verb) - 1)));
	}
	assert_null(lmtp_find_command(BYTES_NONE));
	assert_null(lmtp_find_command(BYTES("STARTTLS")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_are_strict),
		cmocka_unit_test(a_line_has_its_maximum),
		cmocka_unit_test(bad_commands_are_the_end),
		cmocka_unit_test(recipients_have_their_maximum),
		cmocka_unit_test(expiry_comes_between_commands),
		cmocka_unit_test(verbs_are_found_in_any_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
