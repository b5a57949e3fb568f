/* SPDX-License-Identifier: ISC */
/*
 * odd - an OpenSSL end that is whatever it is told to be, as others' are.
 */
#ifndef TESTS_TLS_ODD_H
#define TESTS_TLS_ODD_H

#include <openssl/ssl.h>

#include "tls/tls.h"

/* The other side: whatever it is told to be. */
struct odd {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
	int returned;
};

struct offer {
	int version;	     /* the only one; 0: any */
	const char *ciphers; /* of TLS 1.2 and older; NULL: all */
	const char *alpn;    /* as on the wire; NULL: none */
	const char *name;    /* SNI; NULL: none */
	const char *sigalgs; /* NULL: OpenSSL's */
};

/* `fd` is set; odd_close closes it. */
void odd_open(
	struct odd *odd, const SSL_METHOD *method, const struct offer *offer);
void odd_close(struct odd *odd);
/* Both as far as it goes; what ours says at the end. */
enum tls_result odd_meet(struct tls *ours, struct odd *odd);

#endif
