/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "signer.h"
#include "base/base64.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

EVP_PKEY *
signer_rsa(unsigned bits)
{
	return EVP_RSA_gen(bits);
}

EVP_PKEY *
signer_ec(const char *curve)
{
	return EVP_EC_gen(curve);
}

void
signer_encode(struct bytes in, struct buffer *out)
{
	struct buffer standard;
	struct bytes text;

	buffer_init(&standard, 2 * in.octets + 8);
	assert_true(base64_encode(in, &standard));
	text = buffer_bytes(&standard);
	for (size_t i = 0; i < text.octets && text.at[i] != '='; i++)
		assert_true(buffer_append(out,
			text.at[i] == '+'   ? "-"
			: text.at[i] == '/' ? "_"
					    : (const char *)&text.at[i],
			1));
	buffer_release(&standard);
}

/* ---- keys ---- */

static void
put_number(EVP_PKEY *key, const char *parameter, const char *name,
	size_t octets, struct buffer *out)
{
	unsigned char bytes[1024];
	BIGNUM *number = NULL;
	int length;

	assert_int_equal(EVP_PKEY_get_bn_param(key, parameter, &number), 1);
	length = octets ? (int)octets : BN_num_bytes(number);
	assert_int_equal(BN_bn2binpad(number, bytes, length), length);
	buffer_printf(out, ",\"%s\":\"", name);
	signer_encode(bytes_of(bytes, (size_t)length), out);
	buffer_append_string(out, "\"");
	BN_free(number);
}

void
signer_jwk(EVP_PKEY *key, const char *id, const char *more, struct buffer *out)
{
	bool is_rsa = EVP_PKEY_is_a(key, "RSA");
	size_t octets = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;

	buffer_printf(out, "{\"kty\":\"%s\"", is_rsa ? "RSA" : "EC");
	if (id)
		buffer_printf(out, ",\"kid\":\"%s\"", id);
	if (is_rsa) {
		put_number(key, OSSL_PKEY_PARAM_RSA_N, "n", 0, out);
		put_number(key, OSSL_PKEY_PARAM_RSA_E, "e", 0, out);
	} else {
		buffer_printf(out, ",\"crv\":\"%s\"",
			octets == 32 ? "P-256" : "P-384");
		put_number(key, OSSL_PKEY_PARAM_EC_PUB_X, "x", octets, out);
		put_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, "y", octets, out);
	}
	assert_true(buffer_printf(out, "%s}", more));
}

/* ---- signatures ---- */

static void
put_pair(struct bytes der, struct buffer *out)
{
	const unsigned char *at = der.at;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der.octets);
	unsigned char raw[64];

	assert_non_null(pair);
	BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32);
	signer_encode(bytes_of(raw, sizeof(raw)), out);
	ECDSA_SIG_free(pair);
}

void
signer_sign(EVP_PKEY *key, const char *header, const char *claims, bool is_der,
	struct buffer *out)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char signature[1024];
	size_t octets = sizeof(signature), start = out->octets;
	struct bytes text;

	signer_encode(bytes_of_string(header), out);
	buffer_append_string(out, ".");
	signer_encode(bytes_of_string(claims), out);
	text = bytes_after(buffer_bytes(out), start);
	assert_int_equal(
		EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(context, signature, &octets, text.at,
				 text.octets),
		1);
	EVP_MD_CTX_free(context);
	buffer_append_string(out, ".");
	if (EVP_PKEY_is_a(key, "EC") && !is_der)
		put_pair(bytes_of(signature, octets), out);
	else
		signer_encode(bytes_of(signature, octets), out);
}
