/* SPDX-License-Identifier: ISC */
/*
 * SCRAM, the server's side. An exchange:
 *
 *	client-first   SASL_KEYS       the owner gives the keys of that name
 *	server-first   SASL_CHALLENGE  nonce, salt, iterations
 *	client-final   SASL_PROOF      the owner lets it be judged
 *	server-final   SASL_CHALLENGE  v=... (RFC 5034 section 4: +OK cannot
 *	                               carry it)
 *	an empty line  SASL_PROVEN
 */
#include "base/base64.h"
#include "sasl/mechanism.h"
#include "sasl/scram_message.h"

#include <stdlib.h>
#include <string.h>

enum { AT_FIRST, AT_KEYS, AT_FINAL, AT_PROOF, AT_VERIFIER, AT_END };

struct scram_server {
	struct secret tls_exporter, tls_unique;
	bool offers_binding;
	char nonce[SASL_NONCE_MAXIMUM_OCTETS + 1]; /* our part */
	struct secret client_nonce;
	/* What the client must repeat in "c=": its gs2-header and, when it
	   binds, what it binds to. */
	struct secret bound;
	/* The AuthMessage as it grows. */
	struct buffer message;
	struct scram_keys keys;
	unsigned char proof[SCRAM_KEY_MAXIMUM_OCTETS];
	bool is_bound; /* "c=" was right */
};

static bool
binds(const struct sasl_server *server)
{
	return server->mechanism->needs & SASL_NEEDS_BINDING;
}

/* ---- life ---- */

static bool
scram_start(struct sasl_server *server, const struct sasl_server_setup *setup)
{
	struct scram_server *scram = calloc(1, sizeof(*scram));

	server->scram = scram;
	if (!scram)
		return false;
	buffer_init(&scram->message, 3 * SCRAM_MESSAGE_MAXIMUM_OCTETS);
	scram->offers_binding = setup->offers_binding;
	return scram_is_nonce(setup->nonce) &&
	       bytes_to_string(
		       setup->nonce, scram->nonce, sizeof(scram->nonce)) &&
	       secret_set(&scram->tls_exporter, setup->tls_exporter) &&
	       secret_set(&scram->tls_unique, setup->tls_unique);
}

void
scram_server_free(struct scram_server **scram)
{
	struct scram_server *self = *scram;

	if (!self)
		return;
	secret_release(&self->tls_exporter);
	secret_release(&self->tls_unique);
	secret_release(&self->client_nonce);
	secret_release(&self->bound);
	buffer_wipe(&self->message);
	explicit_bzero(self, sizeof(*self));
	free(self);
	*scram = NULL;
}

/* ---- client-first ---- */

/* Empty: a binding that there is not. */
static struct bytes
binding_named(const struct scram_server *scram, struct bytes name)
{
	if (bytes_equal(name, bytes_of_string("tls-exporter")))
		return secret_bytes(&scram->tls_exporter);
	if (bytes_equal(name, bytes_of_string("tls-unique")))
		return secret_bytes(&scram->tls_unique);
	return BYTES_NONE;
}

/* RFC 5802 section 6 */
static bool
is_downgraded(const struct sasl_server *server,
	const struct scram_client_first *first)
{
	return !binds(server) && first->flag == 'y' &&
	       server->scram->offers_binding;
}

/* NULL: as it should be. */
static const char *
wrong_with_binding(const struct sasl_server *server,
	const struct scram_client_first *first, struct bytes *out_binding)
{
	*out_binding = BYTES_NONE;
	if (!binds(server))
		return first->flag == 'p'
			       ? "binds with a mechanism that does not"
			       : NULL;
	if (first->flag != 'p')
		return "does not bind with a mechanism that does";
	*out_binding = binding_named(server->scram, first->binding_name);
	return out_binding->octets > 0 ? NULL : "no such channel binding here";
}

static bool
set_bound(struct scram_server *scram, struct bytes header, struct bytes binding)
{
	struct buffer bound;
	bool is_good;

	buffer_init(&bound, 2 * SCRAM_MESSAGE_MAXIMUM_OCTETS);
	is_good = buffer_append_bytes(&bound, header) &&
		  buffer_append_bytes(&bound, binding) &&
		  secret_set(&scram->bound, buffer_bytes(&bound));
	buffer_release(&bound);
	return is_good;
}

static enum sasl_step
take_first(struct sasl_server *server, struct bytes response)
{
	struct scram_server *scram = server->scram;
	struct scram_client_first first;
	struct bytes binding;
	const char *wrong;

	if (!scram_parse_client_first(response, &first))
		return sasl_server_fail(server, "malformed client-first");
	if (is_downgraded(server, &first))
		return sasl_server_fail_attacked(server,
			"the client can bind to TLS and was not told that we "
			"can: the list was changed on the way");
	wrong = wrong_with_binding(server, &first, &binding);
	if (wrong)
		return sasl_server_fail(server, wrong);
	if (!scram_unescape(first.authzid, &server->authzid) ||
		!scram_unescape(first.user, &server->authcid))
		return sasl_server_fail(server, "malformed name");
	if (!secret_set(&scram->client_nonce, first.nonce) ||
		!set_bound(scram, first.header, binding) ||
		!buffer_append_bytes(&scram->message, first.bare))
		return sasl_server_fail(server, "out of memory");
	server->step = AT_KEYS;
	return SASL_KEYS;
}

/* ---- server-first ---- */

enum sasl_step
scram_server_set_keys(struct sasl_server *server, const struct scram_keys *keys,
	struct buffer *challenge)
{
	struct scram_server *scram = server->scram;

	if (server->step != AT_KEYS || keys->iterations == 0 ||
		keys->salt_octets > sizeof(keys->salt))
		return sasl_server_fail(server, "no keys");
	scram->keys = *keys;
	if (!buffer_append_string(challenge, "r=") ||
		!buffer_append_bytes(
			challenge, secret_bytes(&scram->client_nonce)) ||
		!buffer_printf(challenge, "%s,s=", scram->nonce) ||
		!base64_encode(
			bytes_of(keys->salt, keys->salt_octets), challenge) ||
		!buffer_printf(challenge, ",i=%u", keys->iterations) ||
		!buffer_append_string(&scram->message, ",") ||
		!buffer_append_bytes(&scram->message, buffer_bytes(challenge)))
		return sasl_server_fail(server, "out of memory");
	server->step = AT_FINAL;
	return SASL_CHALLENGE;
}

/* ---- client-final ---- */

static bool
is_whole_nonce(const struct scram_server *scram, struct bytes nonce)
{
	struct bytes client = secret_bytes(&scram->client_nonce);

	return nonce.octets > client.octets &&
	       bytes_equal(bytes_of(nonce.at, client.octets), client) &&
	       bytes_equal(bytes_after(nonce, client.octets),
		       bytes_of_string(scram->nonce));
}

/* False: no base64. */
static bool
check_bound(struct scram_server *scram, struct bytes base64)
{
	struct buffer bound;
	bool is_good;

	buffer_init(&bound, SCRAM_MESSAGE_MAXIMUM_OCTETS);
	is_good = base64_decode(base64, &bound);
	scram->is_bound = is_good && secret_equal(buffer_bytes(&bound),
					     secret_bytes(&scram->bound));
	buffer_wipe(&bound);
	return is_good;
}

static bool
set_proof(struct sasl_server *server, struct bytes base64)
{
	struct buffer proof;
	bool is_good;

	buffer_init(&proof, SCRAM_KEY_MAXIMUM_OCTETS);
	is_good = base64_decode(base64, &proof) &&
		  proof.octets == scram_key_octets(server->mechanism->digest);
	if (is_good)
		memcpy(server->scram->proof, buffer_bytes(&proof).at,
			proof.octets);
	buffer_wipe(&proof);
	return is_good;
}

static enum sasl_step
take_final(struct sasl_server *server, struct bytes response)
{
	struct scram_server *scram = server->scram;
	struct scram_client_final final;

	if (!scram_parse_client_final(response, &final) ||
		!check_bound(scram, final.binding) ||
		!set_proof(server, final.proof))
		return sasl_server_fail(server, "malformed client-final");
	if (!is_whole_nonce(scram, final.nonce))
		return sasl_server_fail(server, "another nonce");
	if (!buffer_append_string(&scram->message, ",") ||
		!buffer_append_bytes(&scram->message, final.without_proof))
		return sasl_server_fail(server, "out of memory");
	server->step = AT_PROOF;
	return SASL_PROOF;
}

struct bytes
scram_server_proof(const struct sasl_server *server)
{
	return bytes_of(server->scram->proof,
		scram_key_octets(server->mechanism->digest));
}

/* ---- server-final ---- */

static bool
put_verifier(struct sasl_server *server, struct buffer *challenge)
{
	struct scram_server *scram = server->scram;
	enum scram_digest digest = server->mechanism->digest;
	unsigned char signature[SCRAM_KEY_MAXIMUM_OCTETS];

	return scram_sign(digest, scram->keys.server_key,
		       buffer_bytes(&scram->message), signature) &&
	       buffer_append_string(challenge, "v=") &&
	       base64_encode(bytes_of(signature, scram_key_octets(digest)),
		       challenge);
}

enum sasl_step
scram_server_prove(struct sasl_server *server, struct buffer *challenge)
{
	struct scram_server *scram = server->scram;
	bool is_right;

	if (server->step != AT_PROOF)
		return sasl_server_fail(server, "no proof");
	is_right = scram_proof_is_right(server->mechanism->digest, &scram->keys,
		buffer_bytes(&scram->message), scram->proof);
	if (!scram->is_bound)
		return sasl_server_fail_attacked(server,
			"bound to another connection: somebody may be between");
	if (!is_right)
		return sasl_server_fail(server, "wrong proof");
	if (!put_verifier(server, challenge))
		return sasl_server_fail(server, "out of memory");
	server->step = AT_VERIFIER;
	return SASL_CHALLENGE;
}

/* ---- the steps ---- */

static enum sasl_step
scram_step(struct sasl_server *server, bool has_response, struct bytes response,
	struct buffer *challenge)
{
	switch (server->step) {
	case AT_FIRST:
		/* It may want to be asked (RFC 4422 section 5). */
		return has_response ? take_first(server, response)
				    : SASL_CHALLENGE;
	case AT_FINAL:
		return take_final(server, response);
	case AT_VERIFIER:
		server->step = AT_END;
		return response.octets == 0
			       ? SASL_PROVEN
			       : sasl_server_fail(server, "more than was due");
	default:
		return sasl_server_fail(server, "more than was due");
	}
}

#define SCRAM(constant, text, of, needed)                                      \
	const struct sasl_mechanism constant = {.name = (text),                \
		.needs = (needed),                                             \
		.digest = (of),                                                \
		.start = scram_start,                                          \
		.step = scram_step}

SCRAM(sasl_scram_sha_1, "SCRAM-SHA-1", SCRAM_SHA_1, SASL_NEEDS_KEYS);
SCRAM(sasl_scram_sha_1_plus, "SCRAM-SHA-1-PLUS", SCRAM_SHA_1,
	SASL_NEEDS_KEYS | SASL_NEEDS_BINDING);
SCRAM(sasl_scram_sha_256, "SCRAM-SHA-256", SCRAM_SHA_256, SASL_NEEDS_KEYS);
SCRAM(sasl_scram_sha_256_plus, "SCRAM-SHA-256-PLUS", SCRAM_SHA_256,
	SASL_NEEDS_KEYS | SASL_NEEDS_BINDING);
