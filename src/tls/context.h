/* SPDX-License-Identifier: ISC */
/*
 * context - what tls.c and context.c share: these two see OpenSSL's TLS headers.
 * Nobody else includes it.
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include "tls/tls.h"

#include <openssl/ssl.h>

struct tls_context {
	SSL_CTX *ctx;
	bool is_server;
};

/* `what`, with OpenSSL's reason if it has one. */
void tls_say(char error[TLS_ERROR_SIZE], const char *what);
/* A client's: says whose certificate it is instead. */
int tls_on_verify(int is_right, X509_STORE_CTX *store);

#endif
