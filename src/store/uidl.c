/* SPDX-License-Identifier: ISC */
#include "store/uidl.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

static const char alphabet[33] = "0123456789abcdefghjkmnpqrstvwxyz";

/* Found once: by its name it takes libcrypto longer than the digest does. */
static EVP_MD *sha256;

static void
find_sha256(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
}

static bool
has_sha256(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_sha256);
	return sha256 != NULL;
}

bool
uidl_digest(struct bytes base_name, unsigned char out[UIDL_DIGEST_OCTETS])
{
	unsigned char whole[EVP_MAX_MD_SIZE];

	if (!has_sha256() || EVP_Digest(base_name.at, base_name.octets, whole,
				     NULL, sha256, NULL) != 1)
		return false;
	memcpy(out, whole, UIDL_DIGEST_OCTETS);
	return true;
}

/* What EVP calls a context; its memory serves each digest. */
struct uidl_digester *
uidl_digester_new(void)
{
	EVP_MD_CTX *context = has_sha256() ? EVP_MD_CTX_new() : NULL;

	if (context && EVP_DigestInit_ex2(context, sha256, NULL) != 1) {
		EVP_MD_CTX_free(context);
		context = NULL;
	}
	return (struct uidl_digester *)context;
}

bool
uidl_digester_take(struct uidl_digester *digester, struct bytes base_name,
	unsigned char out[UIDL_DIGEST_OCTETS])
{
	EVP_MD_CTX *context = (EVP_MD_CTX *)digester;
	unsigned char whole[EVP_MAX_MD_SIZE];

	if (EVP_DigestInit_ex2(context, NULL, NULL) != 1 ||
		EVP_DigestUpdate(context, base_name.at, base_name.octets) !=
			1 ||
		EVP_DigestFinal_ex(context, whole, NULL) != 1)
		return false;
	memcpy(out, whole, UIDL_DIGEST_OCTETS);
	return true;
}

void
uidl_digester_free(struct uidl_digester **digester)
{
	EVP_MD_CTX_free((EVP_MD_CTX *)*digester);
	*digester = NULL;
}

/* Five octets are eight characters. */
static void
print_five(const unsigned char octets[5], char out[8])
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < 5; i++)
		bits = bits << 8 | octets[i];
	for (unsigned i = 0; i < 8; i++)
		out[i] = alphabet[bits >> (35 - 5 * i) & 31];
}

void
uidl_print(const unsigned char digest[UIDL_DIGEST_OCTETS],
	char out[UIDL_OWN_OCTETS + 1])
{
	print_five(digest, out);
	print_five(digest + 5, out + 8);
	print_five(digest + 10, out + 16);
	out[24] = alphabet[digest[15] >> 3];
	out[25] = alphabet[digest[15] << 2 & 31];
	out[26] = '\0';
}

bool
uidl_has_own_alphabet(struct bytes text)
{
	for (size_t i = 0; i < text.octets; i++)
		if (text.at[i] == '\0' || !strchr(alphabet, text.at[i]))
			return false;
	return true;
}
