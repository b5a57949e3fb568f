/* SPDX-License-Identifier: ISC */
#include "lmtp/commands.h"
#include "lmtp/state.h"

const struct lmtp_command lmtp_commands[] = {
	{"LHLO", lmtp_on_lhlo, "RFC 2033 section 4.1"},
	{"HELO", lmtp_on_wrong_hello, "RFC 2033 section 4.1"},
	{"EHLO", lmtp_on_wrong_hello, "RFC 2033 section 4.1"},
	{"MAIL", lmtp_on_mail, "RFC 5321 section 4.1.1.2"},
	{"RCPT", lmtp_on_rcpt, "RFC 5321 section 4.1.1.3"},
	{"DATA", lmtp_on_data, "RFC 2033 section 4.2"},
	{"BDAT", lmtp_on_bdat, "RFC 3030 section 2"},
	{"RSET", lmtp_on_rset, "RFC 5321 section 4.1.1.5"},
	{"NOOP", lmtp_on_noop, "RFC 5321 section 4.1.1.9"},
	{"VRFY", lmtp_on_vrfy, "RFC 5321 section 4.1.1.6"},
	{"QUIT", lmtp_on_quit, "RFC 5321 section 4.1.1.10"},
};

const unsigned lmtp_command_count =
	sizeof(lmtp_commands) / sizeof(lmtp_commands[0]);

const struct lmtp_command *
lmtp_find_command(struct bytes verb)
{
	for (unsigned i = 0; i < lmtp_command_count; i++)
		if (bytes_equal_ignoring_case(
			    verb, bytes_of_string(lmtp_commands[i].verb)))
			return &lmtp_commands[i];
	return NULL;
}
