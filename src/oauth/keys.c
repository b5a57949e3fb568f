/* SPDX-License-Identifier: ISC */
#include "oauth/keys.h"
#include "base/base64.h"
#include "oauth/rules.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RSA_LEAST_OCTETS     256
#define RSA_MOST_OCTETS	     1024
#define EXPONENT_MOST_OCTETS 8
#define P256_OCTETS	     32

struct key {
	char id[OAUTH_KEY_ID_SIZE];
	enum oauth_algorithm algorithm;
	EVP_PKEY *key;
};

struct oauth_keys {
	struct key keys[OAUTH_KEYS_MAXIMUM];
	size_t count;
};

static const struct {
	const char *name, *type;
} algorithms[OAUTH_ALGORITHMS] = {
	[OAUTH_RS256] = {"RS256", "RSA"},
	[OAUTH_ES256] = {"ES256", "EC"},
};

/* ---- octets ---- */

static unsigned char
standard_letter(unsigned char octet)
{
	switch (octet) {
	case '-':
		return '+';
	case '_':
		return '/';
	case '+':
	case '/':
	case '=':
		return 0;
	default:
		return octet;
	}
}

bool
oauth_decode(struct bytes text, struct buffer *out)
{
	struct buffer standard;
	unsigned char *to;
	bool is_good;

	buffer_init(&standard, text.octets + 4);
	to = buffer_reserve(&standard, text.octets + 4);
	if (!to)
		return false;
	for (size_t i = 0; i < text.octets; i++)
		to[i] = standard_letter(text.at[i]);
	buffer_grow(&standard, text.octets);
	is_good = text.octets % 4 != 1;
	while (is_good && standard.octets % 4 != 0)
		is_good = buffer_append_string(&standard, "=");
	is_good = is_good && base64_decode(buffer_bytes(&standard), out);
	buffer_release(&standard);
	return is_good;
}

/* A number or coordinate of a key. */
static bool
get_octets(const json_t *object, const char *name, struct buffer *out)
{
	const char *text = oauth_text(object, name);

	return text && oauth_decode(bytes_of_string(text), out);
}

/* ---- one key ---- */

static EVP_PKEY *
build(const char *type, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!parameters || !context || EVP_PKEY_fromdata_init(context) != 1 ||
		EVP_PKEY_fromdata(
			context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(parameters);
	return key;
}

static EVP_PKEY *
build_rsa(struct bytes modulus, struct bytes exponent)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(modulus.at, (int)modulus.octets, NULL);
	BIGNUM *e = BN_bin2bn(exponent.at, (int)exponent.octets, NULL);
	EVP_PKEY *key = NULL;

	if (builder && n && e && BN_is_odd(n) && BN_is_odd(e) &&
		!BN_is_one(e) && BN_num_bits(n) >= RSA_LEAST_OCTETS * 8 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
		key = build("RSA", builder);
	BN_free(n);
	BN_free(e);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

static EVP_PKEY *
read_rsa(const json_t *jwk)
{
	struct buffer modulus, exponent;
	EVP_PKEY *key = NULL;

	/* One octet more: some put a zero in front. */
	buffer_init(&modulus, RSA_MOST_OCTETS + 1);
	buffer_init(&exponent, EXPONENT_MOST_OCTETS);
	if (get_octets(jwk, "n", &modulus) && get_octets(jwk, "e", &exponent))
		key = build_rsa(
			buffer_bytes(&modulus), buffer_bytes(&exponent));
	buffer_release(&modulus);
	buffer_release(&exponent);
	return key;
}

/* Is the point on the curve? */
static bool
is_valid(EVP_PKEY *key)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool is_good = context && EVP_PKEY_public_check(context) == 1;

	EVP_PKEY_CTX_free(context);
	return is_good;
}

static EVP_PKEY *
build_p256(struct bytes point)
{
	static char group[] = "prime256v1";
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	if (builder &&
		OSSL_PARAM_BLD_push_utf8_string(
			builder, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) &&
		OSSL_PARAM_BLD_push_octet_string(builder,
			OSSL_PKEY_PARAM_PUB_KEY, point.at, point.octets))
		key = build("EC", builder);
	if (key && !is_valid(key)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	OSSL_PARAM_BLD_free(builder);
	return key;
}

/* RFC 7518 section 6.2.1: both coordinates whole. */
static EVP_PKEY *
read_p256(const json_t *jwk)
{
	const char *curve = oauth_text(jwk, "crv");
	struct buffer point;
	EVP_PKEY *key = NULL;

	buffer_init(&point, 1 + 2 * P256_OCTETS);
	buffer_append_string(&point, "\4");
	if (curve && strcmp(curve, "P-256") == 0 &&
		get_octets(jwk, "x", &point) &&
		point.octets == 1 + P256_OCTETS &&
		get_octets(jwk, "y", &point) &&
		point.octets == 1 + 2 * P256_OCTETS)
		key = build_p256(buffer_bytes(&point));
	buffer_release(&point);
	return key;
}

/* ---- a set ---- */

/* RFC 7517 sections 4.2 and 4.4: what is said must fit. */
static bool
is_for_signatures(const json_t *jwk, enum oauth_algorithm algorithm)
{
	const char *use = oauth_text(jwk, "use");
	const char *alg = oauth_text(jwk, "alg");

	return (!use || strcmp(use, "sig") == 0) &&
	       (!alg || strcmp(alg, algorithms[algorithm].name) == 0);
}

static void
add_key(struct oauth_keys *keys, const json_t *jwk,
	enum oauth_algorithm algorithm)
{
	struct key *place = &keys->keys[keys->count];
	const char *id = oauth_text(jwk, "kid");

	if (!bytes_to_string(id ? bytes_of_string(id) : BYTES_NONE, place->id,
		    sizeof(place->id)))
		return;
	place->algorithm = algorithm;
	place->key = algorithm == OAUTH_RS256 ? read_rsa(jwk) : read_p256(jwk);
	if (place->key)
		keys->count++;
}

static void
take_key(struct oauth_keys *keys, const json_t *jwk)
{
	const char *type = oauth_text(jwk, "kty");

	for (int i = 0; type && i < OAUTH_ALGORITHMS; i++)
		if (keys->count < OAUTH_KEYS_MAXIMUM &&
			strcmp(type, algorithms[i].type) == 0 &&
			is_for_signatures(jwk, (enum oauth_algorithm)i))
			add_key(keys, jwk, (enum oauth_algorithm)i);
}

struct oauth_keys *
oauth_keys_parse(struct bytes jwks, char *error, size_t size)
{
	json_t *object = oauth_object(jwks);
	const json_t *list = json_object_get(object, "keys");
	struct oauth_keys *keys = NULL;

	if (!json_is_array(list))
		snprintf(error, size, "no JSON object with \"keys\"");
	else if (!(keys = calloc(1, sizeof(*keys))))
		snprintf(error, size, "no memory");
	for (size_t i = 0; keys && i < json_array_size(list); i++)
		take_key(keys, json_array_get(list, i));
	if (keys && keys->count == 0) {
		snprintf(error, size, "no key for RS256 or ES256");
		oauth_keys_free(&keys);
	}
	json_decref(object);
	return keys;
}

void
oauth_keys_free(struct oauth_keys **keys)
{
	if (!*keys)
		return;
	for (size_t i = 0; i < (*keys)->count; i++)
		EVP_PKEY_free((*keys)->keys[i].key);
	free(*keys);
	*keys = NULL;
}

/* ---- signatures ---- */

/* RFC 7518 section 3.4: two numbers; OpenSSL wants them in DER. */
static size_t
signature_der(struct bytes raw, unsigned char **out)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw.at, P256_OCTETS, NULL);
	BIGNUM *s = BN_bin2bn(raw.at + P256_OCTETS, P256_OCTETS, NULL);
	int octets = 0;

	if (pair && r && s && ECDSA_SIG_set0(pair, r, s)) {
		r = s = NULL;
		octets = i2d_ECDSA_SIG(pair, out);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return octets > 0 ? (size_t)octets : 0;
}

static bool
verify(EVP_PKEY *key, struct bytes text, struct bytes signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool is_good = context &&
		       EVP_DigestVerifyInit(
			       context, NULL, EVP_sha256(), NULL, key) == 1 &&
		       EVP_DigestVerify(context, signature.at, signature.octets,
			       text.at, text.octets) == 1;

	EVP_MD_CTX_free(context);
	return is_good;
}

static bool
verify_p256(EVP_PKEY *key, struct bytes text, struct bytes signature)
{
	unsigned char *der = NULL;
	size_t octets;
	bool is_good;

	if (signature.octets != 2 * P256_OCTETS)
		return false;
	octets = signature_der(signature, &der);
	is_good = octets > 0 && verify(key, text, bytes_of(der, octets));
	OPENSSL_free(der);
	return is_good;
}

/* NULL: none, or one of several and no name to choose by. */
static const struct key *
find_key(const struct oauth_keys *keys, enum oauth_algorithm algorithm,
	const char *id)
{
	const struct key *found = NULL;

	for (size_t i = 0; i < keys->count; i++) {
		const struct key *key = &keys->keys[i];

		if (key->algorithm != algorithm ||
			(id[0] && strcmp(key->id, id) != 0))
			continue;
		if (found)
			return NULL;
		found = key;
	}
	return found;
}

enum oauth_signature
oauth_keys_verify(const struct oauth_keys *keys, enum oauth_algorithm algorithm,
	const char *key_id, struct bytes text, struct bytes signature)
{
	const struct key *key = find_key(keys, algorithm, key_id);
	bool is_good;

	if (!key)
		return OAUTH_SIGNATURE_NO_KEY;
	is_good = algorithm == OAUTH_ES256
			  ? verify_p256(key->key, text, signature)
			  : verify(key->key, text, signature);
	return is_good ? OAUTH_SIGNATURE_GOOD : OAUTH_SIGNATURE_BAD;
}
