/* SPDX-License-Identifier: ISC */
/* The client's side of what needs no computing: PLAIN, LOGIN, EXTERNAL. */
#include "sasl/client_mechanism.h"

static enum sasl_client_step
sent(struct sasl_client *client, bool is_good)
{
	client->step++;
	return is_good ? SASL_CLIENT_SEND
		       : sasl_client_fail(client, "name or password too long");
}

/* One response, and nothing is asked after it. */
static bool
is_asked_too_much(const struct sasl_client *client)
{
	return client->step > 0;
}

/* RFC 4616 section 2 */
static enum sasl_client_step
plain_step(struct sasl_client *client, bool has_challenge,
	struct bytes challenge, struct buffer *response)
{
	const struct sasl_client_setup *setup = client->setup;

	if (is_asked_too_much(client))
		return sasl_client_fail_saying(client,
			"the server wants more than PLAIN has: ", challenge);
	if (bytes_has(setup->authcid, 0) || bytes_has(setup->authzid, 0) ||
		bytes_has(setup->password, 0))
		return sasl_client_fail(client, "a NUL in name or password");
	return sent(
		client, buffer_append_bytes(response, setup->authzid) &&
				buffer_append(response, "", 1) &&
				buffer_append_bytes(response, setup->authcid) &&
				buffer_append(response, "", 1) &&
				buffer_append_bytes(response, setup->password));
}

const struct sasl_client_mechanism sasl_client_plain = {.name = "PLAIN",
	.needs = SASL_CLIENT_PASSWORD | SASL_CLIENT_PRIVATE,
	.step = plain_step};

/* "Username:" and "Password:", whatever the server calls them. */
static enum sasl_client_step
login_step(struct sasl_client *client, bool has_challenge,
	struct bytes challenge, struct buffer *response)
{
	if (!has_challenge)
		return SASL_CLIENT_WAIT;
	switch (client->step) {
	case 0:
		return sent(client,
			buffer_append_bytes(response, client->setup->authcid));
	case 1:
		return sent(client,
			buffer_append_bytes(response, client->setup->password));
	default:
		return sasl_client_fail_saying(client,
			"the server wants more than LOGIN has: ", challenge);
	}
}

const struct sasl_client_mechanism sasl_client_login = {.name = "LOGIN",
	.needs = SASL_CLIENT_PASSWORD | SASL_CLIENT_PRIVATE,
	.step = login_step};

/* RFC 4422 appendix A */
static enum sasl_client_step
external_step(struct sasl_client *client, bool has_challenge,
	struct bytes challenge, struct buffer *response)
{
	if (is_asked_too_much(client))
		return sasl_client_fail_saying(client,
			"the server wants more than EXTERNAL has: ", challenge);
	return sent(
		client, buffer_append_bytes(response, client->setup->authzid));
}

const struct sasl_client_mechanism sasl_client_external = {.name = "EXTERNAL",
	.needs = SASL_CLIENT_CERTIFICATE | SASL_CLIENT_PRIVATE,
	.step = external_step};
