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

bool
uidl_digest(struct bytes base_name, unsigned char out[UIDL_DIGEST_OCTETS])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	unsigned char whole[EVP_MAX_MD_SIZE];

	pthread_once(&once, find_sha256);
	if (!sha256 || EVP_Digest(base_name.at, base_name.octets, whole, NULL,
			       sha256, NULL) != 1)
		return false;
	memcpy(out, whole, UIDL_DIGEST_OCTETS);
	return true;
}

void
uidl_print(const unsigned char digest[UIDL_DIGEST_OCTETS],
	char out[UIDL_OWN_OCTETS + 1])
{
	unsigned bits = 0, held = 0;
	size_t at = 0;

	for (unsigned i = 0; i < UIDL_DIGEST_OCTETS; i++) {
		bits = bits << 8 | digest[i];
		held += 8;
		while (held >= 5) {
			held -= 5;
			out[at++] = alphabet[bits >> held & 31];
		}
		bits &= (1u << held) - 1;
	}
	out[at++] = alphabet[bits << (5 - held) & 31];
	out[at] = '\0';
}

bool
uidl_has_own_alphabet(struct bytes text)
{
	for (size_t i = 0; i < text.octets; i++)
		if (text.at[i] == '\0' || !strchr(alphabet, text.at[i]))
			return false;
	return true;
}
