/* SPDX-License-Identifier: ISC */
/* What all connections of a kind share: versions, ciphers, certificate, trust. */
#include "tls/context.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#define TLS12_CIPHERS                                                          \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"           \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"           \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define TLS13_CIPHERS                                                          \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"                       \
	"TLS_CHACHA20_POLY1305_SHA256"
#define TLS_GROUPS "X25519:P-256:P-384"

void
tls_say(char error[TLS_ERROR_SIZE], const char *what)
{
	unsigned long code = ERR_peek_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	snprintf(error, TLS_ERROR_SIZE, "%s%s%s", what, reason ? ": " : "",
		reason ? reason : "");
	ERR_clear_error();
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

struct tls_context *
tls_context_make(const SSL_METHOD *method, bool is_server)
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

enum outcome
tls_client_context_new(const char *ca_file, struct tls_context **out,
	char error[TLS_ERROR_SIZE])
{
	struct tls_context *context =
		tls_context_make(TLS_client_method(), false);
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

struct tls_context *
tls_probe_context_new(void)
{
	struct tls_context *context =
		tls_context_make(TLS_client_method(), false);

	if (context)
		SSL_CTX_set_verify(context->ctx, SSL_VERIFY_NONE, NULL);
	return context;
}

void
tls_context_set_pins(struct tls_context *context, const struct tls_pins *pins)
{
	context->pins = *pins;
}

/* Else OpenSSL would ask whoever sits at the terminal. */
static int
know_no_pass_phrase(char *to, int size, int is_writing, void *context)
{
	(void)to;
	(void)size;
	(void)is_writing;
	(void)context;
	return 0;
}

enum outcome
tls_context_set_certificate(struct tls_context *context,
	const char *certificate_file, const char *key_file,
	char error[TLS_ERROR_SIZE])
{
	ERR_clear_error();
	SSL_CTX_set_default_passwd_cb(context->ctx, know_no_pass_phrase);
	if (SSL_CTX_use_certificate_chain_file(
		    context->ctx, certificate_file) == 1 &&
		SSL_CTX_use_PrivateKey_file(
			context->ctx, key_file, SSL_FILETYPE_PEM) == 1 &&
		SSL_CTX_check_private_key(context->ctx) == 1)
		return OK;
	ERR_clear_error();
	snprintf(error, TLS_ERROR_SIZE,
		"%.150s and %.150s are no certificate and its key without a "
		"pass phrase",
		certificate_file, key_file);
	return ERR_DENIED;
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
