/* SPDX-License-Identifier: ISC */
/* OpenSSL's functions that SCRAM stands on, led through tests/unit/base/scarce. */
#include "../base/scarce.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

typeof(EVP_Digest) __real_EVP_Digest, __wrap_EVP_Digest;
typeof(HMAC) __real_HMAC, __wrap_HMAC;
typeof(PKCS5_PBKDF2_HMAC) __real_PKCS5_PBKDF2_HMAC, __wrap_PKCS5_PBKDF2_HMAC;

int
__wrap_EVP_Digest(const void *data, size_t count, unsigned char *md,
	unsigned int *size, const EVP_MD *type, ENGINE *engine)
{
	if (scarce_fails())
		return 0;
	return __real_EVP_Digest(data, count, md, size, type, engine);
}

unsigned char *
__wrap_HMAC(const EVP_MD *type, const void *key, int key_octets,
	const unsigned char *data, size_t octets, unsigned char *md,
	unsigned int *size)
{
	if (scarce_fails())
		return NULL;
	return __real_HMAC(type, key, key_octets, data, octets, md, size);
}

int
__wrap_PKCS5_PBKDF2_HMAC(const char *password, int password_octets,
	const unsigned char *salt, int salt_octets, int iterations,
	const EVP_MD *type, int octets, unsigned char *out)
{
	if (scarce_fails())
		return 0;
	return __real_PKCS5_PBKDF2_HMAC(password, password_octets, salt,
		salt_octets, iterations, type, octets, out);
}
