/* SPDX-License-Identifier: ISC */
#include "tls/signing_key.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

static void *
take(size_t octets, const char *file, int line)
{
	return octets > 0 ? malloc(octets) : NULL;
}

static void
wipe_and_free(void *at, const char *file, int line)
{
	if (at)
		explicit_bzero(at, malloc_usable_size(at));
	free(at);
}

static void *
take_again(void *at, size_t octets, const char *file, int line)
{
	size_t held = at ? malloc_usable_size(at) : 0;
	void *fresh = take(octets, file, line);

	if (fresh && at)
		memcpy(fresh, at, held < octets ? held : octets);
	if (fresh || octets == 0)
		wipe_and_free(at, file, line);
	return fresh;
}

bool
signing_key_wipe_what_is_freed(void)
{
	return CRYPTO_set_mem_functions(take, take_again, wipe_and_free) == 1;
}

/* ---- keys ---- */

/* A PEM's pass phrase would be asked for on a terminal nobody watches. */
static int
no_pass_phrase(char *out, int size, int is_writing, void *context)
{
	return -1;
}

EVP_PKEY *
signing_key_read(struct bytes pem)
{
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.octets);
	EVP_PKEY *key =
		bio ? PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL)
		    : NULL;

	BIO_free(bio);
	return key;
}

bool
signing_key_id(EVP_PKEY *key, unsigned char out[SIGNING_KEY_ID_OCTETS])
{
	unsigned char *der = NULL;
	int octets = i2d_PUBKEY(key, &der);
	bool is_made = octets > 0 && EVP_Digest(der, (size_t)octets, out, NULL,
					     EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return is_made;
}

static bool
set_padding(EVP_PKEY_CTX *ctx, EVP_PKEY *key, enum signing_how how)
{
	bool is_rsa = EVP_PKEY_is_a(key, "RSA") == 1;

	if (how == SIGN_ECDSA)
		return EVP_PKEY_is_a(key, "EC") == 1;
	return is_rsa && EVP_PKEY_CTX_set_rsa_padding(ctx,
				 how == SIGN_RSA_PLAIN ? RSA_NO_PADDING
						       : RSA_PKCS1_PADDING) > 0;
}

/* NULL: that key cannot sign so. */
static EVP_PKEY_CTX *
context_of(EVP_PKEY *key, enum signing_how how)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

	if (ctx && EVP_PKEY_sign_init(ctx) > 0 && set_padding(ctx, key, how))
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

size_t
signing_key_sign(EVP_PKEY *key, struct signing_contexts *contexts,
	enum signing_how how, struct bytes in, unsigned char *out, size_t size)
{
	EVP_PKEY_CTX **ctx = &contexts->of[how];
	size_t octets = size;

	if (!*ctx)
		*ctx = context_of(key, how);
	if (!*ctx || EVP_PKEY_sign(*ctx, out, &octets, in.at, in.octets) <= 0)
		octets = 0;
	ERR_clear_error();
	return octets;
}

void
signing_contexts_release(struct signing_contexts *contexts)
{
	for (int how = 0; how < SIGN_HOW_COUNT; how++)
		EVP_PKEY_CTX_free(contexts->of[how]);
	*contexts = (struct signing_contexts){0};
}
