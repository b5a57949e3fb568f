/* SPDX-License-Identifier: ISC */
/*
 * peers - a server and a client in one process over a socketpair, and what
 * both trust: a self-signed certificate for HOSTNAME.
 */
#ifndef TESTS_TLS_PEERS_H
#define TESTS_TLS_PEERS_H

#include "../check.h"

#include "base/buffer.h"
#include "tls/tls.h"

#define HOSTNAME "mail.example.org"

struct trust {
	struct buffer certificate, key; /* PEM */
	struct tls_context *server, *client;
};

struct peers {
	int server_fd, client_fd;
	struct tls *server, *client;
	enum tls_result server_result, client_result; /* of the handshake */
};

/* Once for a program: cmocka's group setup and teardown; SIGPIPE ignored. */
int trust_open(void **state);
int trust_close(void **state);
extern struct trust trust;

/* A file with these octets; `out` gets its path. unlink it. */
void write_temporary(struct bytes octets, char out[64]);
struct tls_context *server_context(struct bytes certificate, struct bytes key);
/* Trusts what `pem` holds. */
struct tls_context *client_context(struct bytes pem);

/* NULL: those of `trust`. Runs the handshake as far as it goes. */
void peers_open(struct peers *peers, struct tls_context *server,
	struct tls_context *client, const char *hostname);
/* As peers_open, failing the test when a handshake fails. */
void peers_meet(struct peers *peers);
void peers_close(struct peers *peers);

/* Both ends of a socketpair, non-blocking. */
void open_sockets(int *out_one, int *out_other);

#endif
