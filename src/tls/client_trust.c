/* SPDX-License-Identifier: ISC */
/* A server that asks its clients for certificates: whose it believes. */
#include "tls/context.h"

#include <openssl/err.h>
#include <openssl/pem.h>

struct trust {
	X509_STORE *store;
	STACK_OF(X509_NAME) * names; /* what clients are told */
	unsigned char id[SSL_MAX_SSL_SESSION_ID_LENGTH];
	bool is_required;
};

/* ---- reading ---- */

static bool
add(struct trust *trust, X509 *certificate)
{
	X509_NAME *name = X509_NAME_dup(X509_get_subject_name(certificate));

	if (name && X509_STORE_add_cert(trust->store, certificate) == 1 &&
		sk_X509_NAME_push(trust->names, name) > 0)
		return true;
	X509_NAME_free(name);
	return false;
}

/* How many there are; -1: one of them cannot be used. */
static int
read_all(struct trust *trust, struct bytes pem)
{
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.octets);
	bool is_good = bio != NULL;
	X509 *next;
	int count = 0;

	while (is_good && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		is_good = add(trust, next);
		X509_free(next);
		count++;
	}
	/* The end of the file is an error to OpenSSL, and the right one. */
	if (is_good &&
		ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		is_good = false;
	ERR_clear_error();
	BIO_free(bio);
	return is_good ? count : -1;
}

static void
release(struct trust *trust)
{
	X509_STORE_free(trust->store);
	sk_X509_NAME_pop_free(trust->names, X509_NAME_free);
}

static bool
read_trust(struct trust *trust, struct bytes pem, char error[TLS_ERROR_SIZE])
{
	int count;

	trust->store = X509_STORE_new();
	trust->names = sk_X509_NAME_new_null();
	if (!trust->store || !trust->names) {
		tls_say(error, "no memory");
		return false;
	}
	count = read_all(trust, pem);
	if (count <= 0)
		tls_say(error, count == 0 ? "there is no PEM certificate in it"
					  : "a certificate in it is damaged");
	return count > 0;
}

enum outcome
tls_client_trust_check(struct bytes pem, char error[TLS_ERROR_SIZE])
{
	struct trust trust = {0};
	enum outcome outcome = read_trust(&trust, pem, error) ? OK : ERR_BROKEN;

	release(&trust);
	return outcome;
}

/* ---- using ---- */

/*
 * Whoever may also log in by password is not turned away for a certificate that
 * is not to be believed: the result of the verification stays, and
 * tls_client_certificate goes by it.
 */
static int
note_and_go_on(int is_right, X509_STORE_CTX *store)
{
	return 1;
}

static void
use(SSL_CTX *ctx, const void *context)
{
	const struct trust *trust = context;

	SSL_CTX_set1_verify_cert_store(ctx, trust->store);
	SSL_CTX_set_client_CA_list(ctx, SSL_dup_CA_list(trust->names));
	SSL_CTX_set_verify(ctx,
		trust->is_required
			? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
			: SSL_VERIFY_PEER,
		trust->is_required ? NULL : note_and_go_on);
	/* A ticket that was made while others were believed is of no use. */
	SSL_CTX_set_session_id_context(ctx, trust->id, sizeof(trust->id));
}

enum outcome
tls_context_ask_clients(struct tls_context *context, struct bytes pem,
	bool is_required, char error[TLS_ERROR_SIZE])
{
	struct trust trust = {.is_required = is_required};
	enum outcome outcome = ERR_BROKEN;

	if (read_trust(&trust, pem, error)) {
		EVP_Digest(
			pem.at, pem.octets, trust.id, NULL, EVP_sha256(), NULL);
		trust.id[0] ^= is_required;
		use(context->ctx, &trust);
		server_names_each(context->names, use, &trust);
		outcome = OK;
	}
	release(&trust);
	return outcome;
}
