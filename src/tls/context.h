/* SPDX-License-Identifier: ISC */
/*
 * context - what the files of this folder share that see OpenSSL's TLS headers.
 * Nobody else includes it.
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include "tls/peer.h"
#include "tls/tls.h"

#include <openssl/ssl.h>

struct server_names;

/* What tls_speak_http has said, of a connection of tls.c. */
bool tls_is_http(const SSL *ssl);

struct tls_context {
	SSL_CTX *ctx; /* a server's: for who names nobody we know */
	bool is_server;
	struct server_names *names; /* a server's; `ctx` owns it */
	struct tls_pins pins;	    /* client */
};

/* `what`, with OpenSSL's reason if it has one. */
void tls_say(char error[TLS_ERROR_SIZE], const char *what);
/* A client's: says whose certificate it is instead. */
int tls_on_verify(int is_right, X509_STORE_CTX *store);
/* With what holds for both ends; NULL: memory. */
struct tls_context *tls_context_make(const SSL_METHOD *method, bool is_server);

/* ---- server_names.c: which certificate for which name (RFC 6066) ---- */

/* Hangs an empty table on `main`, which answers by it. NULL: memory. */
struct server_names *server_names_attach(SSL_CTX *main);
/* The set of the section [tls NAME]; NULL: there is none. */
SSL_CTX *server_names_section(struct server_names *names, const char *name);
/* Takes a reference of `ctx`. False: too many, or memory. */
bool server_names_add_section(
	struct server_names *names, const char *name, SSL_CTX *ctx);
/* The names that a certificate of `ctx` is for. False: as above. */
bool server_names_add_certificate(
	struct server_names *names, const X509 *certificate, SSL_CTX *ctx);
/* Calls `each` with the set of every section. */
void server_names_each(struct server_names *names,
	void (*each)(SSL_CTX *ctx, const void *context), const void *context);

/* ---- socket_bio.c ---- */

struct socket_hold {
	SSL *ssl;
	bool is_ending; /* nothing is waited for but the end of the stream */
};

/* Both directions; `hold` lives as long as `ssl`. False: no memory. */
bool socket_bio_use(SSL *ssl, int fd, struct socket_hold *hold);

/* ---- tickets.c ---- */

/* `count` keys, the first of which makes tickets. */
void tickets_use_keys(SSL_CTX *ctx,
	const unsigned char (*keys)[TLS_TICKET_KEY_OCTETS], size_t count);

#endif
