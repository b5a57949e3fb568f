/* SPDX-License-Identifier: ISC */
/* A server's side: certificates, each with its key, tickets, ALPN. */
#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/signing_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#define TICKET_SECONDS 7200

/* ---- what every set of certificates shares ---- */

/*
 * RFC 7301 section 3.2: who offers protocols, and ours is none of them, is sent
 * away. A browser that was led here must not read our replies as its own
 * protocol's (docs/decisions/alpn.md).
 */
static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_octets,
	const unsigned char *in, unsigned in_octets, void *context)
{
	const char *ours = tls_is_http(ssl) ? "\10http/1.1" : "\4pop3";

	if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_octets,
		    (const unsigned char *)ours, (unsigned)strlen(ours), in,
		    in_octets) == OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static struct tls_context *
make(void)
{
	struct tls_context *context =
		tls_context_make(TLS_server_method(), true);
	SSL_CTX *ctx;

	if (!context)
		return NULL;
	ctx = context->ctx;
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* Else the header of each record is read alone. Who reads must ask
	   tls_has_more before it waits for the socket. */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(
		ctx, (const unsigned char *)"restante", 8);
	SSL_CTX_set_timeout(ctx, TICKET_SECONDS);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
	return context;
}

/* ---- one certificate and its key ---- */

/* One EC and one RSA certificate fit: OpenSSL takes what the client knows. */
static bool
has_kind(SSL_CTX *ctx, EVP_PKEY *key)
{
	int kind = EVP_PKEY_get_base_id(key);

	for (int has = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_FIRST); has;
		has = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_NEXT))
		if (EVP_PKEY_get_base_id(X509_get0_pubkey(
			    SSL_CTX_get0_certificate(ctx))) == kind)
			return true;
	return false;
}

static bool
use_leaf(SSL_CTX *ctx, X509 *leaf, char error[TLS_ERROR_SIZE])
{
	EVP_PKEY *key = leaf ? X509_get0_pubkey(leaf) : NULL;
	bool is_known = key && (EVP_PKEY_is_a(key, "EC") == 1 ||
				       EVP_PKEY_is_a(key, "RSA") == 1);

	if (!leaf)
		tls_say(error, "the certificate is no PEM certificate");
	else if (!is_known)
		tls_say(error, "the certificate's key is neither EC nor RSA");
	else if (has_kind(ctx, key))
		tls_say(error, "there is another certificate of its kind: one "
			       "EC and one RSA at most");
	else if (SSL_CTX_use_certificate(ctx, leaf) == 1)
		return true;
	else
		tls_say(error, "the certificate is refused");
	return false;
}

static X509 *
use_certificate(SSL_CTX *ctx, struct bytes pem, char error[TLS_ERROR_SIZE])
{
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.octets);
	X509 *leaf = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	bool is_used = use_leaf(ctx, leaf, error);
	X509 *next;

	while (is_used && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		if (SSL_CTX_add0_chain_cert(ctx, next) != 1)
			X509_free(next);
	/* The end of the file is an error to OpenSSL. */
	ERR_clear_error();
	BIO_free(bio);
	if (is_used)
		return leaf;
	X509_free(leaf);
	return NULL;
}

/* Takes the key. */
static bool
use_key_take(SSL_CTX *ctx, EVP_PKEY *key, char error[TLS_ERROR_SIZE])
{
	bool is_used = key && SSL_CTX_use_PrivateKey(ctx, key) == 1;

	if (!key)
		tls_say(error, "the key is no PEM private key without pass "
			       "phrase");
	else if (!is_used)
		tls_say(error, "the key does not belong to the certificate");
	EVP_PKEY_free(key);
	return is_used;
}

/* signer: or NULL, then `key` is there. */
static bool
use_pair(struct tls_context *context, SSL_CTX *ctx, const struct tls_pair *pair,
	char error[TLS_ERROR_SIZE])
{
	X509 *leaf = use_certificate(ctx, pair->certificate, error);
	EVP_PKEY *key = NULL;
	bool is_used;

	if (!leaf)
		return false;
	key = pair->signer ? signing_key_likeness(
				     X509_get0_pubkey(leaf), pair->signer)
			   : signing_key_read(pair->key);
	is_used = use_key_take(ctx, key, error);
	if (is_used &&
		!server_names_add_certificate(context->names, leaf, ctx)) {
		tls_say(error, "the certificate has too many names");
		is_used = false;
	}
	X509_free(leaf);
	return is_used;
}

/* ---- sets ---- */

/* The set that `name` means, made when it is new. */
static SSL_CTX *
set_of(struct tls_context *context, const char *name)
{
	SSL_CTX *ctx = *name ? server_names_section(context->names, name)
			     : context->ctx;
	struct tls_context *fresh;

	if (ctx || !(fresh = make()))
		return ctx;
	if (server_names_add_section(context->names, name, fresh->ctx))
		ctx = fresh->ctx;
	tls_context_free(&fresh);
	return ctx;
}

enum outcome
tls_context_add(struct tls_context *context, const struct tls_pair *pair,
	char error[TLS_ERROR_SIZE])
{
	SSL_CTX *ctx = set_of(context, pair->name);

	if (!ctx) {
		tls_say(error, "there is no room for another certificate");
		return ERR_TRY_LATER;
	}
	return use_pair(context, ctx, pair, error) ? OK : ERR_BROKEN;
}

enum outcome
tls_server_context_new(const struct tls_pair *first, struct tls_context **out,
	char error[TLS_ERROR_SIZE])
{
	struct tls_context *context = make();
	enum outcome outcome;

	if (context)
		context->names = server_names_attach(context->ctx);
	if (!context || !context->names) {
		tls_say(error, "TLS cannot be set up");
		tls_context_free(&context);
		return ERR_TRY_LATER;
	}
	outcome = tls_context_add(context, first, error);
	if (outcome == OK)
		*out = context;
	else
		tls_context_free(&context);
	return outcome;
}

/* ---- tickets ---- */

struct ticket_secrets {
	const unsigned char (*keys)[TLS_TICKET_KEY_OCTETS];
	size_t count;
};

static void
use_ticket_keys(SSL_CTX *ctx, const void *context)
{
	const struct ticket_secrets *secrets = context;

	tickets_use_keys(ctx, secrets->keys, secrets->count);
}

void
tls_context_set_ticket_keys(struct tls_context *context,
	const unsigned char (*keys)[TLS_TICKET_KEY_OCTETS], size_t count)
{
	const struct ticket_secrets secrets = {keys, count};

	use_ticket_keys(context->ctx, &secrets);
	server_names_each(context->names, use_ticket_keys, &secrets);
}
