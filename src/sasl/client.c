/* SPDX-License-Identifier: ISC */
#include "sasl/client.h"
#include "sasl/client_mechanism.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The strongest first. */
static const struct sasl_client_mechanism *const mechanisms[] = {
	&sasl_client_scram_sha_256_plus,
	&sasl_client_scram_sha_1_plus,
	&sasl_client_scram_sha_256,
	&sasl_client_scram_sha_1,
	&sasl_client_oauthbearer,
	&sasl_client_xoauth2,
	&sasl_client_external,
	&sasl_client_plain,
	&sasl_client_login,
};
#define MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

/* ---- choosing ---- */

static unsigned
what_there_is(const struct sasl_client_setup *setup)
{
	unsigned has = 0;

	if (setup->token.octets > 0)
		has |= SASL_CLIENT_TOKEN;
	else if (setup->password.octets > 0)
		has |= SASL_CLIENT_PASSWORD;
	if (setup->tls_exporter.octets > 0 || setup->tls_unique.octets > 0)
		has |= SASL_CLIENT_BINDING;
	if (setup->has_certificate)
		has |= SASL_CLIENT_CERTIFICATE;
	if (setup->is_private)
		has |= SASL_CLIENT_PRIVATE;
	return has;
}

static bool
can_use(const struct sasl_client_mechanism *mechanism,
	const struct sasl_client_setup *setup)
{
	return (mechanism->needs & what_there_is(setup)) == mechanism->needs;
}

static bool
is_offered(struct bytes offered, const char *name)
{
	while (offered.octets > 0)
		if (bytes_equal_ignoring_case(
			    bytes_cut(&offered, ' '), bytes_of_string(name)))
			return true;
	return false;
}

const char *
sasl_client_choose(struct bytes offered, const struct sasl_client_setup *setup)
{
	for (size_t i = 0; i < MECHANISMS; i++) {
		const struct sasl_client_mechanism *m = mechanisms[i];

		if (!can_use(m, setup) || !is_offered(offered, m->name))
			continue;
		/* What was given is what is meant: a certificate alone only
		   when there is nothing else. */
		if (m == &sasl_client_external &&
			(setup->password.octets > 0 || setup->token.octets > 0))
			continue;
		return m->name;
	}
	return NULL;
}

static bool
offers_binding(struct bytes offered)
{
	for (size_t i = 0; i < MECHANISMS; i++)
		if ((mechanisms[i]->needs & SASL_CLIENT_BINDING) &&
			is_offered(offered, mechanisms[i]->name))
			return true;
	return false;
}

/* ---- life ---- */

static const struct sasl_client_mechanism *
find_mechanism(struct bytes name)
{
	for (size_t i = 0; i < MECHANISMS; i++)
		if (bytes_equal_ignoring_case(
			    name, bytes_of_string(mechanisms[i]->name)))
			return mechanisms[i];
	return NULL;
}

struct sasl_client *
sasl_client_new(struct bytes mechanism, struct bytes offered,
	const struct sasl_client_setup *setup)
{
	const struct sasl_client_mechanism *found = find_mechanism(mechanism);
	struct sasl_client *client;

	if (!found || !can_use(found, setup))
		return NULL;
	client = calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	client->mechanism = found;
	client->setup = setup;
	client->misses_binding = (what_there_is(setup) & SASL_CLIENT_BINDING) &&
				 !offers_binding(offered);
	return client;
}

void
sasl_client_free(struct sasl_client **client)
{
	if (!*client)
		return;
	scram_client_free(&(*client)->scram);
	free(*client);
	*client = NULL;
}

/* ---- an exchange ---- */

enum sasl_client_step
sasl_client_step(struct sasl_client *client, bool has_challenge,
	struct bytes challenge, struct buffer *response)
{
	buffer_clear(response);
	return client->mechanism->step(
		client, has_challenge, challenge, response);
}

bool
sasl_client_may_trust(const struct sasl_client *client)
{
	return client->has_verified || !client->mechanism->verifies;
}

const char *
sasl_client_error(const struct sasl_client *client)
{
	return client->error;
}

void
sasl_client_note(
	struct sasl_client *client, const char *what, struct bytes words)
{
	size_t used, most = sizeof(client->error) - 1;

	used = (size_t)snprintf(
		client->error, sizeof(client->error), "%s", what);
	for (size_t i = 0; i < words.octets && used < most; i++)
		client->error[used++] =
			(char)(words.at[i] >= ' ' && words.at[i] <= '~'
					? words.at[i]
					: '?');
	client->error[used] = '\0';
}

enum sasl_client_step
sasl_client_fail_saying(
	struct sasl_client *client, const char *why, struct bytes words)
{
	sasl_client_note(client, why, words);
	return SASL_CLIENT_FAILED;
}

enum sasl_client_step
sasl_client_fail(struct sasl_client *client, const char *why)
{
	return sasl_client_fail_saying(client, why, BYTES_NONE);
}
