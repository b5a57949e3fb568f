/* SPDX-License-Identifier: ISC */
/* Whole sessions with servers that keep to the RFCs. */
#include "driver.h"

#define ALICE	 bytes_of_string("alice")
#define PASSWORD bytes_of_string("two words")

/* ---- what is asked ---- */

static enum outcome
log_in(struct pop3_client *c)
{
	return pop3_client_user_pass(c, ALICE, PASSWORD, false);
}

static enum outcome
log_in_pipelined(struct pop3_client *c)
{
	return pop3_client_user_pass(c, ALICE, PASSWORD, true);
}

static enum outcome
log_in_and_look(struct pop3_client *c)
{
	assert_int_equal(log_in_pipelined(c), OK);
	assert_int_equal(pop3_client_stat(c), OK);
	return pop3_client_uidl(c);
}

#define INITIAL bytes_of("\0alice\0secret", 13)

static enum outcome
auth_plain(struct pop3_client *c)
{
	return pop3_client_auth(c, "PLAIN", true, INITIAL);
}

static enum outcome
auth_plain_in_two_lines(struct pop3_client *c)
{
	return pop3_client_auth(c, "PLAIN", false, BYTES_NONE);
}

static enum outcome
auth_without_octets(struct pop3_client *c)
{
	return pop3_client_auth(c, "EXTERNAL", true, BYTES_NONE);
}

static enum outcome
auth_login(struct pop3_client *c)
{
	return pop3_client_auth(c, "LOGIN", false, BYTES_NONE);
}

static enum outcome
auth_long(struct pop3_client *c)
{
	unsigned char token[300];

	/* 400 octets as base64: "AAAA" a hundred times. */
	memset(token, 0, sizeof(token));
	return pop3_client_auth(
		c, "XOAUTH2", true, bytes_of(token, sizeof(token)));
}

static enum outcome
auth_short(struct pop3_client *c)
{
	return pop3_client_auth(c, "XOAUTH2", true, bytes_of_string("token"));
}

static enum outcome
respond_initial(struct pop3_client *c)
{
	return pop3_client_respond(c, INITIAL);
}

static enum outcome
respond_alice(struct pop3_client *c)
{
	return pop3_client_respond(c, ALICE);
}

static enum outcome
respond_password(struct pop3_client *c)
{
	return pop3_client_respond(c, PASSWORD);
}

static enum outcome
respond_nothing(struct pop3_client *c)
{
	return pop3_client_respond(c, BYTES_NONE);
}

static enum outcome
handshake(struct pop3_client *c)
{
	pop3_client_tls_started(c);
	assert_int_equal(pop3_client_capabilities(c), 0);
	return OK;
}

static enum outcome
retr_1(struct pop3_client *c)
{
	return pop3_client_retr(c, 1);
}

static enum outcome
top_2(struct pop3_client *c)
{
	return pop3_client_top(c, 2, 0);
}

static enum outcome
dele_1(struct pop3_client *c)
{
	return pop3_client_dele(c, 1);
}

static enum outcome
uidl_2(struct pop3_client *c)
{
	return pop3_client_uidl_one(c, 2);
}

/* The next messages are asked for before the first has come. */
static enum outcome
window(struct pop3_client *c)
{
	for (uint32_t msgno = 1; msgno <= 3; msgno++)
		assert_int_equal(pop3_client_retr(c, msgno), OK);
	assert_int_equal(pop3_client_pending(c), 3);
	return OK;
}

static enum outcome
window_of_deletions(struct pop3_client *c)
{
	for (uint32_t msgno = 1; msgno <= 3; msgno++)
		assert_int_equal(pop3_client_dele(c, msgno), OK);
	return pop3_client_quit(c);
}

#define GREETING                                                               \
	{                                                                      \
		NULL, NULL, TEXT("+OK ready\r\n"), "greeted ready\n"           \
	}
#define BYE                                                                    \
	{                                                                      \
		pop3_client_quit, "QUIT\r\n", TEXT("+OK bye\r\n"), "quit\n"    \
	}

/* ---- dialogues ---- */

static const struct dialogue one_by_one = {"one command at a time",
	{{NULL, NULL, TEXT("+OK POP3 <1@host> ready\r\n"),
		 "greeted POP3 <1@host> ready\n"},
		{pop3_client_capa, "CAPA\r\n",
			TEXT("+OK list follows\r\nTOP\r\nUSER\r\nuidl\r\n"
			     "SASL PLAIN LOGIN\r\nEXPIRE NEVER\r\n"
			     "RESP-CODES\r\nX-OTHER\r\n.\r\n"),
			"capable TOP USER UIDL RESP-CODES SASL +PLAIN "
			"+LOGIN\n"},
		{log_in, "USER alice\r\n", TEXT("+OK\r\n"), ""},
		{NULL, "PASS two words\r\n", TEXT("+OK welcome\r\n"),
			"logged in\n"},
		{pop3_client_stat, "STAT\r\n", TEXT("+OK 2 320\r\n"),
			"stat 2 320\n"},
		{pop3_client_uidl, "UIDL\r\n",
			TEXT("+OK\r\n1 whqtswO00WBw418f9t5JxYwZ\r\n"
			     "2 QhdPYR:00WBw1Ph7x7\r\n.\r\n"),
			"uidl 1 whqtswO00WBw418f9t5JxYwZ\n"
			"uidl 2 QhdPYR:00WBw1Ph7x7\nend of list\n"},
		{pop3_client_list, "LIST\r\n",
			TEXT("+OK 2 messages\r\n1 120\r\n2 200 more\r\n.\r\n"),
			"list 1 120\nlist 2 200\nend of list\n"},
		{retr_1, "RETR 1\r\n",
			TEXT("+OK 120 octets\r\nSubject: x\r\n\r\n..dot\r\n"
			     "...\r\nnot.one\r\n.\r\n"),
			"message 1\noctets Subject: x\r\n\r\n.dot\r\n..\r\n"
			"not.one\r\n\nend of message\n"},
		{top_2, "TOP 2 0\r\n", TEXT("+OK\r\nA: b\r\n\r\n.\r\n"),
			"message 2\noctets A: b\r\n\r\n\nend of message\n"},
		{dele_1, "DELE 1\r\n", TEXT("+OK marked\r\n"), "deleted 1\n"},
		{pop3_client_noop, "NOOP\r\n", TEXT("+OK\r\n"), "done\n"},
		{pop3_client_rset, "RSET\r\n", TEXT("+OK\r\n"), "done\n"},
		{uidl_2, "UIDL 2\r\n", TEXT("+OK 2 QhdPYR:00WBw1Ph7x7\r\n"),
			"uidl 2 QhdPYR:00WBw1Ph7x7\n"},
		BYE}};

static const struct dialogue pipelined = {"pipelined login",
	{GREETING,
		{log_in_and_look,
			"USER alice\r\nPASS two words\r\nSTAT\r\nUIDL\r\n",
			TEXT("+OK\r\n+OK in\r\n+OK 1 10\r\n+OK\r\n1 a\r\n"
			     ".\r\n"),
			"logged in\nstat 1 10\nuidl 1 a\nend of list\n"},
		BYE}};

static const struct dialogue stls = {"STLS",
	{GREETING,
		{pop3_client_capa, "CAPA\r\n",
			TEXT("+OK\r\nSTLS\r\nPIPELINING\r\nSASL XOAUTH2\r\n"
			     ".\r\n"),
			"capable PIPELINING STLS SASL +XOAUTH2\n"},
		{pop3_client_stls, "STLS\r\n", TEXT("+OK begin\r\n"), "tls\n"},
		{handshake, "", TEXT(""), ""},
		{pop3_client_capa, "CAPA\r\n",
			TEXT("+OK\r\nSASL PLAIN\r\n.\r\n"),
			"capable SASL +PLAIN\n"},
		{auth_plain, "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n",
			TEXT("+OK\r\n"), "logged in\n"},
		BYE}};

static const struct dialogue stls_refused = {"STLS refused",
	{GREETING,
		{pop3_client_stls, "STLS\r\n", TEXT("-ERR no TLS here\r\n"),
			"refused STLS 0 NONE no TLS here\n"},
		BYE}};

static const struct dialogue no_capa = {"CAPA unknown, then forgotten",
	{GREETING,
		{pop3_client_capa, "CAPA\r\n", TEXT("-ERR what?\r\n"),
			"capable\n"},
		{pop3_client_capa, "CAPA\r\n",
			TEXT("+OK\r\nTOP\r\nSASL PLAIN\r\n.\r\n"),
			"capable TOP SASL +PLAIN\n"},
		/* What was said before holds no more. */
		{pop3_client_capa, "CAPA\r\n", TEXT("-ERR not now\r\n"),
			"capable\n"},
		{pop3_client_capa, "CAPA\r\n", TEXT("+OK\r\n.\r\n"),
			"capable\n"},
		BYE}};

static const struct dialogue sasl_in_two_lines = {"PLAIN in two lines",
	{GREETING,
		{auth_plain_in_two_lines, "AUTH PLAIN\r\n", TEXT("+ \r\n"),
			"challenge \n"},
		{respond_initial, "AGFsaWNlAHNlY3JldA==\r\n", TEXT("+OK\r\n"),
			"logged in\n"},
		BYE}};

/* Some servers leave the blank away. */
static const struct dialogue sasl_without_blank = {
	"a bare plus", {GREETING,
			       {auth_plain_in_two_lines, "AUTH PLAIN\r\n",
				       TEXT("+\r\n"), "challenge \n"},
			       {respond_initial, "AGFsaWNlAHNlY3JldA==\r\n",
				       TEXT("+OK\r\n"), "logged in\n"},
			       BYE}};

static const struct dialogue sasl_login = {"LOGIN",
	{GREETING,
		{auth_login, "AUTH LOGIN\r\n", TEXT("+ VXNlcm5hbWU6\r\n"),
			"challenge Username:\n"},
		{respond_alice, "YWxpY2U=\r\n", TEXT("+ UGFzc3dvcmQ6\r\n"),
			"challenge Password:\n"},
		{respond_password, "dHdvIHdvcmRz\r\n", TEXT("+OK\r\n"),
			"logged in\n"},
		BYE}};

static const struct dialogue sasl_empty_initial = {"initial response of none",
	{GREETING,
		{auth_without_octets, "AUTH EXTERNAL =\r\n", TEXT("+OK\r\n"),
			"logged in\n"},
		BYE}};

#define AAAA_10 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define AAAA_100                                                               \
	AAAA_10 AAAA_10 AAAA_10 AAAA_10 AAAA_10 AAAA_10 AAAA_10 AAAA_10        \
		AAAA_10 AAAA_10

/* RFC 5034 section 4: a line stays below 255 octets. */
static const struct dialogue sasl_long = {"a token too long for the line",
	{GREETING, {auth_long, "AUTH XOAUTH2\r\n", TEXT("+ \r\n"), ""},
		{NULL, AAAA_100 "\r\n", TEXT("+OK\r\n"), "logged in\n"}, BYE}};

/* What an OAuth server says against a token is a challenge to be answered. */
static const struct dialogue sasl_error = {"an error as challenge",
	{GREETING,
		{auth_short, "AUTH XOAUTH2 dG9rZW4=\r\n",
			TEXT("+ eyJzdGF0dXMiOiI0MDAifQ==\r\n"),
			"challenge {\"status\":\"400\"}\n"},
		{respond_nothing, "\r\n", TEXT("-ERR [AUTH] no\r\n"),
			"refused AUTH 0 AUTH [AUTH] no\n"},
		BYE}};

/* The token that was never asked for is not sent in a later exchange. */
static const struct dialogue sasl_again = {"refused at once, then another",
	{GREETING,
		{auth_long, "AUTH XOAUTH2\r\n", TEXT("-ERR no\r\n"),
			"refused AUTH 0 NONE no\n"},
		{auth_short, "AUTH XOAUTH2 dG9rZW4=\r\n", TEXT("+ e30=\r\n"),
			"challenge {}\n"},
		{pop3_client_cancel, "*\r\n", TEXT("-ERR cancelled\r\n"),
			"refused AUTH 0 NONE cancelled\n"},
		BYE}};

static const struct dialogue sasl_no_base64 = {"a challenge that is no base64",
	{GREETING,
		{auth_plain_in_two_lines, "AUTH PLAIN\r\n", TEXT("+ !!!\r\n"),
			""},
		{NULL, "*\r\n", TEXT("-ERR cancelled\r\n"),
			"refused AUTH 0 NONE cancelled\n"},
		/* Another exchange is another. */
		{auth_plain_in_two_lines, "AUTH PLAIN\r\n", TEXT("+ \r\n"),
			"challenge \n"},
		{respond_initial, "AGFsaWNlAHNlY3JldA==\r\n", TEXT("+OK\r\n"),
			"logged in\n"},
		BYE}};

static const struct dialogue user_refused = {"USER refused",
	{GREETING,
		/* The password stays here. */
		{log_in, "USER alice\r\n", TEXT("-ERR [AUTH] who?\r\n"),
			"refused USER 0 AUTH [AUTH] who?\n"},
		{log_in_pipelined, "USER alice\r\nPASS two words\r\n",
			TEXT("-ERR who?\r\n-ERR no USER\r\n"),
			"refused USER 0 NONE who?\n"
			"refused PASS 0 NONE no USER\n"},
		{log_in, "USER alice\r\n", TEXT("+OK\r\n"), ""},
		{NULL, "PASS two words\r\n", TEXT("-ERR [IN-USE] locked\r\n"),
			"refused PASS 0 IN-USE [IN-USE] locked\n"},
		BYE}};

static const struct dialogue codes = {"response codes",
	{{NULL, NULL, TEXT("-ERR [SYS/TEMP] closed\r\n"),
		 "refused GREETING 0 SYS/TEMP [SYS/TEMP] closed\n"},
		{pop3_client_noop, "NOOP\r\n", TEXT("-ERR [SYS/PERM] x\r\n"),
			"refused NOOP 0 SYS/PERM [SYS/PERM] x\n"},
		{pop3_client_noop, "NOOP\r\n", TEXT("-ERR [LOGIN-DELAY] x\r\n"),
			"refused NOOP 0 LOGIN-DELAY [LOGIN-DELAY] x\n"},
		{pop3_client_noop, "NOOP\r\n",
			TEXT("-err [sys/temp/disk] x\r\n"),
			"refused NOOP 0 SYS/TEMP [sys/temp/disk] x\n"},
		{pop3_client_noop, "NOOP\r\n", TEXT("-ERR [XYZ] x\r\n"),
			"refused NOOP 0 OTHER [XYZ] x\n"},
		/* Another code that begins alike. */
		{pop3_client_noop, "NOOP\r\n", TEXT("-ERR [AUTHOR] x\r\n"),
			"refused NOOP 0 OTHER [AUTHOR] x\n"},
		{pop3_client_noop, "NOOP\r\n", TEXT("-ERR\r\n"),
			"refused NOOP 0 NONE \n"},
		{pop3_client_noop, "NOOP\r\n", TEXT("-ERR auth [AUTH]\r\n"),
			"refused NOOP 0 NONE auth [AUTH]\n"}}};

static const struct dialogue windows = {"windows of RETR and DELE",
	{GREETING,
		{window, "RETR 1\r\nRETR 2\r\nRETR 3\r\n",
			TEXT("+OK\r\none\r\n.\r\n"
			     "-ERR [SYS/TEMP] gone\r\n"
			     "+OK\r\nthree\r\n..\r\n.\r\n"),
			"message 1\noctets one\r\n\nend of message\n"
			"refused RETR 2 SYS/TEMP [SYS/TEMP] gone\n"
			"message 3\noctets three\r\n.\r\n\nend of message\n"},
		{window_of_deletions, "DELE 1\r\nDELE 2\r\nDELE 3\r\nQUIT\r\n",
			TEXT("+OK\r\n-ERR no\r\n+OK\r\n-ERR some remain\r\n"),
			"deleted 1\nrefused DELE 2 NONE no\ndeleted 3\n"
			"refused QUIT 0 NONE some remain\n"}}};

/* What collectors have cut short or altered. */
static const struct dialogue bodies = {"bodies octet by octet",
	{GREETING,
		{retr_1, "RETR 1\r\n", TEXT("+OK\r\n.\r\n"),
			"message 1\nend of message\n"},
		{retr_1, "RETR 1\r\n", TEXT("+OK\r\na\n.\nb\n.\r\nc\r\n.\r\n"),
			"message 1\noctets a\n.\nb\n.\r\nc\r\n\n"
			"end of message\n"},
		{retr_1, "RETR 1\r\n",
			TEXT("+OK\r\n\0x\r\r\n\r.\r\n.\r.\r\n\xff\r\n.\r\n"),
			"message 1\noctets %00x\r\r\n\r.\r\n\r.\r\n\xff\r\n\n"
			"end of message\n"},
		{retr_1, "RETR 1\r\n", TEXT("+OK\r\n..\r\n....\r\n\r\n.\r\n"),
			"message 1\noctets .\r\n...\r\n\r\n\n"
			"end of message\n"},
		{top_2, "TOP 2 0\r\n", TEXT("-ERR no TOP\r\n"),
			"refused TOP 2 NONE no TOP\n"},
		BYE}};

/* Odd, but no reason to leave mail where it is. */
static const struct dialogue lenient = {"lines that a server may write so",
	{{NULL, NULL, TEXT("+ok\n"), "greeted \n"},
		{pop3_client_capa, "CAPA\r\n", TEXT("+Ok\ntop\n.\n"),
			"capable TOP\n"},
		{pop3_client_uidl, "UIDL\r\n", TEXT("+OK\r\n.\r\n"),
			"end of list\n"},
		{pop3_client_list, "LIST\r\n", TEXT("+OK\r\n.\r\n"),
			"end of list\n"},
		{pop3_client_stat, "STAT\r\n",
			TEXT("+OK 16000000 18446744073709551615 x\r\n"),
			"stat 16000000 18446744073709551615\n"},
		/* A UIDL with a blank is whole: its first word alone may be
		   that of another message too. */
		{pop3_client_uidl, "UIDL\r\n",
			TEXT("+OK\r\n1 msg 1\r\n2 msg 2 \r\n3  ../a\r\n.\r\n"),
			"uidl 1 msg 1\nuidl 2 msg 2\nuidl 3 ../a\n"
			"end of list\n"},
		BYE}};

static void
speaks_with(void **state)
{
	play_every_way(*state);
}

#define DIALOGUE(name)                                                         \
	{                                                                      \
#name, speaks_with, NULL, NULL, (void *)(uintptr_t)&name       \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DIALOGUE(one_by_one),
		DIALOGUE(pipelined),
		DIALOGUE(stls),
		DIALOGUE(stls_refused),
		DIALOGUE(no_capa),
		DIALOGUE(sasl_in_two_lines),
		DIALOGUE(sasl_without_blank),
		DIALOGUE(sasl_login),
		DIALOGUE(sasl_empty_initial),
		DIALOGUE(sasl_long),
		DIALOGUE(sasl_error),
		DIALOGUE(sasl_again),
		DIALOGUE(sasl_no_base64),
		DIALOGUE(user_refused),
		DIALOGUE(codes),
		DIALOGUE(windows),
		DIALOGUE(bodies),
		DIALOGUE(lenient),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
