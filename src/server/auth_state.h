/* SPDX-License-Identifier: ISC */
/*
 * auth_state - what the files of the auth role share. Nobody else includes it.
 */
#ifndef SERVER_AUTH_STATE_H
#define SERVER_AUTH_STATE_H

#include "accounts/accounts.h"
#include "base/buffer.h"
#include "base/secret.h"
#include "process/channel.h"
#include "server/boot.h"
#include "server/table.h"

#define AUTH_ADDRESS_SIZE 128

struct sasl_server;

/* A session process. */
struct auth_client {
	struct auth_client *next;
	struct channel *channel; /* NULL: gone, freed with its last check */
	struct table exchanges;
	uint64_t instance;
	unsigned checks;
};

/* One connection's attempt to log in. */
struct auth_exchange {
	struct table_entry entry;
	struct auth_client *client;
	struct sasl_server *sasl; /* NULL: USER and PASS */
	struct buffer front;	  /* of a response in pieces */
	uint64_t connection;
	char address[AUTH_ADDRESS_SIZE];
	bool is_cancelled;
	/* the check, in a thread: */
	uv_work_t work;
	bool is_checking, is_known;
	struct account account;
	struct secret password;
	enum outcome outcome;
};

struct auth_role {
	uv_loop_t loop;
	struct boot *boot;
	struct accounts *accounts;
	struct channel *store;
	struct auth_client *clients;
	unsigned checks;
};

extern struct auth_role auth;

/* ---- auth_role.c ---- */

/* Frees it when its channel is gone and its last check has ended. */
void auth_client_free_when_unused(struct auth_client *client);

/* ---- auth_exchange.c ---- */

/* Messages of a session process; false: malformed. */
bool auth_on_begin(struct auth_client *client, struct message *message);
bool auth_on_respond(struct auth_client *client, struct message *message);
bool auth_on_piece(struct auth_client *client, struct message *message);
bool auth_on_cancel(struct auth_client *client, struct message *message);
/* The client is gone. Exchanges that are being checked end with their check. */
void auth_forget_exchanges(struct auth_client *client);
void auth_exchange_free(struct auth_exchange *exchange);
/* Tells the session (unless it cancelled) and frees the exchange. */
void auth_refuse(struct auth_exchange *exchange, enum outcome outcome);

/* ---- auth_check.c ---- */

/* Ends the exchange: grants the maildrop, or refuses. */
void auth_check(struct auth_exchange *exchange, struct bytes user,
	struct bytes password);

/* ---- auth_recipient.c ---- */

/* An LMTP recipient; false: malformed. */
bool auth_on_resolve(struct auth_client *client, struct message *message);

#endif
