/* SPDX-License-Identifier: ISC */
#include "programs/restantectl/dns.h"
#include "base/file.h"
#include "tls/certificate.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>

#define PEM_MAXIMUM_OCTETS (1u << 20)

static bool
digest_key(X509 *certificate, unsigned char digest[EVP_MAX_MD_SIZE],
	unsigned *octets)
{
	unsigned char *key = NULL;
	int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key);
	bool is_good = length > 0 && EVP_Digest(key, (size_t)length, digest,
					     octets, EVP_sha256(), NULL) == 1;

	OPENSSL_free(key);
	return is_good;
}

static bool
write_record(struct bytes pem, char out[DNS_TLSA_SIZE])
{
	X509 *certificate = certificate_of_pem(pem);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned octets = 0;
	int used = snprintf(out, DNS_TLSA_SIZE, "3 1 1 ");
	bool is_good = certificate && digest_key(certificate, digest, &octets);

	X509_free(certificate);
	for (unsigned i = 0; i < octets && is_good; i++)
		used += snprintf(out + used, DNS_TLSA_SIZE - (size_t)used,
			"%02x", digest[i]);
	return is_good;
}

static void
first_file(const struct server_settings *settings, char out[PATH_MAX])
{
	struct bytes files = bytes_of_string(settings->certificate);

	if (files.octets == 0 ||
		!bytes_to_string(
			bytes_trim(bytes_cut(&files, ',')), out, PATH_MAX))
		snprintf(out, PATH_MAX, "%s/tls/certificate.pem",
			settings->state);
}

bool
dns_tlsa_of(const struct server_settings *settings, char out[DNS_TLSA_SIZE])
{
	char path[PATH_MAX];
	struct buffer pem;
	bool is_good;

	first_file(settings, path);
	buffer_init(&pem, PEM_MAXIMUM_OCTETS);
	is_good =
		file_read(path, &pem) && write_record(buffer_bytes(&pem), out);
	buffer_release(&pem);
	return is_good;
}
