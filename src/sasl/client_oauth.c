/* SPDX-License-Identifier: ISC */
/*
 * OAUTHBEARER, RFC 7628, and its elder XOAUTH2: the client's side. A server that
 * refuses gives its reason, JSON, as a challenge, and says -ERR after an answer
 * that means nothing.
 */
#include "sasl/client_mechanism.h"
#include "sasl/scram_message.h"

#define SEPARATOR "\1"

static enum sasl_client_step
sent(struct sasl_client *client, bool is_good)
{
	client->step++;
	return is_good ? SASL_CLIENT_SEND
		       : sasl_client_fail(client, "the token is too long");
}

/* RFC 6750 section 2.1: what else is in it would be read as something else. */
static bool
is_token(struct bytes token)
{
	for (size_t i = 0; i < token.octets; i++)
		if (token.at[i] <= ' ' || token.at[i] > '~')
			return false;
	return true;
}

static enum sasl_client_step
step(struct sasl_client *client, struct bytes challenge,
	struct buffer *response, const char *last,
	bool (*put)(const struct sasl_client_setup *, struct buffer *))
{
	const struct sasl_client_setup *setup = client->setup;

	if (client->step > 1)
		return sasl_client_fail(client,
			"the server goes on after it has refused the token");
	if (client->step == 1) {
		sasl_client_note(client, "the token is refused: ", challenge);
		return sent(client, buffer_append_string(response, last));
	}
	if (!is_token(setup->token))
		return sasl_client_fail(
			client, "the token has characters that no token has");
	if (bytes_has(setup->authcid, 1) || bytes_has(setup->authcid, 0))
		return sasl_client_fail(
			client, "a control character in the name");
	return sent(client, put(setup, response));
}

static bool
put_bearer(const struct sasl_client_setup *setup, struct buffer *response)
{
	return buffer_append_string(response, "auth=Bearer ") &&
	       buffer_append_bytes(response, setup->token) &&
	       buffer_append_string(response, SEPARATOR SEPARATOR);
}

/* RFC 7628 section 3.1 */
static bool
put_oauthbearer(const struct sasl_client_setup *setup, struct buffer *response)
{
	bool is_good = buffer_append_string(response, "n,a=") &&
		       scram_escape(setup->authcid, response) &&
		       buffer_append_string(response, "," SEPARATOR);

	if (setup->host.octets > 0)
		is_good = is_good && buffer_append_string(response, "host=") &&
			  buffer_append_bytes(response, setup->host) &&
			  buffer_append_string(response, SEPARATOR);
	if (setup->port > 0)
		is_good = is_good && buffer_printf(response,
					     "port=%u" SEPARATOR, setup->port);
	return is_good && put_bearer(setup, response);
}

static bool
put_xoauth2(const struct sasl_client_setup *setup, struct buffer *response)
{
	return buffer_append_string(response, "user=") &&
	       buffer_append_bytes(response, setup->authcid) &&
	       buffer_append_string(response, SEPARATOR) &&
	       put_bearer(setup, response);
}

static enum sasl_client_step
oauthbearer_step(struct sasl_client *client, bool has_challenge,
	struct bytes challenge, struct buffer *response)
{
	/* RFC 7628 section 3.2.3 */
	return step(client, challenge, response, SEPARATOR, put_oauthbearer);
}

static enum sasl_client_step
xoauth2_step(struct sasl_client *client, bool has_challenge,
	struct bytes challenge, struct buffer *response)
{
	return step(client, challenge, response, "", put_xoauth2);
}

const struct sasl_client_mechanism sasl_client_oauthbearer = {
	.name = "OAUTHBEARER",
	.needs = SASL_CLIENT_TOKEN | SASL_CLIENT_PRIVATE,
	.step = oauthbearer_step};
const struct sasl_client_mechanism sasl_client_xoauth2 = {.name = "XOAUTH2",
	.needs = SASL_CLIENT_TOKEN | SASL_CLIENT_PRIVATE,
	.step = xoauth2_step};
