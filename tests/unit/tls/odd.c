/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include <stdio.h>
#include <unistd.h>

#include "odd.h"

#define TURNS_MOST 100

void
odd_open(struct odd *odd, const SSL_METHOD *method, const struct offer *offer)
{
	/* Their macros cast away that a text does not change. */
	char name[256], sigalgs[256];

	odd->ctx = SSL_CTX_new(method);
	assert_non_null(odd->ctx);
	/* Or OpenSSL itself would refuse what we want to see refused. */
	SSL_CTX_set_security_level(odd->ctx, 0);
	SSL_CTX_set_min_proto_version(odd->ctx, offer->version);
	SSL_CTX_set_max_proto_version(odd->ctx, offer->version);
	assert_int_equal(SSL_CTX_set_cipher_list(odd->ctx,
				 offer->ciphers ? offer->ciphers : "ALL"),
		1);
	if (offer->alpn)
		SSL_CTX_set_alpn_protos(odd->ctx,
			(const unsigned char *)offer->alpn,
			(unsigned)strlen(offer->alpn));
	if (offer->sigalgs) {
		snprintf(sigalgs, sizeof(sigalgs), "%s", offer->sigalgs);
		assert_int_equal(
			SSL_CTX_set1_sigalgs_list(odd->ctx, sigalgs), 1);
	}
	odd->ssl = SSL_new(odd->ctx);
	if (offer->name) {
		snprintf(name, sizeof(name), "%s", offer->name);
		SSL_set_tlsext_host_name(odd->ssl, name);
	}
	SSL_set_fd(odd->ssl, odd->fd);
	odd->returned = -1;
}

void
odd_close(struct odd *odd)
{
	SSL_free(odd->ssl);
	SSL_CTX_free(odd->ctx);
	close(odd->fd);
}

enum tls_result
odd_meet(struct tls *ours, struct odd *odd)
{
	enum tls_result result = TLS_WANT_READ;

	for (int i = 0; i < TURNS_MOST; i++) {
		if (odd->returned != 1)
			odd->returned = SSL_do_handshake(odd->ssl);
		if (result == TLS_WANT_READ || result == TLS_WANT_WRITE)
			result = tls_handshake(ours);
	}
	return result;
}
