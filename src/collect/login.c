/* SPDX-License-Identifier: ISC */
/* How to log in: which mechanism, its exchange, and what a refusal means. */
#include "collect/login.h"
#include "base/base64.h"
#include "base/log.h"
#include "collect/collection.h"
#include "collect/oauth/provider.h"
#include "collect/oauth/token.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define MD5_OCTETS 16

/* ---- who, with what, over which connection ---- */

static bool
make_nonce(struct login *login)
{
	unsigned char octets[LOGIN_NONCE_OCTETS];
	struct buffer text;
	bool is_good;

	buffer_init(&text, sizeof(login->nonce) - 1);
	is_good = getrandom(octets, sizeof(octets), 0) == sizeof(octets) &&
		  base64_encode(bytes_of(octets, sizeof(octets)), &text) &&
		  bytes_to_string(buffer_bytes(&text), login->nonce,
			  sizeof(login->nonce));
	buffer_release(&text);
	return is_good;
}

/* Nobody but the server reads it: TLS, which is always verified, or this
 * machine. */
static bool
is_private(const struct collection *c)
{
	return c->account->tls == ACCOUNT_TLS_NONE ||
	       connection_tls_description(c->connection)[0];
}

/* Its tokens are of our own getting. */
static bool
has_grant(const struct collection *c)
{
	return c->account->oauth != ACCOUNT_OAUTH_NONE;
}

static bool
has_token(const struct collection *c)
{
	const char *how = account_login_name(c->account);

	return has_grant(c) || strcmp(how, "OAUTHBEARER") == 0 ||
	       strcmp(how, "XOAUTH2") == 0;
}

static void
set_up(struct collection *c)
{
	struct login *login = &c->login;
	struct bytes secret = secret_bytes(c->password);

	login->setup = (struct sasl_client_setup){
		.authcid = bytes_of_string(account_user(c->account)),
		.is_private = is_private(c),
		.has_certificate = c->account->tls_certificate[0] != 0,
		.nonce = bytes_of_string(login->nonce),
		.host = bytes_of_string(c->account->host),
		.port = account_port(c->account),
	};
	if (has_token(c))
		login->setup.token = secret;
	else
		login->setup.password = secret;
	/* Else whoever the certificate is for. */
	if (login->setup.has_certificate && secret.octets == 0)
		login->setup.authzid = bytes_of_string(c->account->user);
	if (connection_exporter(c->connection, login->exporter))
		login->setup.tls_exporter =
			bytes_of(login->exporter, sizeof(login->exporter));
}

/* ---- APOP, RFC 1939 section 7: only when it is asked for ---- */

/* "<process.clock@host>", as RFC 822 has it: what is not may have been made to
 * find the password out (CVE-2007-1558). */
static struct bytes
find_stamp(struct bytes greeting)
{
	size_t begin = 0, end;
	bool has_at = false;

	while (begin < greeting.octets && greeting.at[begin] != '<')
		begin++;
	for (end = begin; end < greeting.octets; end++) {
		if (greeting.at[end] <= ' ' || greeting.at[end] > '~')
			return BYTES_NONE;
		has_at |= greeting.at[end] == '@';
		if (greeting.at[end] == '>')
			return has_at ? bytes_of(greeting.at + begin,
						end - begin + 1)
				      : BYTES_NONE;
	}
	return BYTES_NONE;
}

void
login_greeted(struct collection *c)
{
	struct bytes stamp = find_stamp(pop3_client_data(c->client));

	if (!bytes_to_string(stamp, c->login.stamp, sizeof(c->login.stamp)))
		c->login.stamp[0] = '\0';
}

static void
apop(struct collection *c)
{
	unsigned char digest[MD5_OCTETS];
	char text[2 * MD5_OCTETS + 1];

	if (!c->login.stamp[0]) {
		collection_fail(c, ERR_DENIED,
			"the server's greeting has no time stamp for APOP: "
			"set another login, or none");
		return;
	}
	if (EVP_DigestInit_ex(c->digest, EVP_md5(), NULL) != 1 ||
		EVP_DigestUpdate(c->digest, c->login.stamp,
			strlen(c->login.stamp)) != 1 ||
		EVP_DigestUpdate(
			c->digest, c->password->at, c->password->octets) != 1 ||
		EVP_DigestFinal_ex(c->digest, digest, NULL) != 1) {
		collection_fail(c, ERR_TRY_LATER, "MD5, of APOP, is not here");
		return;
	}
	for (size_t i = 0; i < MD5_OCTETS; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	session_asked(c, pop3_client_apop(c->client,
				 bytes_of_string(account_user(c->account)),
				 bytes_of_string(text)));
	explicit_bzero(text, sizeof(text));
}

/* ---- choosing ---- */

static bool
is_auto(const struct collection *c)
{
	return strcmp(account_login_name(c->account), "auto") == 0;
}

/* NULL: no SASL, but USER and PASS. */
static const char *
choose(const struct collection *c)
{
	const char *name = account_login_name(c->account);

	if (!is_auto(c))
		return strcmp(name, "USER") == 0 ? NULL : name;
	name = sasl_client_choose(
		bytes_of_string(pop3_client_mechanisms(c->client)),
		&c->login.setup);
	/* The same in one round trip instead of three. */
	if (name && strcmp(name, "LOGIN") == 0 &&
		(pop3_client_capabilities(c->client) & POP3_CAN_USER))
		return NULL;
	return name;
}

static void
not_offered(struct collection *c, const char *name)
{
	const char *offered = pop3_client_mechanisms(c->client);
	char said[LOG_QUOTED_OCTETS];
	struct bytes text = bytes_of_string(offered);

	/* Perhaps it offers it since we asked. */
	if (c->is_assumed) {
		remembering_doubt_capabilities(c);
		session_ask_capabilities(c, c->is_secured);
		return;
	}
	if (text.octets > 120)
		text.octets = 120;
	collection_fail(c, ERR_DENIED,
		"the server does not offer %s, which login asks for; it offers "
		"%.150s",
		name, text.octets ? log_quote(said, text) : "USER and PASS");
}

static void
user_pass(struct collection *c)
{
	if (has_token(c))
		not_offered(c, "OAUTHBEARER or XOAUTH2");
	else if (c->password->octets == 0)
		collection_fail(c, ERR_DENIED,
			"the server takes no certificate for a login (it does "
			"not offer EXTERNAL), and there is no password");
	else if (!c->login.setup.is_private)
		collection_fail(
			c, ERR_DENIED, "without TLS the password is not sent");
	else
		session_asked(c,
			pop3_client_user_pass(c->client, c->login.setup.authcid,
				secret_bytes(c->password), c->has_pipelining));
}

static void
begin_exchange(struct collection *c, const char *name)
{
	struct login *login = &c->login;
	struct bytes offered =
		bytes_of_string(pop3_client_mechanisms(c->client));
	enum sasl_client_step step = SASL_CLIENT_FAILED;
	struct buffer response;

	buffer_init(&response, SASL_CLIENT_RESPONSE_MAXIMUM_OCTETS);
	login->name = name;
	if (oauth_provider_of(c->account).wants_two_lines)
		pop3_client_use_two_lines(c->client);
	login->sasl =
		sasl_client_new(bytes_of_string(name), offered, &login->setup);
	if (login->sasl)
		step = sasl_client_step(
			login->sasl, false, BYTES_NONE, &response);
	if (step == SASL_CLIENT_FAILED && login->sasl)
		collection_fail(c, ERR_PEER,
			"the login name or the password is something that %s "
			"cannot send: %s",
			name, sasl_client_error(login->sasl));
	else if (step == SASL_CLIENT_FAILED)
		collection_fail(c, ERR_DENIED,
			"%s cannot be used: something that it needs is not "
			"here (a password, TLS 1.3, a certificate)",
			name);
	else
		session_asked(c, pop3_client_auth(c->client, name,
					 step == SASL_CLIENT_SEND,
					 buffer_bytes(&response)));
	buffer_wipe(&response);
}

void
login_begin(struct collection *c)
{
	const char *name;

	login_release(c);
	if (!make_nonce(&c->login)) {
		collection_fail(c, ERR_TRY_LATER, "no random numbers");
		return;
	}
	set_up(c);
	name = choose(c);
	if (!name)
		user_pass(c);
	else if (strcmp(name, "APOP") == 0)
		apop(c);
	else if (!pop3_client_has_mechanism(c->client, name))
		not_offered(c, name);
	else
		begin_exchange(c, name);
}

void
login_release(struct collection *c)
{
	struct login *login = &c->login;

	sasl_client_free(&login->sasl);
	explicit_bzero(login->exporter, sizeof(login->exporter));
	login->name = NULL;
	login->challenges = 0;
	login->refusal[0] = '\0';
	login->is_ahead = login->is_denied = false;
}

/* ---- the exchange ---- */

/*
 * SCRAM's last message needs an empty response, and the server's proof is
 * either right or the end: the response, and what is asked of any mailbox, go
 * along with ours. So SCRAM takes no round trip more than PLAIN. Nothing secret
 * is among it, should the proof be wrong.
 */
static void
go_ahead(struct collection *c)
{
	if (!c->has_pipelining || c->options->is_login_only ||
		sasl_client_may_trust(c->login.sasl) ||
		c->login.challenges != 1)
		return;
	c->login.is_ahead = true;
	if (session_asked(c, pop3_client_respond_ahead(c->client)))
		session_ask_mailbox(c);
}

static void
give_up(struct collection *c, struct bytes challenge)
{
	/* RFC 5802 section 7: it says what is wrong, and that ends it. */
	c->login.is_denied =
		challenge.octets > 1 && memcmp(challenge.at, "e=", 2) == 0;
	if (!c->login.is_ahead)
		session_asked(c, pop3_client_cancel(c->client));
	else if (!c->login.is_denied)
		collection_fail(c, ERR_DENIED, "the login was given up: %s",
			sasl_client_error(c->login.sasl));
}

void
login_challenge(struct collection *c)
{
	struct login *login = &c->login;
	struct bytes challenge = pop3_client_data(c->client);
	enum sasl_client_step step;
	struct buffer response;

	buffer_init(&response, SASL_CLIENT_RESPONSE_MAXIMUM_OCTETS);
	step = sasl_client_step(login->sasl, true, challenge, &response);
	/* RFC 7628 section 3.2.2: why it refuses the token, as JSON. */
	if (has_token(c))
		oauth_read_error(challenge, login->refusal);
	login->challenges++;
	if (step != SASL_CLIENT_SEND) {
		give_up(c, challenge);
	} else if (!login->is_ahead) {
		if (session_asked(c, pop3_client_respond(c->client,
					     buffer_bytes(&response))))
			go_ahead(c);
	}
	buffer_wipe(&response);
}

bool
login_is_trusted(struct collection *c)
{
	if (!c->login.sasl || sasl_client_may_trust(c->login.sasl))
		return true;
	collection_fail(c, ERR_DENIED,
		"the server lets us in without having shown that it knows the "
		"password: it is perhaps not the one it claims to be");
	return false;
}

/* ---- refusals ---- */

static bool
is_scram(const struct collection *c)
{
	return c->login.name && strncmp(c->login.name, "SCRAM", 5) == 0;
}

enum outcome
login_outcome(const struct collection *c, enum outcome said)
{
	/* Not the password was wrong, but what the server said. Where all is
	   said at once, some servers ask for more instead of refusing. */
	return is_scram(c) && pop3_client_is_cancelled(c->client) &&
			       !c->login.is_denied
		       ? ERR_PEER
		       : said;
}

void
login_denied(struct collection *c)
{
	remembering_refused(c);
	if (has_grant(c))
		oauth_forget_access(c->account);
}

const char *
login_reason(const struct collection *c)
{
	const char *why = c->login.sasl ? sasl_client_error(c->login.sasl) : "";

	if (c->login.refusal[0])
		return c->login.refusal;
	if (why[0] || !pop3_client_is_cancelled(c->client))
		return why;
	return "what the server sent in the login is not base64";
}

const char *
login_advice(const struct collection *c)
{
	if (has_grant(c))
		return " (another token is asked for next time; if that is "
		       "refused too, run restante account authorize)";
	if (has_token(c))
		return " (the token may be over, or not for this mailbox)";
	if (is_scram(c))
		return " (is it the right user name and password? if so, the "
		       "server may not know it in the form that SCRAM needs: "
		       "login = plain)";
	return " (is it the right user name and password?)";
}
