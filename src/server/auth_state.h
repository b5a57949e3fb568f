/* SPDX-License-Identifier: ISC */
/*
 * auth_state - what the files of the auth role share. Nobody else includes it.
 */
#ifndef SERVER_AUTH_STATE_H
#define SERVER_AUTH_STATE_H

#include "accounts/accounts.h"
#include "base/buffer.h"
#include "base/secret.h"
#include "net/address.h"
#include "process/channel.h"
#include "server/boot.h"
#include "server/fair_queue.h"
#include "server/password_cache.h"
#include "server/penalties.h"
#include "server/table.h"

#define AUTH_ADDRESS_SIZE 128
/* A name with a device. */
#define AUTH_TRIED_SIZE	     (ACCOUNT_NAME_SIZE + ACCOUNT_DEVICE_SIZE)
#define AUTH_SOURCES_MAXIMUM 8

struct sasl_server;

/* A session process. */
struct auth_client {
	struct auth_client *next;
	struct channel *channel; /* NULL: gone, freed with its last check */
	struct table exchanges;
	uint64_t instance;
	unsigned checks;
};

enum auth_stage {
	AUTH_TALKING, /* challenges and responses */
	AUTH_WAITING, /* for what failed before it: auth_guard.c */
	AUTH_QUEUED,  /* for a thread: auth_pool.c */
	AUTH_HASHING, /* in a thread: must not be freed */
};

/* One connection's attempt to log in. */
struct auth_exchange {
	struct table_entry entry;
	struct auth_client *client;
	struct sasl_server *sasl; /* NULL: USER and PASS */
	struct buffer front;	  /* of a response in pieces */
	uint64_t connection;
	char address[AUTH_ADDRESS_SIZE];
	char network[ADDRESS_TEXT_SIZE];
	bool is_cancelled;
	enum auth_stage stage;
	/* whom it is about, once that was said: */
	char tried[AUTH_TRIED_SIZE];
	bool is_known; /* there is such an account */
	bool is_fresh; /* it was asked for just now */
	/* Its name is `tried` when unknown; credentials are held while they
	   are needed, not while it waits. */
	struct account account;
	bool has_device; /* else any of the account's passwords will do */
	char device[ACCOUNT_DEVICE_SIZE];
	struct secret password;
	struct password_proof proof;
	/* AUTH_WAITING */
	char subject[ACCOUNT_NAME_SIZE]; /* the account, for penalties */
	struct auth_exchange *previous, *next;
	uint64_t arrived_ms, due_ms;
	void (*admitted)(struct auth_exchange *exchange);
	/* AUTH_QUEUED, AUTH_HASHING */
	struct fair_item item;
	uv_work_t work;
	enum outcome outcome;
	size_t which; /* of its credentials, when it is OK */
};

struct auth_role {
	uv_loop_t loop;
	struct boot *boot;
	/* In the order they are asked. */
	struct accounts *sources[AUTH_SOURCES_MAXIMUM];
	size_t source_count;
	struct channel *store, *web;
	struct auth_client *clients;
	struct penalties *penalties;
	struct password_cache *cache;
	struct login_delays *delays;
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

/* ---- auth_account.c ---- */

/*
 * Who a name is: the first source that has it, else an alias. ERR_DENIED: nobody;
 * ERR_TRY_LATER: a source that may know is away or damaged, which was logged.
 * account_release is due for the first two.
 *
 * _load    of a login; "alice%phone" names a device, *out_has_device then
 * _load_by_certificate  `hash` as of its credential
 * _find    without credentials
 */
enum outcome auth_account_load(struct bytes typed, struct account *out,
	bool *out_has_device, char device[ACCOUNT_DEVICE_SIZE]);
enum outcome auth_account_load_by_certificate(
	const char *hash, struct account *out);
enum outcome auth_account_find(struct bytes name, struct account *out);

/* ---- auth_check.c ---- */

/* Ends the exchange: grants the maildrop, or refuses. */
void auth_check(struct auth_exchange *exchange, struct bytes user,
	struct bytes password);
/* The password was hashed: exchange->outcome, ->which. */
void auth_checked(struct auth_exchange *exchange);
/* Before it is hashed: asks for the account when it is not held. False: that
   failed. */
bool auth_check_prepare(struct auth_exchange *exchange);

/* ---- auth_guard.c ---- */

/* At the start of the role; false: no memory. */
bool auth_guard_init(void);
/*
 * Calls `admitted` when nothing that failed before holds this attempt back: at
 * once or later. It then calls auth_guard_begin and _end, or admits anew.
 * `address` and the account's name are set.
 */
void auth_guard_admit(struct auth_exchange *exchange,
	void (*admitted)(struct auth_exchange *exchange));
/* Nothing holds it back now. */
bool auth_guard_is_free(const struct auth_exchange *exchange);
/* It is about to be checked; _end must follow, with what came out. */
void auth_guard_begin(struct auth_exchange *exchange);
void auth_guard_end(struct auth_exchange *exchange, enum outcome outcome);
/* It goes while it waits. */
void auth_guard_forget(struct auth_exchange *exchange);
/* Which class of the queue it belongs to, 0 the best. */
unsigned auth_guard_class(struct auth_exchange *exchange);

/* ---- auth_pool.c ---- */

/* Sizes the thread pool; before anything uses it. */
void auth_pool_init(unsigned threads);
/* False: too much waits already. Else auth_checked follows. */
bool auth_pool_submit(struct auth_exchange *exchange);
/* It goes while it waits for a thread. */
void auth_pool_forget(struct auth_exchange *exchange);

/* ---- auth_sweep.c ---- */

/* Nothing happens when no policy has a retention. */
void auth_sweep_start(void);

/* ---- auth_recipient.c ---- */

/* An LMTP recipient; false: malformed. */
bool auth_on_resolve(struct auth_client *client, struct message *message);

/* ---- auth_operator.c ---- */

/* From the web role; false: malformed. */
bool auth_on_web_message(struct channel *channel, struct message *message);

#endif
