/* SPDX-License-Identifier: ISC */
#include "sasl/server.h"
#include "sasl/mechanism.h"

#include <stdlib.h>

/* The strongest first: some clients take the first they know. */
static const struct sasl_mechanism *const mechanisms[] = {
	&sasl_scram_sha_256_plus,
	&sasl_scram_sha_1_plus,
	&sasl_scram_sha_256,
	&sasl_scram_sha_1,
	&sasl_external,
	&sasl_oauthbearer,
	&sasl_xoauth2,
	&sasl_plain,
	&sasl_login,
};
#define MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

static const struct sasl_mechanism *
find_mechanism(struct bytes name)
{
	for (size_t i = 0; i < MECHANISMS; i++)
		if (bytes_equal_ignoring_case(
			    name, bytes_of_string(mechanisms[i]->name)))
			return mechanisms[i];
	return NULL;
}

/* ---- what is offered ---- */

/* The next word of a list that is divided by commas or blanks; may be empty. */
static struct bytes
take_word(struct bytes *list)
{
	struct bytes word = *list;

	for (size_t i = 0; i < list->octets; i++)
		if (list->at[i] == ',' || list->at[i] == ' ') {
			word.octets = i;
			*list = bytes_after(*list, i + 1);
			return word;
		}
	*list = BYTES_NONE;
	return word;
}

static bool
lists(struct bytes list, const char *name)
{
	while (list.octets > 0)
		if (bytes_equal_ignoring_case(
			    take_word(&list), bytes_of_string(name)))
			return true;
	return false;
}

bool
sasl_server_offer(struct bytes allowed, unsigned has, struct buffer *out)
{
	bool is_good = true;
	size_t before = out->octets;

	for (size_t i = 0; i < MECHANISMS && is_good; i++) {
		const struct sasl_mechanism *m = mechanisms[i];

		if ((m->needs & has) != m->needs || !lists(allowed, m->name))
			continue;
		is_good = (out->octets == before ||
				  buffer_append_string(out, " ")) &&
			  buffer_append_string(out, m->name);
	}
	return is_good;
}

bool
sasl_server_offers_binding(struct bytes allowed, unsigned has)
{
	for (size_t i = 0; i < MECHANISMS; i++) {
		const struct sasl_mechanism *m = mechanisms[i];

		if ((m->needs & SASL_NEEDS_BINDING) &&
			(m->needs & has) == m->needs && lists(allowed, m->name))
			return true;
	}
	return false;
}

struct bytes
sasl_server_unknown(struct bytes allowed)
{
	while (allowed.octets > 0) {
		struct bytes word = take_word(&allowed);

		if (word.octets > 0 && !find_mechanism(word))
			return word;
	}
	return BYTES_NONE;
}

/* ---- an exchange ---- */

struct sasl_server *
sasl_server_new(struct bytes mechanism, const struct sasl_server_setup *setup)
{
	const struct sasl_mechanism *found = find_mechanism(mechanism);
	struct sasl_server *server = found ? calloc(1, sizeof(*server)) : NULL;

	if (!server)
		return NULL;
	server->mechanism = found;
	server->fault = "malformed";
	if (found->start && !found->start(server, setup))
		sasl_server_free(&server);
	return server;
}

void
sasl_server_free(struct sasl_server **server)
{
	if (!*server)
		return;
	secret_release(&(*server)->authzid);
	secret_release(&(*server)->authcid);
	secret_release(&(*server)->password);
	scram_server_free(&(*server)->scram);
	free(*server);
	*server = NULL;
}

enum sasl_step
sasl_server_step(struct sasl_server *server, bool has_response,
	struct bytes response, struct buffer *challenge)
{
	buffer_clear(challenge);
	return server->mechanism->step(
		server, has_response, response, challenge);
}

enum sasl_step
sasl_server_fail(struct sasl_server *server, const char *why)
{
	server->fault = why;
	return SASL_FAILED;
}

enum sasl_step
sasl_server_fail_attacked(struct sasl_server *server, const char *why)
{
	server->is_attacked = true;
	return sasl_server_fail(server, why);
}

enum scram_digest
sasl_server_digest(const struct sasl_server *server)
{
	return server->mechanism->digest;
}

enum sasl_step
sasl_server_set_keys(struct sasl_server *server, const struct scram_keys *keys,
	struct buffer *challenge)
{
	buffer_clear(challenge);
	return scram_server_set_keys(server, keys, challenge);
}

enum sasl_step
sasl_server_prove(struct sasl_server *server, struct buffer *challenge)
{
	buffer_clear(challenge);
	return scram_server_prove(server, challenge);
}

enum sasl_step
sasl_server_refuse_token(
	struct sasl_server *server, const char *scope, struct buffer *challenge)
{
	buffer_clear(challenge);
	secret_release(&server->password);
	return server->mechanism->put_error(scope, challenge)
		       ? SASL_CHALLENGE
		       : sasl_server_fail(server, "no memory");
}

/* ---- what it came to ---- */

struct bytes
sasl_server_authzid(const struct sasl_server *server)
{
	return secret_bytes(&server->authzid);
}

struct bytes
sasl_server_authcid(const struct sasl_server *server)
{
	return secret_bytes(&server->authcid);
}

struct bytes
sasl_server_password(const struct sasl_server *server)
{
	return secret_bytes(&server->password);
}

struct bytes
sasl_server_proof(const struct sasl_server *server)
{
	return scram_server_proof(server);
}

bool
sasl_server_is_attacked(const struct sasl_server *server)
{
	return server->is_attacked;
}

const char *
sasl_server_fault(const struct sasl_server *server)
{
	return server->fault;
}
