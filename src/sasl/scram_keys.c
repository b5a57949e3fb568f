/* SPDX-License-Identifier: ISC */
#include "sasl/scram_keys.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

static const EVP_MD *
evp_of(enum scram_digest digest)
{
	return digest == SCRAM_SHA_1 ? EVP_sha1() : EVP_sha256();
}

size_t
scram_key_octets(enum scram_digest digest)
{
	return digest == SCRAM_SHA_1 ? 20 : 32;
}

/* RFC 5802 section 3: H(text). */
static bool
hash(enum scram_digest digest, const unsigned char *text, unsigned char *out)
{
	return EVP_Digest(text, scram_key_octets(digest), out, NULL,
		       evp_of(digest), NULL) == 1;
}

bool
scram_sign(enum scram_digest digest, const unsigned char *key,
	struct bytes message, unsigned char out[SCRAM_KEY_MAXIMUM_OCTETS])
{
	return HMAC(evp_of(digest), key, (int)scram_key_octets(digest),
		       message.at, message.octets, out, NULL) != NULL;
}

/* ---- deriving ---- */

/* Hi(password, salt, iterations) */
static bool
salt_password(enum scram_digest digest, struct bytes password,
	struct bytes salt, uint32_t iterations, unsigned char *out)
{
	if (iterations == 0 || iterations > INT_MAX ||
		password.octets > INT_MAX || salt.octets > INT_MAX)
		return false;
	return PKCS5_PBKDF2_HMAC((const char *)password.at,
		       (int)password.octets, salt.at, (int)salt.octets,
		       (int)iterations, evp_of(digest),
		       (int)scram_key_octets(digest), out) == 1;
}

bool
scram_client_keys_derive(enum scram_digest digest, struct bytes password,
	struct bytes salt, uint32_t iterations, struct scram_client_keys *out)
{
	unsigned char salted[SCRAM_KEY_MAXIMUM_OCTETS];
	struct scram_client_keys made = {0};
	bool is_made =
		salt_password(digest, password, salt, iterations, salted) &&
		scram_sign(digest, salted, bytes_of_string("Client Key"),
			made.client_key) &&
		hash(digest, made.client_key, made.stored_key) &&
		scram_sign(digest, salted, bytes_of_string("Server Key"),
			made.server_key);

	if (is_made)
		*out = made;
	OPENSSL_cleanse(salted, sizeof(salted));
	OPENSSL_cleanse(&made, sizeof(made));
	return is_made;
}

bool
scram_keys_derive(enum scram_digest digest, struct bytes password,
	struct bytes salt, uint32_t iterations, struct scram_keys *out)
{
	struct scram_client_keys made;

	if (salt.octets == 0 || salt.octets > SCRAM_SALT_MAXIMUM_OCTETS ||
		!scram_client_keys_derive(
			digest, password, salt, iterations, &made))
		return false;
	*out = (struct scram_keys){
		.iterations = iterations, .salt_octets = (uint8_t)salt.octets};
	memcpy(out->salt, salt.at, salt.octets);
	memcpy(out->stored_key, made.stored_key, sizeof(out->stored_key));
	memcpy(out->server_key, made.server_key, sizeof(out->server_key));
	OPENSSL_cleanse(&made, sizeof(made));
	return true;
}

/* ---- proving ---- */

bool
scram_prove(enum scram_digest digest, const unsigned char *stored_key,
	struct bytes message, const unsigned char *key_or_proof,
	unsigned char out[SCRAM_KEY_MAXIMUM_OCTETS])
{
	unsigned char signature[SCRAM_KEY_MAXIMUM_OCTETS];

	if (!scram_sign(digest, stored_key, message, signature))
		return false;
	for (size_t i = 0; i < scram_key_octets(digest); i++)
		out[i] = key_or_proof[i] ^ signature[i];
	return true;
}

bool
scram_proof_is_right(enum scram_digest digest, const struct scram_keys *keys,
	struct bytes message, const unsigned char *proof)
{
	unsigned char client_key[SCRAM_KEY_MAXIMUM_OCTETS];
	unsigned char stored_key[SCRAM_KEY_MAXIMUM_OCTETS];
	bool is_right = scram_prove(digest, keys->stored_key, message, proof,
				client_key) &&
			hash(digest, client_key, stored_key) &&
			CRYPTO_memcmp(stored_key, keys->stored_key,
				scram_key_octets(digest)) == 0;

	OPENSSL_cleanse(client_key, sizeof(client_key));
	return is_right;
}
