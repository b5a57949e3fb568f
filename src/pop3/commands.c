/* SPDX-License-Identifier: ISC */
#include "pop3/commands.h"
#include "pop3/state.h"

#define BOTH (POP3_AUTHORIZATION | POP3_TRANSACTION)

/* Clients refuse a server that hides these before the login. */
static bool
always(const struct pop3_session *session)
{
	return true;
}

const struct pop3_command pop3_commands[] = {
	{"USER", POP3_AUTHORIZATION, POP3_OPTIONAL_TEXT, pop3_on_user, NULL,
		"USER", pop3_may_login_plain, "RFC 1939 section 7",
		"name the maildrop"},
	{"PASS", POP3_AUTHORIZATION, POP3_OPTIONAL_TEXT, pop3_on_pass, NULL,
		NULL, NULL, "RFC 1939 section 7", "its password", true},
	{"APOP", POP3_AUTHORIZATION, POP3_TEXT, pop3_on_apop, pop3_offers_apop,
		NULL, NULL, "RFC 1939 section 7",
		"log in by a digest of the banner", true},
	{"AUTH", POP3_AUTHORIZATION, POP3_OPTIONAL_TEXT, pop3_on_auth, NULL,
		NULL, NULL, "RFC 5034 section 4", "log in by SASL", true},
	{"STLS", POP3_AUTHORIZATION, POP3_NO_ARGUMENT, pop3_on_stls, NULL,
		"STLS", pop3_offers_stls, "RFC 2595 section 4", "start TLS"},
	{"UTF8", POP3_AUTHORIZATION, POP3_NO_ARGUMENT, pop3_on_utf8, NULL,
		"UTF8 USER", always, "RFC 6856 section 2",
		"headers, names and texts in UTF-8"},
	{"LANG", BOTH, POP3_OPTIONAL_TEXT, pop3_on_lang, NULL, "LANG", always,
		"RFC 6856 section 3", "the language of what replies say"},
	{"CAPA", BOTH, POP3_NO_ARGUMENT, pop3_on_capa, NULL, NULL, NULL,
		"RFC 2449 section 5", "what the server can do"},
	{"QUIT", BOTH, POP3_NO_ARGUMENT, pop3_on_quit, NULL, NULL, NULL,
		"RFC 1939 sections 4 and 6",
		"end; after a login, remove what is marked deleted"},
	{"STAT", POP3_TRANSACTION, POP3_NO_ARGUMENT, pop3_on_stat, NULL, NULL,
		NULL, "RFC 1939 section 5", "count and octets"},
	{"LIST", POP3_TRANSACTION, POP3_OPTIONAL_MSGNO, pop3_on_list, NULL,
		NULL, NULL, "RFC 1939 section 5", "octets of each message"},
	{"UIDL", POP3_TRANSACTION, POP3_OPTIONAL_MSGNO, pop3_on_uidl, NULL,
		"UIDL", always, "RFC 1939 section 7",
		"unique id of each message"},
	{"RETR", POP3_TRANSACTION, POP3_MSGNO, pop3_on_retr, NULL, NULL, NULL,
		"RFC 1939 section 5", "a message"},
	{"TOP", POP3_TRANSACTION, POP3_MSGNO_LINES, pop3_on_top, NULL, "TOP",
		always, "RFC 1939 section 7",
		"header and first lines of a message"},
	{"DELE", POP3_TRANSACTION, POP3_MSGNO, pop3_on_dele, NULL, NULL, NULL,
		"RFC 1939 section 5", "mark a message deleted"},
	{"NOOP", POP3_TRANSACTION, POP3_NO_ARGUMENT, pop3_on_noop, NULL, NULL,
		NULL, "RFC 1939 section 5", "nothing"},
	{"RSET", POP3_TRANSACTION, POP3_NO_ARGUMENT, pop3_on_rset, NULL, NULL,
		NULL, "RFC 1939 section 5", "unmark all"},
};

const unsigned pop3_command_count =
	sizeof(pop3_commands) / sizeof(pop3_commands[0]);

const char *const pop3_plain_capabilities[] = {
	"RESP-CODES",		   /* RFC 2449 section 6.4 */
	"AUTH-RESP-CODE",	   /* RFC 3206 section 6 */
	"PIPELINING",		   /* RFC 2449 section 6.6 */
	"IMPLEMENTATION Restante", /* RFC 2449 section 6.9 */
	NULL,
};

const struct pop3_command *
pop3_find_command(const struct pop3_session *session, struct bytes verb)
{
	for (unsigned i = 0; i < pop3_command_count; i++) {
		const struct pop3_command *row = &pop3_commands[i];

		if (bytes_equal_ignoring_case(verb, bytes_of_string(row->verb)))
			return !row->is_offered || row->is_offered(session)
				       ? row
				       : NULL;
	}
	return NULL;
}
