/* SPDX-License-Identifier: ISC */
/*
 * sasl_server - one SASL exchange on the server's side: challenge and response,
 * without I/O. A mechanism ends by naming who is claimed and what proves it.
 *
 * Source: RFC 4422, 4616 (PLAIN), 5034 (framing).
 */
#ifndef SASL_SERVER_H
#define SASL_SERVER_H

#include "base/buffer.h"
#include "base/outcome.h"

enum sasl_step {
	SASL_CHALLENGE, /* send what is in `challenge`, feed the answer */
	SASL_CHECK,	/* authcid and password are known: check them */
	SASL_FAILED,	/* malformed: refuse */
};

struct sasl_server;

/* NULL: no such mechanism (or memory is short). Names in any case. */
struct sasl_server *sasl_server_new(struct bytes mechanism);
void sasl_server_free(struct sasl_server **server);

/* has_response false: the client sent none yet. `challenge` is emptied first. */
enum sasl_step sasl_server_step(struct sasl_server *server, bool has_response,
	struct bytes response, struct buffer *challenge);

/* After SASL_CHECK. authzid is empty when not given. */
struct bytes sasl_server_authzid(const struct sasl_server *server);
struct bytes sasl_server_authcid(const struct sasl_server *server);
struct bytes sasl_server_password(const struct sasl_server *server);

/* All names, divided by blanks, for CAPA: "PLAIN LOGIN". */
extern const char sasl_server_mechanisms[];

#endif
