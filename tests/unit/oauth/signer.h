/* SPDX-License-Identifier: ISC */
/*
 * signer - keys made for a test, and tokens signed by them, right or wrong as
 * the test wants them.
 */
#ifndef TESTS_OAUTH_SIGNER_H
#define TESTS_OAUTH_SIGNER_H

#include "base/buffer.h"

#include <openssl/evp.h>

/* "RS256" with 2,048 bits or "ES256"; freed by EVP_PKEY_free. */
EVP_PKEY *signer_rsa(unsigned bits);
EVP_PKEY *signer_ec(const char *curve);

/* Appends the key as a member of "keys"; more is put behind its own members:
   ",\"use\":\"sig\"". */
void signer_jwk(
	EVP_PKEY *key, const char *id, const char *more, struct buffer *out);

/* base64url */
void signer_encode(struct bytes in, struct buffer *out);
/* Appends header, dot, claims, dot and the signature of it by `key`; for EC as
   JOSE has it, or in DER. */
void signer_sign(EVP_PKEY *key, const char *header, const char *claims,
	bool is_der, struct buffer *out);

#endif
