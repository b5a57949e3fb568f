/* SPDX-License-Identifier: ISC */
/*
 * sasl_client - one SASL exchange on the client's side: challenge and response,
 * without I/O, clock or randomness.
 *
 *	name = sasl_client_choose(offered, &setup);
 *	client = sasl_client_new(bytes_of_string(name), offered, &setup);
 *	sasl_client_step(client, false, BYTES_NONE, &response);
 *
 * gives the initial response, to be sent with AUTH or, when that would make the
 * line too long, after an empty challenge. Then each challenge is fed and its
 * answer sent. After the server's success sasl_client_may_trust is asked: a
 * mechanism that proves the server must have done so.
 *
 * Source: RFC 4422, 4616 (PLAIN), 5802 and 7677 (SCRAM), 7628 (OAUTHBEARER),
 * 9266 and 5929 (what is bound to).
 */
#ifndef SASL_CLIENT_H
#define SASL_CLIENT_H

#include "base/buffer.h"

/* A response: a token may be long. */
#define SASL_CLIENT_RESPONSE_MAXIMUM_OCTETS 65536
#define SASL_CLIENT_ERROR_SIZE		    256
/* More than that, and a server could keep us computing: half a second. */
#define SASL_CLIENT_ITERATIONS_MAXIMUM 1000000

/* Who logs in, with what, over which connection. Borrowed until _free. */
struct sasl_client_setup {
	struct bytes authcid;
	struct bytes authzid;  /* empty: whoever authcid is */
	struct bytes password; /* empty: none */
	struct bytes token;    /* OAuth 2.0 access token; empty: none */
	/* Nobody else reads the connection: it is TLS with a certificate that
	   was checked, or does not leave this machine. Passwords and tokens
	   are never sent without. */
	bool is_private;
	bool has_certificate; /* TLS showed one of ours */
	/* To bind to; empty: not to be had. */
	struct bytes tls_exporter, tls_unique;
	/* Printable ASCII without a comma, never the same again: base64 of 18
	   random octets is right. */
	struct bytes nonce;
	/* Where it goes, for OAUTHBEARER. */
	struct bytes host;
	uint16_t port;
};

/*
 * The strongest mechanism that is offered and that can be used: one that binds
 * to TLS before one that does not, and a password in clear last. A token, if
 * there is one, is used and nothing else. NULL: none.
 *
 * offered  names divided by blanks, as behind SASL in CAPA
 */
const char *sasl_client_choose(
	struct bytes offered, const struct sasl_client_setup *setup);

struct sasl_client;

/* NULL: no such mechanism, it cannot be used with what there is, or memory is
   short. `offered` as above: SCRAM tells the server what we were told. */
struct sasl_client *sasl_client_new(struct bytes mechanism,
	struct bytes offered, const struct sasl_client_setup *setup);
void sasl_client_free(struct sasl_client **client);

enum sasl_client_step {
	SASL_CLIENT_SEND,   /* `response` */
	SASL_CLIENT_WAIT,   /* there is no initial response */
	SASL_CLIENT_FAILED, /* cancel; sasl_client_error says why */
};
/* The first time without a challenge. `response` is emptied first. */
enum sasl_client_step sasl_client_step(struct sasl_client *client,
	bool has_challenge, struct bytes challenge, struct buffer *response);

/* The server says that we are in. False: it has not shown that it is the one
   that knows our password. */
bool sasl_client_may_trust(const struct sasl_client *client);
/* Why it failed, or what the server gave as its reason (printable ASCII, its
   own words); "" when nothing is known. */
const char *sasl_client_error(const struct sasl_client *client);

#endif
