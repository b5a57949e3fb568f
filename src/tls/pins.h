/* SPDX-License-Identifier: ISC */
/*
 * pins - the public keys that a server may have, as people write them:
 * "sha256//BASE64, sha256//BASE64", SHA-256 of the SubjectPublicKeyInfo. One of
 * the verified chain must be among them. Source: RFC 7469 section 2.4.
 */
#ifndef TLS_PINS_H
#define TLS_PINS_H

#include "base/bytes.h"

#define TLS_PINS_MAXIMUM  8
#define TLS_PIN_OCTETS	  32
#define TLS_PIN_TEXT_SIZE 56 /* "sha256//", 44 of base64, NUL */

struct tls_pins {
	size_t count; /* 0: any key will do */
	unsigned char digests[TLS_PINS_MAXIMUM][TLS_PIN_OCTETS];
};

/* "" gives none. False: it is no list of pins; *out is untouched. */
bool tls_pins_parse(const char *text, struct tls_pins *out);
bool tls_pins_have(const struct tls_pins *pins,
	const unsigned char digest[TLS_PIN_OCTETS]);
const char *tls_pin_text(const unsigned char digest[TLS_PIN_OCTETS],
	char out[TLS_PIN_TEXT_SIZE]);

#endif
