/* SPDX-License-Identifier: ISC */
/*
 * peer - what people want to know of a server's certificate: its names,
 * how long it is good, who made it, its key.
 */
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include "tls/pins.h"

#include <openssl/x509.h>

#define TLS_NAMES_SIZE	256
#define TLS_ISSUER_SIZE 128

/* Texts are printable ASCII, cut where they do not fit. */
struct tls_peer {
	char names[TLS_NAMES_SIZE]; /* "a.example, b.example" */
	char issuer[TLS_ISSUER_SIZE];
	int64_t good_until_seconds; /* since 1970 */
	char pin[TLS_PIN_TEXT_SIZE];
};

void peer_describe(X509 *certificate, struct tls_peer *out);
/* DNS names alone, with ", " between. */
void peer_list_names(X509 *certificate, char *out, size_t size);
bool peer_pin(X509 *certificate, unsigned char out[TLS_PIN_OCTETS]);
/*
 * Is it for the POP3 service of the mail domain: by the domain's own name or by
 * the service's name? Source: RFC 7817 section 3, RFC 4985.
 */
bool peer_is_for(X509 *certificate, const char *domain);

#endif
