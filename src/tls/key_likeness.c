/* SPDX-License-Identifier: ISC */
/*
 * Keys whose private half is elsewhere. OpenSSL 3.0 calls these methods
 * deprecated in favour of providers; they are in all of 3.x, and a provider
 * would be ten times as much code (docs/decisions/key-role.md).
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tls/signing_key.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

struct likeness {
	const struct tls_signer *signer;
	unsigned char id[SIGNING_KEY_ID_OCTETS];
};

static void
free_likeness(void *parent, void *likeness, CRYPTO_EX_DATA *data, int index,
	long argl, void *argp)
{
	free(likeness);
}

/* A signature's octets, or 0. */
static size_t
ask(const struct likeness *likeness, enum signing_how how, struct bytes in,
	unsigned char *out, size_t size)
{
	if (!likeness)
		return 0;
	return likeness->signer->sign(
		likeness->signer->context, likeness->id, how, in, out, size);
}

/* ---- EC ---- */

static int
ec_index(void)
{
	static int index = -1;

	if (index < 0)
		index = EC_KEY_get_ex_new_index(
			0, NULL, NULL, NULL, free_likeness);
	return index;
}

static int
ec_sign(int type, const unsigned char *digest, int digest_octets,
	unsigned char *out, unsigned *out_octets, const BIGNUM *inverse,
	const BIGNUM *r, EC_KEY *key)
{
	size_t octets = ask(EC_KEY_get_ex_data(key, ec_index()), SIGN_ECDSA,
		bytes_of(digest, (size_t)digest_octets), out,
		(size_t)ECDSA_size(key));

	*out_octets = (unsigned)octets;
	return octets > 0;
}

static const EC_KEY_METHOD *
ec_method(void)
{
	static EC_KEY_METHOD *method;

	if (!method && (method = EC_KEY_METHOD_new(EC_KEY_OpenSSL())))
		EC_KEY_METHOD_set_sign(method, ec_sign, NULL, NULL);
	return method;
}

/* Takes `likeness` when it returns true. */
static bool
put_ec(EVP_PKEY *to, EVP_PKEY *public_key, struct likeness *likeness)
{
	EC_KEY *key = EVP_PKEY_get1_EC_KEY(public_key);

	if (key && ec_method() && EC_KEY_set_method(key, ec_method()) == 1 &&
		EVP_PKEY_assign_EC_KEY(to, key) == 1)
		return EC_KEY_set_ex_data(key, ec_index(), likeness) == 1;
	EC_KEY_free(key);
	return false;
}

/* ---- RSA ---- */

static int
rsa_index(void)
{
	static int index = -1;

	if (index < 0)
		index = RSA_get_ex_new_index(
			0, NULL, NULL, NULL, free_likeness);
	return index;
}

static int
rsa_sign(int octets, const unsigned char *from, unsigned char *to, RSA *key,
	int padding)
{
	size_t made = 0;

	if (padding == RSA_PKCS1_PADDING || padding == RSA_NO_PADDING)
		made = ask(RSA_get_ex_data(key, rsa_index()),
			padding == RSA_NO_PADDING ? SIGN_RSA_PLAIN
						  : SIGN_RSA_PKCS1,
			bytes_of(from, (size_t)octets), to,
			(size_t)RSA_size(key));
	return made > 0 ? (int)made : -1;
}

static const RSA_METHOD *
rsa_method(void)
{
	static RSA_METHOD *method;

	if (!method && (method = RSA_meth_dup(RSA_PKCS1_OpenSSL()))) {
		RSA_meth_set_priv_enc(method, rsa_sign);
		RSA_meth_set_flags(method,
			RSA_meth_get_flags(method) | RSA_METHOD_FLAG_NO_CHECK);
	}
	return method;
}

static bool
put_rsa(EVP_PKEY *to, EVP_PKEY *public_key, struct likeness *likeness)
{
	RSA *key = EVP_PKEY_get1_RSA(public_key);

	if (key && rsa_method() && RSA_set_method(key, rsa_method()) == 1 &&
		EVP_PKEY_assign_RSA(to, key) == 1)
		return RSA_set_ex_data(key, rsa_index(), likeness) == 1;
	RSA_free(key);
	return false;
}

/* A copy of its own, whatever else the key holds. */
static EVP_PKEY *
public_half(EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int octets = i2d_PUBKEY(key, &der);
	const unsigned char *at = der;
	EVP_PKEY *half = octets > 0 ? d2i_PUBKEY(NULL, &at, octets) : NULL;

	OPENSSL_free(der);
	return half;
}

EVP_PKEY *
signing_key_likeness(EVP_PKEY *of, const struct tls_signer *signer)
{
	EVP_PKEY *public_key = public_half(of);
	struct likeness *likeness = calloc(1, sizeof(*likeness));
	EVP_PKEY *key = EVP_PKEY_new();
	bool is_made = false;

	if (public_key && likeness && key &&
		signing_key_id(public_key, likeness->id)) {
		likeness->signer = signer;
		if (EVP_PKEY_is_a(public_key, "EC") == 1)
			is_made = put_ec(key, public_key, likeness);
		else if (EVP_PKEY_is_a(public_key, "RSA") == 1)
			is_made = put_rsa(key, public_key, likeness);
	}
	EVP_PKEY_free(public_key);
	if (is_made)
		return key;
	free(likeness);
	EVP_PKEY_free(key);
	return NULL;
}
