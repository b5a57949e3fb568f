/* SPDX-License-Identifier: ISC */
/*
 * client_mechanism - what one SASL mechanism is to sasl/client.c. One constant
 * each, in the file of its family; the list is in client.c.
 */
#ifndef SASL_CLIENT_MECHANISM_H
#define SASL_CLIENT_MECHANISM_H

#include "base/secret.h"
#include "sasl/client.h"
#include "sasl/scram_keys.h"

struct scram_client;

struct sasl_client {
	const struct sasl_client_mechanism *mechanism;
	const struct sasl_client_setup *setup;
	unsigned step; /* 0 at first */
	/* We can bind, and no mechanism that does was offered. */
	bool misses_binding;
	bool has_verified;	    /* the server */
	struct scram_client *scram; /* NULL: another mechanism */
	char error[SASL_CLIENT_ERROR_SIZE];
};

/* What a mechanism needs. */
enum {
	SASL_CLIENT_PASSWORD = 1,
	SASL_CLIENT_TOKEN = 2,
	SASL_CLIENT_BINDING = 4,
	SASL_CLIENT_CERTIFICATE = 8,
	SASL_CLIENT_PRIVATE = 16,
};

struct sasl_client_mechanism {
	const char *name; /* in capitals */
	unsigned needs;
	enum scram_digest digest;
	bool verifies; /* the server proves itself */
	enum sasl_client_step (*step)(struct sasl_client *client,
		bool has_challenge, struct bytes challenge,
		struct buffer *response);
};

extern const struct sasl_client_mechanism sasl_client_plain, sasl_client_login,
	sasl_client_external, sasl_client_oauthbearer, sasl_client_xoauth2,
	sasl_client_scram_sha_1, sasl_client_scram_sha_1_plus,
	sasl_client_scram_sha_256, sasl_client_scram_sha_256_plus;

enum sasl_client_step sasl_client_fail(
	struct sasl_client *client, const char *why);
/* The same, with the server's words behind it, made printable. */
enum sasl_client_step sasl_client_fail_saying(
	struct sasl_client *client, const char *why, struct bytes words);
/* Keeps the server's words for sasl_client_error. */
void sasl_client_note(
	struct sasl_client *client, const char *what, struct bytes words);

/* ---- scram_client.c ---- */

void scram_client_free(struct scram_client **scram);

#endif
