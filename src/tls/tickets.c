/* SPDX-License-Identifier: ISC */
/*
 * Session tickets that another process opens, and that the keys before the
 * present ones open too. AES-256-CBC and HMAC-SHA-256, as RFC 5077 section 4
 * has it.
 */
#include "tls/context.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>

#define NAME_OCTETS   16
#define SECRET_OCTETS 32

struct ticket_key {
	unsigned char name[NAME_OCTETS], mac[SECRET_OCTETS];
	unsigned char cipher[SECRET_OCTETS];
};

struct ticket_keys {
	struct ticket_key keys[TLS_TICKET_KEYS_MAXIMUM];
	size_t count;
};

static void
free_keys(void *parent, void *keys, CRYPTO_EX_DATA *data, int index, long argl,
	void *argp)
{
	OPENSSL_clear_free(keys, sizeof(struct ticket_keys));
}

static int
keys_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(
			0, NULL, NULL, NULL, free_keys);
	return index;
}

static bool
use(const struct ticket_key *key, const unsigned char *iv,
	EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_new)
{
	char digest[] = "SHA256";
	unsigned char secret[SECRET_OCTETS];
	OSSL_PARAM params[3];
	bool is_set;

	memcpy(secret, key->mac, sizeof(secret));
	params[0] = OSSL_PARAM_construct_octet_string(
		OSSL_MAC_PARAM_KEY, secret, sizeof(secret));
	params[1] = OSSL_PARAM_construct_utf8_string(
		OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[2] = OSSL_PARAM_construct_end();
	is_set = EVP_MAC_CTX_set_params(mac, params) == 1 &&
		 EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher,
			 iv, is_new) == 1;
	OPENSSL_cleanse(secret, sizeof(secret));
	return is_set;
}

/* OpenSSL's answers: -1 failed, 0 a full handshake, 1 good, 2 good and a new
   ticket is due. */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
	EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_new)
{
	const struct ticket_keys *keys =
		SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index());
	size_t i = 0;

	if (!keys)
		return 0;
	if (is_new) {
		if (RAND_bytes(iv,
			    EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
			return -1;
		memcpy(name, keys->keys[0].name, NAME_OCTETS);
	} else {
		while (i < keys->count &&
			memcmp(name, keys->keys[i].name, NAME_OCTETS) != 0)
			i++;
		if (i == keys->count)
			return 0;
	}
	if (!use(&keys->keys[i], iv, cipher, mac, is_new))
		return -1;
	return i == 0 ? 1 : 2;
}

/* One secret of 48 octets to a name and two keys. */
static void
spread(const unsigned char secret[TLS_TICKET_KEY_OCTETS],
	struct ticket_key *out)
{
	unsigned octets = SECRET_OCTETS;

	memcpy(out->name, secret, NAME_OCTETS);
	memcpy(out->mac, secret + NAME_OCTETS, SECRET_OCTETS);
	EVP_Digest(secret, TLS_TICKET_KEY_OCTETS, out->cipher, &octets,
		EVP_sha256(), NULL);
}

void
tickets_use_keys(SSL_CTX *ctx,
	const unsigned char (*keys)[TLS_TICKET_KEY_OCTETS], size_t count)
{
	struct ticket_keys *old = SSL_CTX_get_ex_data(ctx, keys_index());
	struct ticket_keys *fresh = OPENSSL_zalloc(sizeof(*fresh));

	for (size_t i = 0; fresh && i < count && i < TLS_TICKET_KEYS_MAXIMUM;
		i++)
		spread(keys[i], &fresh->keys[fresh->count++]);
	/* Without keys of ours nobody may fall back to OpenSSL's own, which
	   last as long as the process. */
	if (!fresh || SSL_CTX_set_ex_data(ctx, keys_index(), fresh) != 1) {
		OPENSSL_clear_free(fresh, sizeof(*fresh));
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
		return;
	}
	OPENSSL_clear_free(old, sizeof(*old));
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
	ERR_clear_error();
}
