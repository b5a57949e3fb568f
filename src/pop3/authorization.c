/* SPDX-License-Identifier: ISC */
#include "base/base64.h"
#include "pop3/languages.h"
#include "pop3/state.h"
#include "sasl/saslprep.h"

#include <string.h>

#define NEEDS_TLS                                                              \
	"plain passwords need TLS here: use port 995 or give STLS first"

/* RFC 5034 section 4: names of 1 to 20 octets. */
#define MECHANISM_MAXIMUM_OCTETS 20

bool
pop3_may_login_plain(const struct pop3_session *s)
{
	/* Whatever the state: what CAPA announces before the login it announces
	   after it too (RFC 2449 section 5, RFC 5034 section 3). */
	return s->is_tls || s->settings->may_plaintext_without_tls;
}

bool
pop3_offers_stls(const struct pop3_session *s)
{
	return s->state == POP3_AUTHORIZATION && s->settings->offers_stls &&
	       !s->is_tls;
}

bool
pop3_offers_apop(const struct pop3_session *s)
{
	return s->settings->offers_apop && s->banner_id;
}

bool
pop3_offers_sasl(const struct pop3_session *s)
{
	return s->mechanisms[0] && pop3_may_login_plain(s);
}

void
pop3_forget_secrets(struct pop3_session *s)
{
	secret_release(&s->mechanism);
	secret_release(&s->response);
	s->authentication = (struct pop3_authentication){0};
	/* A line that came in pieces still lies in the reader. */
	line_reader_reset(&s->lines);
}

static void
authenticate(struct pop3_session *s, bool is_first, bool has_response)
{
	s->authentication = (struct pop3_authentication){.is_first = is_first,
		.mechanism = secret_bytes(&s->mechanism),
		.user = secret_bytes(&s->user),
		.has_response = has_response,
		.response = secret_bytes(&s->response)};
	s->next = POP3_AUTHENTICATE;
}

/* ---- UTF8 and LANG ---- */

void
pop3_on_utf8(struct pop3_session *s, const struct pop3_command_input *input)
{
	s->is_utf8 = true;
	pop3_ok(s, "UTF-8 from now on");
}

void
pop3_on_lang(struct pop3_session *s, const struct pop3_command_input *input)
{
	unsigned language = s->settings->language;
	size_t from;
	struct bytes range = bytes_trim(input->text);

	if (range.octets == 0) {
		pop3_begin_long(s, POP3_LONG_LANGUAGES, "languages follow");
		return;
	}
	if (!bytes_equal(range, bytes_of_string("*")) &&
		!pop3_find_language(range, &language)) {
		pop3_bad(s, "no such language");
		return;
	}
	s->language = (uint8_t)language;
	from = s->out->octets;
	buffer_append_string(s->out, "+OK ");
	buffer_append_string(s->out, pop3_languages[language].tag);
	buffer_append_string(s->out, " ");
	buffer_append_string(s->out, pop3_translate(language, "English it is"));
	buffer_append_string(s->out, "\r\n");
	s->replies++;
	pop3_show_reply(s, from);
}

/* ---- USER, PASS, APOP ---- */

/* RFC 6856 section 2.2: by SASLprep. False: a reply has said why. */
static bool
set_prepared(struct pop3_session *s, struct secret *to, struct bytes text)
{
	switch (saslprep(text, SASLPREP_QUERY, to)) {
	case SASLPREP_DONE:
		return true;
	case SASLPREP_NOT_UTF8:
		pop3_bad(s, "that is not UTF-8");
		return false;
	case SASLPREP_PROHIBITED:
		pop3_bad(s, "a character there is not allowed");
		return false;
	case SASLPREP_NO_MEMORY:
	default:
		pop3_failed(s, ERR_TRY_LATER, "out of memory");
		return false;
	}
}

void
pop3_on_user(struct pop3_session *s, const struct pop3_command_input *input)
{
	if (!pop3_may_login_plain(s))
		pop3_err(s, NEEDS_TLS);
	else if (input->text.octets == 0)
		pop3_bad(s, "USER needs a name");
	else if (set_prepared(s, &s->user, input->text))
		/* Whether there is such a user is not said (RFC 1939
		   section 7 allows it). */
		pop3_ok(s, "now the password");
}

void
pop3_on_pass(struct pop3_session *s, const struct pop3_command_input *input)
{
	if (!pop3_may_login_plain(s))
		pop3_err(s, NEEDS_TLS);
	else if (!s->user.at)
		pop3_bad(s, "PASS comes after USER");
	else if (input->text.octets == 0)
		pop3_bad(s, "PASS needs a password");
	else if (!set_prepared(s, &s->response, input->text))
		return;
	else if (!secret_set(&s->mechanism, bytes_of_string("USER")))
		pop3_failed(s, ERR_TRY_LATER, "out of memory");
	else
		authenticate(s, true, true);
}

void
pop3_on_apop(struct pop3_session *s, const struct pop3_command_input *input)
{
	const unsigned char *blank =
		memrchr(input->text.at, ' ', input->text.octets);
	size_t octets = blank ? (size_t)(blank - input->text.at) : 0;
	struct bytes digest = bytes_after(input->text, octets + 1);

	if (octets == 0 || digest.octets != 32)
		pop3_bad(s, "APOP needs a name and a digest of 32 digits");
	else if (!secret_set(&s->user, bytes_of(input->text.at, octets)) ||
		 !secret_set(&s->response, digest) ||
		 !secret_set(&s->mechanism, bytes_of_string("APOP")))
		pop3_failed(s, ERR_TRY_LATER, "out of memory");
	else
		authenticate(s, true, true);
}

/* ---- AUTH ---- */

static bool
is_known_mechanism(const struct pop3_session *s, struct bytes name)
{
	struct bytes rest = bytes_of_string(s->mechanisms);

	while (rest.octets > 0)
		if (bytes_equal_ignoring_case(bytes_cut(&rest, ' '), name))
			return true;
	return false;
}

static bool
set_mechanism(struct pop3_session *s, struct bytes name)
{
	char capitals[MECHANISM_MAXIMUM_OCTETS + 1];

	if (!bytes_to_string(name, capitals, sizeof(capitals)))
		return false;
	for (char *at = capitals; *at; at++)
		if (*at >= 'a' && *at <= 'z')
			*at = (char)(*at - ('a' - 'A'));
	return secret_set(&s->mechanism, bytes_of_string(capitals));
}

static bool
set_response(struct pop3_session *s, struct bytes base64)
{
	struct buffer decoded;
	bool is_good;

	buffer_init(&decoded, POP3_SASL_MAXIMUM_OCTETS);
	is_good = base64_decode(base64, &decoded) &&
		  secret_set(&s->response, buffer_bytes(&decoded));
	buffer_wipe(&decoded);
	return is_good;
}

void
pop3_on_auth(struct pop3_session *s, const struct pop3_command_input *input)
{
	struct bytes rest = input->text;
	struct bytes name = bytes_cut(&rest, ' ');
	bool has_response = rest.octets > 0;

	if (name.octets == 0) {
		/* Outlook asks like this; RFC 1734's list. */
		pop3_begin_long(s, POP3_LONG_MECHANISMS, "mechanisms follow");
		return;
	}
	if (!is_known_mechanism(s, name)) {
		pop3_bad(s, "no such mechanism");
		return;
	}
	if (!pop3_may_login_plain(s)) {
		pop3_err(s, NEEDS_TLS);
		return;
	}
	secret_release(&s->user);
	/* "=" is an initial response of no octets (RFC 5034 section 4). */
	if (bytes_equal(rest, bytes_of_string("=")))
		rest = BYTES_NONE;
	if (!set_mechanism(s, name) || !set_response(s, rest)) {
		pop3_forget_secrets(s);
		pop3_bad(s, "not base64");
		return;
	}
	s->is_in_sasl = true;
	line_reader_set_maximum(&s->lines, POP3_SASL_MAXIMUM_OCTETS);
	authenticate(s, true, has_response);
}

static void
leave_sasl(struct pop3_session *s)
{
	s->is_in_sasl = false;
	pop3_forget_secrets(s);
	line_reader_set_maximum(&s->lines, POP3_COMMAND_MAXIMUM_OCTETS);
}

/* The owner forgets the exchange; it owes no answer. */
void
pop3_cancel_sasl(struct pop3_session *s, const char *why)
{
	leave_sasl(s);
	pop3_bad(s, why);
	s->authentication = (struct pop3_authentication){.is_cancelled = true};
	s->next = POP3_AUTHENTICATE;
}

void
pop3_on_sasl_line(struct pop3_session *s, struct bytes line)
{
	s->replies = 0;
	if (bytes_equal(line, bytes_of_string("*")))
		pop3_cancel_sasl(s, "login cancelled");
	else if (!set_response(s, line))
		pop3_cancel_sasl(s, "not base64");
	else
		authenticate(s, false, true);
}

/* ---- answers of the owner ---- */

const struct pop3_authentication *
pop3_session_authentication(const struct pop3_session *s)
{
	return &s->authentication;
}

void
pop3_session_challenge(struct pop3_session *s, struct bytes challenge)
{
	buffer_init(&s->pending, POP3_SASL_MAXIMUM_OCTETS * 2);
	buffer_append_string(&s->pending, "+ ");
	base64_encode(challenge, &s->pending);
	buffer_append_string(&s->pending, "\r\n");
	pop3_show_challenge(s, challenge.octets);
	secret_release(&s->response);
	s->next = POP3_READ;
}

void
pop3_session_set_mechanisms(struct pop3_session *s, const char *mechanisms)
{
	s->mechanisms = mechanisms;
}

void
pop3_session_set_id(struct pop3_session *s, const char *id)
{
	s->id = id;
}

void
pop3_session_set_policy(
	struct pop3_session *s, const struct pop3_policy *policy)
{
	s->policy = *policy;
}

void
pop3_session_opened(struct pop3_session *s, const struct maildrop *maildrop)
{
	leave_sasl(s);
	secret_release(&s->user);
	s->maildrop = maildrop;
	s->state = POP3_TRANSACTION;
	s->summary.is_logged_in = true;
	s->bad_commands = 0;
	s->next = POP3_READ;
	s->answer = POP3_ANSWER_LOGGED_IN;
}

void
pop3_session_refused(struct pop3_session *s, enum outcome why)
{
	leave_sasl(s);
	secret_release(&s->user);
	s->next = POP3_READ;
	s->answer = POP3_ANSWER_REFUSED;
	s->answer_outcome = why;
}
