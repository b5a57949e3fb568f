/* SPDX-License-Identifier: ISC */
/*
 * tls - TLS 1.2 and 1.3 on a non-blocking socket. This folder alone sees OpenSSL's
 * TLS headers.
 *
 * Server: forward-secret AEAD ciphers only, ALPN "pop3" or none, SNI, session
 * tickets, no renegotiation, no compression, buffers released when idle; kTLS for sending
 * when kernel and OpenSSL have it (probed). Client: always verifies the chain
 * and the host name, sends SNI.
 * Source: RFC 8314, 9325, 2595.
 */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include "base/bytes.h"
#include "base/outcome.h"
#include "tls/pins.h"

#define TLS_ERROR_SIZE		384
#define TLS_TICKET_KEY_OCTETS	48
#define TLS_TICKET_KEYS_MAXIMUM 3

struct tls_context;
struct tls;
struct tls_peer;	   /* tls/peer.h */
struct tls_signer;	   /* tls/signing_key.h */
struct client_certificate; /* tls/client_certificate.h */

enum tls_result {
	TLS_DONE,
	TLS_WANT_READ,	/* call again when the socket is readable */
	TLS_WANT_WRITE, /* call again when the socket is writable */
	TLS_CLOSED,	/* the peer closed (read only) */
	TLS_FAILED,	/* tls_error says why */
};

/* A certificate with its key, or with somebody who signs instead. */
struct tls_pair {
	/*
	 * Who is asked for (SNI): this name, or one that the certificate is
	 * for. "": that, and everybody else.
	 */
	const char *name;
	struct bytes certificate;	 /* PEM, leaf first, then chain */
	struct bytes key;		 /* PEM; or... */
	const struct tls_signer *signer; /* borrowed for the context's life and
					    that of its connections */
};

/* first->name is "". error for people, without a file's name. */
enum outcome tls_server_context_new(const struct tls_pair *first,
	struct tls_context **out, char error[TLS_ERROR_SIZE]);
/* One more: of each name one with an EC key and one with an RSA key. A context
   to which one could not be added serves those before it. */
enum outcome tls_context_add(struct tls_context *context,
	const struct tls_pair *pair, char error[TLS_ERROR_SIZE]);
/*
 * Random octets shared by all session processes, so that a ticket of one is
 * good in another. keys[0] makes tickets, all of them open them. After the last
 * certificate was added; may be called again.
 */
void tls_context_set_ticket_keys(struct tls_context *context,
	const unsigned char (*keys)[TLS_TICKET_KEY_OCTETS], size_t count);
/*
 * Asks clients for a certificate that one of those in `pem` (or whom they
 * certify) has issued. After the last certificate was added. ERR_BROKEN: there is
 * none in it, or a damaged one.
 */
enum outcome tls_context_ask_clients(struct tls_context *context,
	struct bytes pem, bool is_required, char error[TLS_ERROR_SIZE]);
/* Could it be asked so? */
enum outcome tls_client_trust_check(
	struct bytes pem, char error[TLS_ERROR_SIZE]);
/* ca_file NULL: the system's trusted certificates. */
enum outcome tls_client_context_new(const char *ca_file,
	struct tls_context **out, char error[TLS_ERROR_SIZE]);
/* Copied: connections made from now on want one of these keys too. */
void tls_context_set_pins(
	struct tls_context *context, const struct tls_pins *pins);
/*
 * Shown to a server that asks for one (EXTERNAL). Both are files of PEM; a key
 * with a pass phrase is refused. error for people.
 */
enum outcome tls_context_set_certificate(struct tls_context *context,
	const char *certificate_file, const char *key_file,
	char error[TLS_ERROR_SIZE]);
/* A client's that believes everything: to look at what a server shows, never
   for what is secret. NULL: memory. */
struct tls_context *tls_probe_context_new(void);
void tls_context_free(struct tls_context **context);

/* fd is borrowed. NULL: memory. The context may be freed before. */
struct tls *tls_accept(struct tls_context *context, int fd);
/*
 * Before the handshake of an accepted one: it is HTTP/1.1 and not POP3, by ALPN.
 * No client is asked for a certificate, and no ticket is given, so that none of
 * this session is good where a certificate is wanted.
 */
void tls_speak_http(struct tls *tls);
struct tls *tls_connect(
	struct tls_context *context, int fd, const char *hostname);
void tls_free(struct tls **tls);

enum tls_result tls_handshake(struct tls *tls);
/* At most `room`; TLS_DONE with *out_octets > 0. */
enum tls_result tls_read(
	struct tls *tls, unsigned char *to, size_t room, size_t *out_octets);
/*
 * May take part of it: TLS_DONE with *out_octets > 0. After TLS_WANT_... the
 * next call must begin with the same octets; there may be more behind them.
 */
enum tls_result tls_write(
	struct tls *tls, struct bytes from, size_t *out_octets);
/* True when the kernel encrypts: tls_sendfile works. */
bool tls_has_sendfile(const struct tls *tls);
enum tls_result tls_sendfile(struct tls *tls, int fd, uint64_t offset,
	size_t octets, size_t *out_octets);
/* Octets decrypted and not read yet: poll will not report them. */
size_t tls_pending(const struct tls *tls);
/* The same, or octets read ahead: tls_read may have something. */
bool tls_has_more(const struct tls *tls);
/* A server's: what is written from now on, also by tls_shutdown, may wait for
   the shutdown(2) that is to follow at once: one segment instead of three. */
void tls_hold_back(struct tls *tls);
/* Sends close_notify once; does not wait for the peer's. */
void tls_shutdown(struct tls *tls);

/* "TLSv1.3/TLS_AES_128_GCM_SHA256"; after the handshake. */
const char *tls_description(const struct tls *tls);
/* Of the server, also when it was refused; false: it showed none. */
bool tls_peer_certificate(const struct tls *tls, struct tls_peer *out);
/* As peer_is_for. */
bool tls_peer_is_for(const struct tls *tls, const char *domain);
/* SHA-256 of the certificate that the other side showed. False: none. */
bool tls_peer_id(const struct tls *tls, unsigned char out[32]);
/* Of the last TLS_FAILED, for people. */
const char *tls_error(const struct tls *tls);
/*
 * What a SASL login can be bound to. RFC 9266 tls-exporter: from TLS 1.3 on. RFC
 * 5929 tls-unique: TLS 1.2 with the extended master secret alone (RFC 7627),
 * since without it two connections can have the same. False, 0: not to be had.
 */
#define TLS_EXPORTER_OCTETS	  32
#define TLS_UNIQUE_MAXIMUM_OCTETS 64
bool tls_exporter(struct tls *tls, unsigned char out[TLS_EXPORTER_OCTETS]);
size_t tls_unique(
	const struct tls *tls, unsigned char out[TLS_UNIQUE_MAXIMUM_OCTETS]);
/* One of the two can be had. */
bool tls_can_bind(const struct tls *tls);
/*
 * What the client's certificate says. False: it showed none, or one that is not
 * to be believed or whose time is over, and then *out_why (unless NULL) is a
 * constant text, else NULL.
 */
bool tls_client_certificate(const struct tls *tls,
	struct client_certificate *out, const char **out_why);

#endif
