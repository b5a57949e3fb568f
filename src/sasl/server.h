/* SPDX-License-Identifier: ISC */
/*
 * sasl_server - one SASL exchange on the server's side: challenge and response,
 * without I/O, clock or randomness. A mechanism ends by naming who is claimed and
 * what proves it; whom that lets in is the owner's business.
 *
 * Source: RFC 4422, 4616 (PLAIN), 7628 (OAUTHBEARER), 5034 (framing), 5802 and 7677 (SCRAM), 9266
 * (tls-exporter), 5929 (tls-unique).
 */
#ifndef SASL_SERVER_H
#define SASL_SERVER_H

#include "base/buffer.h"
#include "base/outcome.h"
#include "sasl/scram_keys.h"

/* RFC 4422 section 3.1 */
#define SASL_NAME_MAXIMUM_OCTETS 20
/* A nonce is text of at most this length. */
#define SASL_NONCE_MAXIMUM_OCTETS 64

/* ---- what is offered ---- */

/* What a mechanism needs of the connection or the server to be of any use. */
enum sasl_need {
	SASL_NEEDS_KEYS = 1,	    /* accounts that can have SCRAM keys */
	SASL_NEEDS_BINDING = 2,	    /* TLS that a login can be bound to */
	SASL_NEEDS_CERTIFICATE = 4, /* a certificate of the client, verified */
	SASL_NEEDS_TOKENS = 8,	    /* TLS, and somebody who can check tokens */
};
#define SASL_HAS_COMBINATIONS 16

/*
 * Appends the names of what can be used, divided by blanks, the strongest
 * first: the one place that knows.
 *
 * allowed  names divided by blanks or commas, in any case: what the operator
 *          lets be used
 * has      enum sasl_need, added up
 */
bool sasl_server_offer(struct bytes allowed, unsigned has, struct buffer *out);
/* Is one among them that binds to TLS? */
bool sasl_server_offers_binding(struct bytes allowed, unsigned has);
/* The first name that is no mechanism; empty when there is none. */
struct bytes sasl_server_unknown(struct bytes allowed);
/* All there are, divided by commas and blanks: the default of `allowed`. */
#define SASL_SERVER_ALL                                                        \
	"SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-256, SCRAM-SHA-1, "   \
	"EXTERNAL, OAUTHBEARER, XOAUTH2, PLAIN"

/* ---- an exchange ---- */

enum sasl_step {
	SASL_CHALLENGE, /* send what is in `challenge`, feed the answer */
	SASL_CHECK,	/* authcid and password are known: check them */
	SASL_KEYS,	/* authcid is known: sasl_server_set_keys goes on */
	SASL_PROOF,	/* a proof has come: sasl_server_prove judges it */
	SASL_PROVEN,	/* whose proof was right wants in */
	SASL_EXTERNAL,	/* the connection says who: authzid alone is known */
	/* password is a bearer token, or empty: check it; authcid, if it is not empty,
	   must be whose it is. If not so: sasl_server_refuse_token */
	SASL_TOKEN,
	SASL_FAILED, /* malformed: refuse; sasl_server_fault says why */
};

struct sasl_server;

/* What the mechanisms need to know of the connection. Borrowed for a call. */
struct sasl_server_setup {
	/* To bind to; empty: not to be had. */
	struct bytes tls_exporter, tls_unique;
	/* The client was told of a mechanism that binds. If it says that it
	   was not, somebody between changed the list. */
	bool offers_binding;
	/* Printable ASCII without a comma, never the same again: base64 of
	   18 random octets is right. */
	struct bytes nonce;
};

/* NULL: no such mechanism (or memory is short). Names in any case. */
struct sasl_server *sasl_server_new(
	struct bytes mechanism, const struct sasl_server_setup *setup);
void sasl_server_free(struct sasl_server **server);

/* has_response false: the client sent none yet. `challenge` is emptied first. */
enum sasl_step sasl_server_step(struct sasl_server *server, bool has_response,
	struct bytes response, struct buffer *challenge);

/* Of a mechanism that steps to SASL_KEYS. */
enum scram_digest sasl_server_digest(const struct sasl_server *server);
/*
 * After SASL_KEYS: those of authcid, or ones that nobody's password fits, so
 * that an unknown name looks like a known one.
 */
enum sasl_step sasl_server_set_keys(struct sasl_server *server,
	const struct scram_keys *keys, struct buffer *challenge);
/*
 * After SASL_PROOF: SASL_CHALLENGE when it is right, with what proves it to the
 * client that the server has the keys. SASL_FAILED when it is wrong.
 */
enum sasl_step sasl_server_prove(
	struct sasl_server *server, struct buffer *challenge);

/*
 * After SASL_TOKEN: the client is told so, and the next step fails.
 *
 * scope  what a token must be for, "" for nothing: words as of RFC 6749 section
 *        3.3, divided by blanks
 */
enum sasl_step sasl_server_refuse_token(struct sasl_server *server,
	const char *scope, struct buffer *challenge);

/* After SASL_CHECK or SASL_KEYS. authzid is empty when not given. */
struct bytes sasl_server_authzid(const struct sasl_server *server);
struct bytes sasl_server_authcid(const struct sasl_server *server);
struct bytes sasl_server_password(const struct sasl_server *server);
/* After SASL_PROOF: the octets of the client's proof. */
struct bytes sasl_server_proof(const struct sasl_server *server);
/* Why it failed, for the log: a constant text. */
const char *sasl_server_fault(const struct sasl_server *server);
/* Is that what somebody between client and server looks like? */
bool sasl_server_is_attacked(const struct sasl_server *server);

#endif
