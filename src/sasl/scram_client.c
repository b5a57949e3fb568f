/* SPDX-License-Identifier: ISC */
/* SCRAM, the client's side: proves the password and lets the server prove that
   it knows it too. */
#include "base/base64.h"
#include "sasl/client_mechanism.h"
#include "sasl/saslprep.h"
#include "sasl/scram_message.h"

#include <stdlib.h>
#include <string.h>

enum { AT_FIRST, AT_SERVER_FIRST, AT_SERVER_FINAL, AT_END };

struct scram_client {
	struct buffer header;  /* gs2-header */
	struct buffer message; /* the AuthMessage as it grows */
	struct scram_client_keys keys;
};

static bool
binds(const struct sasl_client *client)
{
	return client->mechanism->needs & SASL_CLIENT_BINDING;
}

void
scram_client_free(struct scram_client **scram)
{
	struct scram_client *self = *scram;

	if (!self)
		return;
	buffer_wipe(&self->header);
	buffer_wipe(&self->message);
	explicit_bzero(self, sizeof(*self));
	free(self);
	*scram = NULL;
}

/* ---- client-first ---- */

/* RFC 9266: on TLS 1.3 there is no tls-unique. */
static bool
uses_exporter(const struct sasl_client *client)
{
	return client->setup->tls_exporter.octets > 0;
}

/* RFC 5802 section 6 */
static const char *
flag_of(const struct sasl_client *client)
{
	if (binds(client))
		return uses_exporter(client) ? "p=tls-exporter"
					     : "p=tls-unique";
	return client->misses_binding ? "y" : "n";
}

static bool
put_header(const struct sasl_client *client, struct buffer *header)
{
	struct bytes authzid = client->setup->authzid;

	return buffer_append_string(header, flag_of(client)) &&
	       buffer_append_string(header, ",") &&
	       (authzid.octets == 0 ||
		       (buffer_append_string(header, "a=") &&
			       scram_escape(authzid, header))) &&
	       buffer_append_string(header, ",");
}

static bool
put_bare(const struct sasl_client *client, struct bytes user,
	struct buffer *message)
{
	return buffer_append_string(message, "n=") &&
	       scram_escape(user, message) &&
	       buffer_append_string(message, ",r=") &&
	       buffer_append_bytes(message, client->setup->nonce);
}

static enum sasl_client_step
send_first(struct sasl_client *client, struct buffer *response)
{
	struct scram_client *scram = calloc(1, sizeof(*scram));
	struct secret user = {0};
	bool is_good;

	client->scram = scram;
	if (!scram || !scram_is_nonce(client->setup->nonce))
		return sasl_client_fail(client, "out of memory or randomness");
	buffer_init(&scram->header, SCRAM_MESSAGE_MAXIMUM_OCTETS);
	buffer_init(&scram->message, 3 * SCRAM_MESSAGE_MAXIMUM_OCTETS);
	if (saslprep(client->setup->authcid, SASLPREP_QUERY, &user) !=
		SASLPREP_DONE)
		return sasl_client_fail(client,
			"the user name has characters that are not allowed");
	is_good = put_header(client, &scram->header) &&
		  put_bare(client, secret_bytes(&user), &scram->message) &&
		  buffer_append_bytes(response, buffer_bytes(&scram->header)) &&
		  buffer_append_bytes(response, buffer_bytes(&scram->message));
	secret_release(&user);
	client->step = AT_SERVER_FIRST;
	return is_good ? SASL_CLIENT_SEND
		       : sasl_client_fail(client, "the user name is too long");
}

/* ---- client-final ---- */

/* NULL: the server keeps to what is asked of it. */
static const char *
wrong_with(const struct sasl_client *client,
	const struct scram_server_first *first)
{
	struct bytes nonce = client->setup->nonce;

	if (first->nonce.octets <= nonce.octets ||
		!bytes_equal(bytes_of(first->nonce.at, nonce.octets), nonce))
		return "the server answers another login than ours";
	if (first->iterations < SCRAM_ITERATIONS_LEAST)
		return "the server asks for a proof that is easy to break "
		       "(less than 4096 iterations)";
	if (first->iterations > SASL_CLIENT_ITERATIONS_MAXIMUM)
		return "the server asks for too much computing (more than "
		       "1000000 iterations)";
	return NULL;
}

static bool
derive(struct sasl_client *client, const struct scram_server_first *first,
	struct bytes password)
{
	struct buffer salt;
	bool is_good;

	buffer_init(&salt, SCRAM_SALT_MAXIMUM_OCTETS);
	is_good = base64_decode(first->salt, &salt) &&
		  scram_client_keys_derive(client->mechanism->digest, password,
			  buffer_bytes(&salt), first->iterations,
			  &client->scram->keys);
	buffer_release(&salt);
	return is_good;
}

/* "c=...,r=..." */
static bool
put_final(const struct sasl_client *client,
	const struct scram_server_first *first, struct buffer *response)
{
	const struct sasl_client_setup *setup = client->setup;
	struct buffer bound;
	bool is_good;

	buffer_init(&bound, 2 * SCRAM_MESSAGE_MAXIMUM_OCTETS);
	is_good = buffer_append_bytes(
			  &bound, buffer_bytes(&client->scram->header)) &&
		  (!binds(client) ||
			  buffer_append_bytes(&bound,
				  uses_exporter(client) ? setup->tls_exporter
							: setup->tls_unique)) &&
		  buffer_append_string(response, "c=") &&
		  base64_encode(buffer_bytes(&bound), response) &&
		  buffer_append_string(response, ",r=") &&
		  buffer_append_bytes(response, first->nonce);
	buffer_wipe(&bound);
	return is_good;
}

static bool
put_proof(struct sasl_client *client, struct buffer *response)
{
	struct scram_client *scram = client->scram;
	enum scram_digest digest = client->mechanism->digest;
	unsigned char proof[SCRAM_KEY_MAXIMUM_OCTETS];

	return scram_prove(digest, scram->keys.stored_key,
		       buffer_bytes(&scram->message), scram->keys.client_key,
		       proof) &&
	       buffer_append_string(response, ",p=") &&
	       base64_encode(
		       bytes_of(proof, scram_key_octets(digest)), response);
}

static enum sasl_client_step
send_final(struct sasl_client *client, struct bytes challenge,
	struct buffer *response)
{
	struct buffer *message = &client->scram->message;
	struct scram_server_first first;
	struct secret password = {0};
	const char *wrong;
	bool is_good;

	if (!scram_parse_server_first(challenge, &first))
		return sasl_client_fail_saying(client,
			"that is not how SCRAM goes: the server says ",
			challenge);
	wrong = wrong_with(client, &first);
	if (wrong)
		return sasl_client_fail(client, wrong);
	if (saslprep(client->setup->password, SASLPREP_QUERY, &password) !=
		SASLPREP_DONE)
		return sasl_client_fail(client,
			"the password has characters that are not allowed");
	is_good = derive(client, &first, secret_bytes(&password));
	secret_release(&password);
	if (!is_good)
		return sasl_client_fail(client, "the server's salt is none");
	client->step = AT_SERVER_FINAL;
	is_good = put_final(client, &first, response) &&
		  buffer_append_string(message, ",") &&
		  buffer_append_bytes(message, challenge) &&
		  buffer_append_string(message, ",") &&
		  buffer_append_bytes(message, buffer_bytes(response)) &&
		  put_proof(client, response);
	return is_good ? SASL_CLIENT_SEND
		       : sasl_client_fail(client, "out of memory");
}

/* ---- server-final ---- */

static bool
is_verified(struct sasl_client *client, struct bytes verifier_base64)
{
	struct scram_client *scram = client->scram;
	enum scram_digest digest = client->mechanism->digest;
	unsigned char signature[SCRAM_KEY_MAXIMUM_OCTETS];
	struct buffer verifier;
	bool is_right;

	buffer_init(&verifier, SCRAM_KEY_MAXIMUM_OCTETS);
	is_right = base64_decode(verifier_base64, &verifier) &&
		   scram_sign(digest, scram->keys.server_key,
			   buffer_bytes(&scram->message), signature) &&
		   secret_equal(buffer_bytes(&verifier),
			   bytes_of(signature, scram_key_octets(digest)));
	buffer_release(&verifier);
	return is_right;
}

static enum sasl_client_step
take_final(struct sasl_client *client, struct bytes challenge)
{
	struct scram_server_final final;

	if (!scram_parse_server_final(challenge, &final))
		return sasl_client_fail_saying(client,
			"that is not how SCRAM goes: the server says ",
			challenge);
	if (final.error.octets > 0)
		return sasl_client_fail_saying(
			client, "the server refuses: ", final.error);
	if (!is_verified(client, final.verifier))
		return sasl_client_fail(client,
			"the server does not know the password: it is not the "
			"one it claims to be");
	client->has_verified = true;
	client->step = AT_END;
	return SASL_CLIENT_SEND; /* an empty line */
}

/* ---- the steps ---- */

static enum sasl_client_step
scram_step(struct sasl_client *client, bool has_challenge,
	struct bytes challenge, struct buffer *response)
{
	switch (client->step) {
	case AT_FIRST:
		return send_first(client, response);
	case AT_SERVER_FIRST:
		return send_final(client, challenge, response);
	case AT_SERVER_FINAL:
		return take_final(client, challenge);
	default:
		return sasl_client_fail_saying(client,
			"the server wants more than SCRAM has: ", challenge);
	}
}

#define SCRAM(constant, text, of, needed)                                      \
	const struct sasl_client_mechanism constant = {.name = (text),         \
		.needs = SASL_CLIENT_PASSWORD | (needed),                      \
		.digest = (of),                                                \
		.verifies = true,                                              \
		.step = scram_step}

SCRAM(sasl_client_scram_sha_1, "SCRAM-SHA-1", SCRAM_SHA_1, 0);
SCRAM(sasl_client_scram_sha_1_plus, "SCRAM-SHA-1-PLUS", SCRAM_SHA_1,
	SASL_CLIENT_BINDING);
SCRAM(sasl_client_scram_sha_256, "SCRAM-SHA-256", SCRAM_SHA_256, 0);
SCRAM(sasl_client_scram_sha_256_plus, "SCRAM-SHA-256-PLUS", SCRAM_SHA_256,
	SASL_CLIENT_BINDING);
