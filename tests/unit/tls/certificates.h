/* SPDX-License-Identifier: ISC */
/*
 * certificates - made for one test: by an issuer, for a name, for some days.
 */
#ifndef TESTS_TLS_CERTIFICATES_H
#define TESTS_TLS_CERTIFICATES_H

#include <openssl/x509v3.h>

#include "base/buffer.h"
#include "tls/certificate.h"

#define PEM_MAXIMUM_OCTETS 16384

struct certificate {
	X509 *x509;
	EVP_PKEY *key;
	struct buffer pem, key_pem;
};

struct certificate_wish {
	const struct certificate *issuer; /* NULL: itself */
	unsigned rsa_bits;		  /* 0: EC, P-256 */
	const char *hostname;		  /* as subjectAltName */
	bool is_ca;
	long from_days, to_days; /* of today */
	const char *pass_phrase; /* of the key; NULL: none */
};

void certificate_make(
	struct certificate *out, const struct certificate_wish *wish);
void certificate_release(struct certificate *certificate);

EVP_PKEY *key_of_pem(struct bytes pem);

#endif
