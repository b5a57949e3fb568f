/* SPDX-License-Identifier: ISC */
#include "lmtp/state.h"

#include <stdlib.h>
#include <string.h>

#define HELO_MAXIMUM_OCTETS 255
#define SIZE_MAXIMUM_DIGITS 20

void
lmtp_reset(struct lmtp_session *s)
{
	for (unsigned i = 0; i < s->recipient_count; i++)
		free(s->recipients[i].address);
	s->recipient_count = 0;
	s->replied = 0;
	free(s->reverse_path);
	free(s->candidate);
	s->reverse_path = s->candidate = NULL;
	s->body_octets = 0;
	s->refusal = OK;
	s->refusal_text = NULL;
	s->is_after_cr = false;
	s->mode = LMTP_COMMANDS;
	if (s->has_begun)
		s->next = LMTP_ABORT;
	s->has_begun = false;
}

static char *
copy_of(const char *text)
{
	return strdup(text);
}

/* ---- LHLO ---- */

static bool
is_helo(struct bytes name)
{
	if (name.octets == 0 || name.octets > HELO_MAXIMUM_OCTETS)
		return false;
	for (size_t i = 0; i < name.octets; i++)
		if (name.at[i] <= ' ' || name.at[i] >= 0x7f)
			return false;
	return true;
}

void
lmtp_on_lhlo(struct lmtp_session *s, struct bytes arguments)
{
	char name[HELO_MAXIMUM_OCTETS + 1];

	arguments = bytes_trim(arguments);
	if (!is_helo(arguments) ||
		!bytes_to_string(arguments, name, sizeof(name))) {
		lmtp_bad(s, "501 5.5.4 LHLO needs the name of your host");
		return;
	}
	lmtp_reset(s);
	free(s->helo);
	s->helo = copy_of(name);
	buffer_printf(s->out,
		"250-%.200s\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n"
		"250-8BITMIME\r\n250-SMTPUTF8\r\n"
		"250-CHUNKING\r\n250 SIZE %llu\r\n",
		s->settings->hostname,
		(unsigned long long)s->settings->maximum_message_octets);
}

void
lmtp_on_wrong_hello(struct lmtp_session *s, struct bytes arguments)
{
	lmtp_bad(s, "500 5.5.1 this is LMTP: say LHLO");
}

/* ---- MAIL ---- */

static bool
starts_with(struct bytes *rest, const char *prefix)
{
	struct bytes front = *rest;

	front.octets = strlen(prefix);
	if (rest->octets < front.octets ||
		!bytes_equal_ignoring_case(front, bytes_of_string(prefix)))
		return false;
	*rest = bytes_trim(bytes_after(*rest, front.octets));
	return true;
}

/* 1 to 20 digits (RFC 1870 section 3): more than fit a number is too large, and
 * zeros may lead. */
static const char *
take_size(const struct lmtp_session *s, struct bytes size)
{
	uint64_t octets;

	if (size.octets == 0 || size.octets > SIZE_MAXIMUM_DIGITS)
		return "501 5.5.4 SIZE needs a number";
	for (size_t i = 0; i < size.octets; i++)
		if (size.at[i] < '0' || size.at[i] > '9')
			return "501 5.5.4 SIZE needs a number";
	while (size.octets > 1 && size.at[0] == '0')
		size = bytes_after(size, 1);
	if (!bytes_to_number(
		    size, s->settings->maximum_message_octets, &octets))
		return "552 5.3.4 the message is too large";
	return NULL;
}

/* One of MAIL's parameters; NULL or what is wrong with it. */
static const char *
take_parameter(const struct lmtp_session *s, struct bytes parameter)
{
	if (starts_with(&parameter, "SIZE="))
		return take_size(s, parameter);
	if (starts_with(&parameter, "BODY=") &&
		(bytes_equal_ignoring_case(
			 parameter, bytes_of_string("7BIT")) ||
			bytes_equal_ignoring_case(
				parameter, bytes_of_string("8BITMIME"))))
		return NULL;
	if (bytes_equal_ignoring_case(parameter, bytes_of_string("SMTPUTF8")))
		return NULL;
	return "555 5.5.4 unknown parameter";
}

static const char *
take_parameters(const struct lmtp_session *s, struct bytes rest)
{
	const char *wrong = NULL;

	if (rest.octets > 0 && rest.at[0] != ' ')
		return "501 5.5.4 a blank is missing behind the path";
	while (rest.octets > 0 && !wrong) {
		struct bytes parameter = bytes_cut(&rest, ' ');

		if (parameter.octets > 0)
			wrong = take_parameter(s, parameter);
	}
	return wrong;
}

void
lmtp_on_mail(struct lmtp_session *s, struct bytes arguments)
{
	char path[LMTP_ADDRESS_MAXIMUM_OCTETS + 1];
	const char *wrong;

	if (!s->helo) {
		lmtp_bad(s, "503 5.5.1 say LHLO first");
	} else if (s->reverse_path) {
		lmtp_bad(s, "503 5.5.1 there is a sender already");
	} else if (!starts_with(&arguments, "FROM:") ||
		   !lmtp_take_path(&arguments, true, path)) {
		lmtp_bad(s, "501 5.1.7 MAIL FROM:<address> is expected");
	} else if ((wrong = take_parameters(s, arguments))) {
		lmtp_reply(s, wrong);
	} else {
		s->reverse_path = copy_of(path);
		lmtp_reply(s, "250 2.1.0 sender ok");
	}
}

/* ---- RCPT ---- */

void
lmtp_on_rcpt(struct lmtp_session *s, struct bytes arguments)
{
	char path[LMTP_ADDRESS_MAXIMUM_OCTETS + 1];

	if (!s->reverse_path) {
		lmtp_bad(s, "503 5.5.1 MAIL comes first");
	} else if (s->has_begun) {
		lmtp_bad(s, "503 5.5.1 the message has begun");
	} else if (!starts_with(&arguments, "TO:") ||
		   !lmtp_take_path(&arguments, false, path)) {
		lmtp_bad(s, "501 5.1.3 RCPT TO:<address> is expected");
	} else if (bytes_trim(arguments).octets > 0) {
		lmtp_reply(s, "555 5.5.4 unknown parameter");
	} else if (s->recipient_count >= LMTP_RECIPIENTS_MAXIMUM) {
		lmtp_reply(s, "452 4.5.3 too many recipients");
	} else {
		s->candidate = copy_of(path);
		s->next = LMTP_RESOLVE;
	}
}

/* ---- the rest ---- */

void
lmtp_on_data(struct lmtp_session *s, struct bytes arguments)
{
	if (arguments.octets > 0)
		lmtp_bad(s, "501 5.5.4 DATA takes no argument");
	else if (!s->reverse_path)
		lmtp_bad(s, "503 5.5.1 MAIL comes first");
	else if (s->recipient_count == 0)
		lmtp_reply(s, "503 5.5.1 no valid recipients");
	else if (s->has_begun)
		lmtp_bad(s, "503 5.5.1 the message comes in BDAT");
	else
		s->next = LMTP_BEGIN;
}

void
lmtp_on_rset(struct lmtp_session *s, struct bytes arguments)
{
	if (arguments.octets > 0) {
		lmtp_bad(s, "501 5.5.4 RSET takes no argument");
		return;
	}
	lmtp_reset(s);
	lmtp_reply(s, "250 2.0.0 forgotten");
}

void
lmtp_on_noop(struct lmtp_session *s, struct bytes arguments)
{
	lmtp_reply(s, "250 2.0.0 still here");
}

void
lmtp_on_vrfy(struct lmtp_session *s, struct bytes arguments)
{
	lmtp_reply(s, "252 2.5.2 send it, and you will see");
}

void
lmtp_on_quit(struct lmtp_session *s, struct bytes arguments)
{
	if (arguments.octets > 0) {
		lmtp_bad(s, "501 5.5.4 QUIT takes no argument");
		return;
	}
	lmtp_reply(s, "221 2.0.0 bye");
	s->has_quit = true;
	s->is_closing = true;
}
