/* SPDX-License-Identifier: ISC */
/*
 * client_certificate - who a client's certificate says that it is. Whether that
 * is to be believed TLS has found out.
 */
#ifndef TLS_CLIENT_CERTIFICATE_H
#define TLS_CLIENT_CERTIFICATE_H

#include "base/bytes.h"

#include <openssl/types.h>

#define CLIENT_FINGERPRINT_OCTETS 32
#define CLIENT_SUBJECT_SIZE	  504 /* with its NUL, as below */
#define CLIENT_NAME_SIZE	  255

/* What it does not carry, or not in a form that fits, is "": nothing is cut,
   since two that are not the same must not become it. */
struct client_certificate {
	unsigned char fingerprint[CLIENT_FINGERPRINT_OCTETS]; /* SHA-256 */
	char subject[CLIENT_SUBJECT_SIZE];		      /* RFC 4514 */
	/* The first rfc822Name of subjectAltName. */
	char email[CLIENT_NAME_SIZE];
	/* Of the subject, when it has just one. */
	char common_name[CLIENT_NAME_SIZE];
};

/* False: OpenSSL fails. */
bool client_certificate_read(
	const X509 *certificate, struct client_certificate *out);
/* Is it its time? */
bool client_certificate_is_current(const X509 *certificate);

#endif
