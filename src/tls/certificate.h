/* SPDX-License-Identifier: ISC */
/*
 * certificate - what a PEM of certificates, the leaf first, says of itself.
 * No I/O but in certificate_chain, which reads the system's store.
 * Source: RFC 5280, RFC 9525 (names are those of subjectAltName alone).
 */
#ifndef TLS_CERTIFICATE_H
#define TLS_CERTIFICATE_H

#include "base/bytes.h"
#include "base/outcome.h"

#include <openssl/types.h>

#define CERTIFICATE_ERROR_SIZE 256
#define CERTIFICATE_NAMES_SIZE 512
#define CERTIFICATE_ID_OCTETS  32

struct certificate_info {
	/* "mail.example.org, *.example.org"; "..." behind it: there are more.
	   What is not printable is "?". */
	char names[CERTIFICATE_NAMES_SIZE];
	char kind[32];				 /* "EC P-256", "RSA 2048" */
	uint64_t from_seconds, until_seconds;	 /* since 1970 */
	unsigned certificates;			 /* in the PEM */
	unsigned char id[CERTIFICATE_ID_OCTETS]; /* SHA-256 of the leaf */
};

/* ERR_BROKEN: the first block is no certificate, or its key is neither EC nor
   RSA. */
enum outcome certificate_describe(struct bytes pem,
	struct certificate_info *out, char error[CERTIFICATE_ERROR_SIZE]);
/* With wildcards for one label; `host` may be an address. */
bool certificate_covers(struct bytes pem, const char *host);
bool certificate_fits_key(struct bytes pem, struct bytes key);
/* Days from now on; negative: it is over. */
long certificate_days_left(
	const struct certificate_info *info, uint64_t now_seconds);

enum certificate_chain {
	CHAIN_TRUSTED,
	CHAIN_SELF_SIGNED,  /* nobody else says who it is */
	CHAIN_INCOMPLETE,   /* a certificate in between is missing */
	CHAIN_UNKNOWN_ROOT, /* whole, to a root that is not trusted here */
	CHAIN_BROKEN,	    /* `why` */
};
/* As a client with the system's trusted certificates sees it. A time that is
   over is not its business. */
enum certificate_chain certificate_chain(
	struct bytes pem, char why[CERTIFICATE_ERROR_SIZE]);

/* Calls `each` with every DNS name; one with a NUL in it is none. */
void certificate_each_name(const X509 *certificate,
	void (*each)(const char *name, void *context), void *context);
/* The first certificate of a PEM, X509_free it; NULL: there is none. */
X509 *certificate_of_pem(struct bytes pem);

#endif
