/* SPDX-License-Identifier: ISC */
/* What all connections of a kind share: versions, ciphers, certificate, trust. */
#include "tls/context.h"
#include "tls/signing_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TLS12_CIPHERS                                                          \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"           \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"           \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define TLS13_CIPHERS                                                          \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"                       \
	"TLS_CHACHA20_POLY1305_SHA256"
#define TLS_GROUPS     "X25519:P-256:P-384"
#define TICKET_SECONDS 7200

void
tls_say(char error[TLS_ERROR_SIZE], const char *what)
{
	unsigned long code = ERR_peek_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	snprintf(error, TLS_ERROR_SIZE, "%s%s%s", what, reason ? ": " : "",
		reason ? reason : "");
	ERR_clear_error();
}

static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_octets,
	const unsigned char *in, unsigned in_octets, void *context)
{
	static const unsigned char pop3[] = "\4pop3";

	if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_octets,
		    pop3, sizeof(pop3) - 1, in,
		    in_octets) == OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_NOACK;
}

/* SSL_CTX_set1_groups_list without its cast, which drops a const. */
static bool
set_groups(SSL_CTX *ctx, const char *groups)
{
	return SSL_CTX_ctrl(ctx, SSL_CTRL_SET_GROUPS_LIST, 0,
		       (void *)(uintptr_t)groups) == 1;
}

static bool
set_common(SSL_CTX *ctx)
{
	SSL_CTX_set_options(
		ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
			     SSL_OP_ENABLE_KTLS | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				      SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) &&
	       SSL_CTX_set_cipher_list(ctx, TLS12_CIPHERS) &&
	       SSL_CTX_set_ciphersuites(ctx, TLS13_CIPHERS) &&
	       set_groups(ctx, TLS_GROUPS);
}

static struct tls_context *
make_context(const SSL_METHOD *method, bool is_server)
{
	struct tls_context *context = calloc(1, sizeof(*context));

	if (!context)
		return NULL;
	context->is_server = is_server;
	context->ctx = SSL_CTX_new(method);
	if (!context->ctx || !set_common(context->ctx))
		tls_context_free(&context);
	return context;
}

/* Of the certificate that is there already. */
static EVP_PKEY *
likeness_of(SSL_CTX *ctx, const struct tls_signer *signer)
{
	X509 *leaf = SSL_CTX_get0_certificate(ctx);

	return leaf ? signing_key_likeness(X509_get0_pubkey(leaf), signer)
		    : NULL;
}

/* Takes the key. */
static bool
use_key_take(SSL_CTX *ctx, EVP_PKEY *key, const char *lacking,
	char error[TLS_ERROR_SIZE])
{
	bool is_used = key && SSL_CTX_use_PrivateKey(ctx, key) == 1;

	if (!key)
		tls_say(error, lacking);
	else if (!is_used)
		tls_say(error, "the key does not belong to the certificate");
	EVP_PKEY_free(key);
	return is_used;
}

static bool
use_certificate(SSL_CTX *ctx, struct bytes pem, char error[TLS_ERROR_SIZE])
{
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.octets);
	X509 *leaf = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	bool is_used = leaf && SSL_CTX_use_certificate(ctx, leaf) == 1;
	X509 *next;

	if (!is_used)
		tls_say(error, "the certificate is no PEM certificate");
	while (is_used && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		if (SSL_CTX_add0_chain_cert(ctx, next) != 1)
			X509_free(next);
	/* The end of the file is an error to OpenSSL. */
	ERR_clear_error();
	X509_free(leaf);
	BIO_free(bio);
	return is_used;
}

static struct tls_context *
make_server(struct bytes certificate, char error[TLS_ERROR_SIZE])
{
	struct tls_context *context = make_context(TLS_server_method(), true);
	SSL_CTX *ctx;

	if (!context) {
		tls_say(error, "TLS cannot be set up");
		return NULL;
	}
	ctx = context->ctx;
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(
		ctx, (const unsigned char *)"restante", 8);
	SSL_CTX_set_timeout(ctx, TICKET_SECONDS);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
	if (!use_certificate(ctx, certificate, error))
		tls_context_free(&context);
	return context;
}

enum outcome
tls_server_context_new(struct bytes certificate, struct bytes key,
	struct tls_context **out, char error[TLS_ERROR_SIZE])
{
	struct tls_context *context = make_server(certificate, error);

	if (context &&
		!use_key_take(context->ctx, signing_key_read(key),
			"the key is no PEM private key without pass phrase",
			error))
		tls_context_free(&context);
	if (!context)
		return ERR_BROKEN;
	*out = context;
	return OK;
}

enum outcome
tls_server_context_new_signed(struct bytes certificate,
	const struct tls_signer *signer, struct tls_context **out,
	char error[TLS_ERROR_SIZE])
{
	struct tls_context *context = make_server(certificate, error);

	if (context &&
		!use_key_take(context->ctx, likeness_of(context->ctx, signer),
			"the certificate's key is neither EC nor RSA", error))
		tls_context_free(&context);
	if (!context)
		return ERR_BROKEN;
	*out = context;
	return OK;
}

void
tls_context_set_ticket_key(
	struct tls_context *context, const unsigned char key[48])
{
	/* OpenSSL wants name, HMAC key and AES key: 16, 32 and 32 octets. */
	unsigned char keys[80];
	unsigned digest_octets = 32;

	memcpy(keys, key, 48);
	EVP_Digest(key, 48, keys + 48, &digest_octets, EVP_sha256(), NULL);
	SSL_CTX_set_tlsext_ticket_keys(context->ctx, keys, sizeof(keys));
	OPENSSL_cleanse(keys, sizeof(keys));
	ERR_clear_error();
}

enum outcome
tls_client_context_new(const char *ca_file, struct tls_context **out,
	char error[TLS_ERROR_SIZE])
{
	struct tls_context *context = make_context(TLS_client_method(), false);
	bool has_trust;

	if (!context) {
		tls_say(error, "TLS cannot be set up");
		return ERR_TRY_LATER;
	}
	has_trust =
		ca_file ? SSL_CTX_load_verify_file(context->ctx, ca_file) == 1
			: SSL_CTX_set_default_verify_paths(context->ctx) == 1;
	if (!has_trust) {
		snprintf(error, TLS_ERROR_SIZE,
			"cannot read trusted certificates from %s",
			ca_file ? ca_file : "the system's store");
		ERR_clear_error();
		tls_context_free(&context);
		return ERR_BROKEN;
	}
	SSL_CTX_set_verify(context->ctx, SSL_VERIFY_PEER, tls_on_verify);
	*out = context;
	return OK;
}

void
tls_context_free(struct tls_context **context)
{
	if (!*context)
		return;
	SSL_CTX_free((*context)->ctx);
	free(*context);
	*context = NULL;
}
