/* SPDX-License-Identifier: ISC */
/*
 * mechanism - what one SASL mechanism is to sasl/server.c. One constant each, in
 * the file of its family; the list is in server.c.
 */
#ifndef SASL_MECHANISM_H
#define SASL_MECHANISM_H

#include "base/secret.h"
#include "sasl/server.h"

struct scram_server;

struct sasl_server {
	const struct sasl_mechanism *mechanism;
	unsigned step; /* 0 at first */
	struct secret authzid, authcid, password;
	struct scram_server *scram; /* NULL: another mechanism */
	const char *fault;
	bool is_attacked;
};

struct sasl_mechanism {
	const char *name; /* in capitals */
	unsigned needs;	  /* enum sasl_need, added up */
	enum scram_digest digest;
	/* NULL: nothing to do. False: memory is short. */
	bool (*start)(struct sasl_server *server,
		const struct sasl_server_setup *setup);
	enum sasl_step (*step)(struct sasl_server *server, bool has_response,
		struct bytes response, struct buffer *challenge);
	/* Of one that steps to SASL_TOKEN. */
	bool (*put_error)(const char *scope, struct buffer *challenge);
};

extern const struct sasl_mechanism sasl_plain, sasl_login, sasl_external,
	sasl_oauthbearer, sasl_xoauth2, sasl_scram_sha_1, sasl_scram_sha_1_plus,
	sasl_scram_sha_256, sasl_scram_sha_256_plus;

/* Refuses; `why` is a constant. */
enum sasl_step sasl_server_fail(struct sasl_server *server, const char *why);
/* The same, when somebody may stand between client and server. */
enum sasl_step sasl_server_fail_attacked(
	struct sasl_server *server, const char *why);

/* ---- scram_server.c, for server.c ---- */

enum sasl_step scram_server_set_keys(struct sasl_server *server,
	const struct scram_keys *keys, struct buffer *challenge);
enum sasl_step scram_server_prove(
	struct sasl_server *server, struct buffer *challenge);
struct bytes scram_server_proof(const struct sasl_server *server);
void scram_server_free(struct scram_server **scram);

#endif
