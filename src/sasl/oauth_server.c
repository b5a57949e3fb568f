/* SPDX-License-Identifier: ISC */
/*
 * OAUTHBEARER, RFC 7628, and its elder XOAUTH2, which has no RFC: a bearer token
 * and, mostly, a name. Whether the token is good the owner finds out. Of one that
 * is not, the client is told as a challenge, in JSON; whatever it answers, the
 * exchange has failed.
 */
#include "sasl/mechanism.h"
#include "sasl/scram_message.h"

#define SEPARATOR 1

/* RFC 6750 section 2.1; its word is compared without case (RFC 7235). */
static const char scheme[] = "Bearer ";

/* VSCHAR of RFC 6749, appendix A.12 */
static bool
is_token(struct bytes token)
{
	for (size_t i = 0; i < token.octets; i++)
		if (token.at[i] <= ' ' || token.at[i] > '~')
			return false;
	return token.octets > 0;
}

/* None at all asks what token is wanted (RFC 7628 section 3.1). */
static bool
set_token(struct sasl_server *server, struct bytes auth)
{
	size_t octets = sizeof(scheme) - 1;
	struct bytes token = bytes_after(auth, octets);

	if (auth.octets == 0)
		return true;
	while (token.octets > 0 && token.at[0] == ' ')
		token = bytes_after(token, 1);
	return auth.octets > octets &&
	       bytes_equal_ignoring_case(
		       bytes_of(auth.at, octets), bytes_of(scheme, octets)) &&
	       is_token(token) && secret_set(&server->password, token);
}

/* RFC 7628 section 3.1: a key is of letters; what a value may have. */
static bool
is_pair(struct bytes key, struct bytes value)
{
	for (size_t i = 0; i < key.octets; i++)
		if ((key.at[i] | 0x20) < 'a' || (key.at[i] | 0x20) > 'z')
			return false;
	for (size_t i = 0; i < value.octets; i++)
		if (value.at[i] > '~' ||
			(value.at[i] < ' ' && value.at[i] != '\t' &&
				value.at[i] != '\r' && value.at[i] != '\n'))
			return false;
	return key.octets > 0;
}

/*
 * Pairs, each ended by a separator, and one more at the end. "auth" must be
 * there once, and so must "user" when out_user is not NULL; other keys ("host",
 * "port") are of no use here.
 */
static bool
take_pairs(
	struct sasl_server *server, struct bytes rest, struct bytes *out_user)
{
	struct bytes auth = BYTES_NONE, user = BYTES_NONE;

	while (rest.octets > 1) {
		struct bytes value = bytes_cut(&rest, SEPARATOR);
		struct bytes key = bytes_cut(&value, '=');
		bool is_user =
			out_user && bytes_equal(key, bytes_of_string("user"));

		if (bytes_equal(key, bytes_of_string("auth"))) {
			if (auth.at)
				return false;
			auth = value;
		} else if (is_user) {
			/* XOAUTH2's name may be in any writing. */
			if (user.at || bytes_has(value, 0))
				return false;
			user = value;
			continue;
		}
		if (!is_pair(key, value))
			return false;
	}
	if (out_user)
		*out_user = user;
	return rest.octets == 1 && rest.at[0] == SEPARATOR && auth.at &&
	       (!out_user || user.octets > 0) && set_token(server, auth);
}

/* "n,a=alice@example.org," or "n,,": RFC 5801 section 4. */
static bool
take_header(struct sasl_server *server, struct bytes *rest)
{
	struct bytes flag = bytes_cut(rest, ',');
	struct bytes authzid = bytes_cut(rest, ',');

	/* "y": it knows channel binding, which this mechanism has not. */
	if (!bytes_equal(flag, bytes_of_string("n")) &&
		!bytes_equal(flag, bytes_of_string("y")))
		return false;
	if (authzid.octets == 0)
		return true;
	return authzid.octets > 2 && authzid.at[0] == 'a' &&
	       authzid.at[1] == '=' && !bytes_has(authzid, 0) &&
	       scram_unescape(bytes_after(authzid, 2), &server->authcid);
}

static bool
is_over(const struct sasl_server *server)
{
	return server->step > 1;
}

static enum sasl_step
oauthbearer_step(struct sasl_server *server, bool has_response,
	struct bytes response, struct buffer *challenge)
{
	struct bytes rest = response;

	if (is_over(server))
		return sasl_server_fail(server, "the token was refused");
	if (!has_response && server->step++ == 0)
		return SASL_CHALLENGE; /* an empty one */
	server->step = 2;
	if (!take_header(server, &rest))
		return sasl_server_fail(server, "the header is malformed");
	if (rest.octets < 1 || rest.at[0] != SEPARATOR ||
		!take_pairs(server, bytes_after(rest, 1), NULL))
		return sasl_server_fail(server, "no bearer token");
	return SASL_TOKEN;
}

static enum sasl_step
xoauth2_step(struct sasl_server *server, bool has_response,
	struct bytes response, struct buffer *challenge)
{
	struct bytes user;

	if (is_over(server))
		return sasl_server_fail(server, "the token was refused");
	if (!has_response && server->step++ == 0)
		return SASL_CHALLENGE;
	server->step = 2;
	if (!take_pairs(server, response, &user))
		return sasl_server_fail(server, "no user or no bearer token");
	if (!secret_set(&server->authcid, user))
		return sasl_server_fail(server, "the name is too long");
	return SASL_TOKEN;
}

/* RFC 7628 section 3.2.2 */
static bool
put_error(const char *scope, struct buffer *challenge)
{
	return buffer_append_string(
		       challenge, "{\"status\":\"invalid_token\"") &&
	       (!scope[0] ||
		       buffer_printf(challenge, ",\"scope\":\"%s\"", scope)) &&
	       buffer_append_string(challenge, "}");
}

/* As Google's, which clients were made for. */
static bool
put_error_400(const char *scope, struct buffer *challenge)
{
	return buffer_printf(challenge,
		"{\"status\":\"400\",\"schemes\":\"Bearer\",\"scope\":\"%s\"}",
		scope);
}

const struct sasl_mechanism sasl_oauthbearer = {.name = "OAUTHBEARER",
	.needs = SASL_NEEDS_TOKENS,
	.step = oauthbearer_step,
	.put_error = put_error};
const struct sasl_mechanism sasl_xoauth2 = {.name = "XOAUTH2",
	.needs = SASL_NEEDS_TOKENS,
	.step = xoauth2_step,
	.put_error = put_error_400};
