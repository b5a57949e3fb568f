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
#include "server/session_id.h"
#include "server/table.h"

#define AUTH_ADDRESS_SIZE 128
_Static_assert(AUTH_TRIED_SIZE == ACCOUNT_NAME_SIZE + ACCOUNT_DEVICE_SIZE,
	"a name with a device");
/* Those of [auth] backends. */
#define AUTH_SOURCES_MAXIMUM 8

struct sasl_server;
struct message_reader;

/* Of a client, verified by TLS. What it does not carry is "". */
struct auth_certificate {
	unsigned char fingerprint[32]; /* SHA-256 */
	char subject[ACCOUNT_HASH_SIZE - sizeof("subject:") + 1];
	char email[ACCOUNT_NAME_SIZE], common_name[ACCOUNT_NAME_SIZE];
};

/* A session process. */
struct auth_client {
	struct auth_client *next;
	struct channel *channel; /* NULL: gone, freed with its last check */
	struct table exchanges;
	struct table logins; /* auth_logins.c */
	uint64_t instance;
	unsigned checks;
};

struct auth_lookup;

/* user: of a token, else "" */
typedef void auth_looked_up(
	struct auth_lookup *lookup, enum outcome outcome, const char *user);

/* A question to the role lookup. {0} asks nothing. */
struct auth_lookup {
	struct table_entry entry;
	struct auth_lookup *older, *newer;
	uint64_t due_ms;
	auth_looked_up *done;
};

struct auth_said;

/* What the role lookup has said of users of the system to one who asks. {0} at
   first. */
struct auth_system {
	struct auth_lookup lookup;
	struct auth_said *said;
	unsigned count;
	char wanted[ACCOUNT_NAME_SIZE]; /* "": nothing */
	bool is_found; /* the account that was found is one of these */
	void (*go_on)(struct auth_system *system);
};

enum auth_stage {
	AUTH_TALKING, /* challenges and responses */
	AUTH_FINDING, /* the account, and the system is asked: auth_check.c */
	AUTH_WAITING, /* for what failed before it: auth_guard.c */
	AUTH_QUEUED,  /* for a thread: auth_pool.c */
	AUTH_HASHING, /* in a thread: must not be freed */
	AUTH_ASKING,  /* lookup is asked: is not freed, so that it counts */
};

/* One connection's attempt to log in. */
struct auth_exchange {
	struct table_entry entry;
	struct auth_client *client;
	struct sasl_server *sasl; /* NULL: USER and PASS */
	struct buffer front;	  /* of a response in pieces */
	bool is_front_used;	  /* it belongs to the response before */
	struct auth_certificate *certificate; /* NULL: none */
	uint64_t connection;
	char address[AUTH_ADDRESS_SIZE];
	char network[ADDRESS_TEXT_SIZE];
	bool is_tls, is_cancelled;
	enum auth_stage stage;
	/* whom it is about, once that was said: */
	char tried[AUTH_TRIED_SIZE];
	bool is_known; /* there is such an account */
	bool is_pam;   /* PAM judges the password */
	/* A bearer token, in `password`, and whose it is said to be: "" when
	   that is not said. */
	bool is_token, is_token_refused;
	char claimed[ACCOUNT_NAME_SIZE];
	struct auth_system system;
	bool is_fresh; /* it was asked for just now */
	/* Its name is `tried` when unknown; credentials are held while they
	   are needed, not while it waits. */
	struct account account;
	bool is_read_only; /* what was right may not delete */
	bool has_device;   /* else any of the account's passwords will do */
	char device[ACCOUNT_DEVICE_SIZE];
	struct secret password;
	struct password_proof proof;
	struct auth_lookup lookup;
	uint64_t judged_ms;  /* when its check began */
	uint64_t generation; /* of what is proven otherwise; 0: nobody's */
	/* AUTH_WAITING */
	char subject[ACCOUNT_NAME_SIZE]; /* the account, for penalties */
	struct auth_exchange *previous, *next;
	uint64_t arrived_ms, due_ms;
	bool is_held;  /* nothing but time is awaited */
	uint8_t looks; /* for room among the logins */
	void (*admitted)(struct auth_exchange *exchange);
	/* AUTH_QUEUED, AUTH_HASHING */
	struct fair_item item;
	uv_work_t work;
	enum outcome outcome;
	size_t which;		       /* of its credentials, when it is OK */
	uint64_t fresh_iterations;     /* of keys that are made for it */
	struct scram_keys *fresh_keys; /* for it; NULL: it has some */
};

struct auth_role {
	uv_loop_t loop;
	struct boot *boot;
	/* In the order they are asked; NULL: PAM. */
	struct accounts *sources[AUTH_SOURCES_MAXIMUM];
	size_t source_count;
	bool has_foreign_hashes;       /* PAM, or a passwd-file */
	struct accounts_naming naming; /* borrowed from the settings */
	struct channel *store, *web;
	struct auth_client *clients;
	struct penalties *penalties;
	struct password_cache *cache, *pam_cache;
	bool has_pam;
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

void auth_challenge(struct auth_exchange *exchange, struct bytes challenge);
/* Of the connection it is made on. */
const char *auth_session_id(
	const struct auth_exchange *exchange, char out[SESSION_ID_SIZE]);
/* Logs why the mechanism failed. */
void auth_tell_fault(const struct auth_exchange *exchange);

/* ---- auth_scram.c ---- */

/* After SASL_KEYS, SASL_PROOF, SASL_PROVEN: goes on, or ends the exchange. */
void auth_scram_begin(struct auth_exchange *exchange);
void auth_scram_prove(struct auth_exchange *exchange);
void auth_scram_end(struct auth_exchange *exchange);

/* ---- auth_external.c ---- */

/* Of AUTH_BEGIN, from has_certificate on. False: malformed, or no memory. */
bool auth_external_take(
	struct auth_exchange *exchange, struct message_reader *reader);
/* After SASL_EXTERNAL: ends the exchange. */
void auth_external_check(struct auth_exchange *exchange);

/* ---- auth_account.c ---- */

/*
 * Who a name is: the first source that has it, else an alias. ERR_DENIED: nobody;
 * ERR_TRY_LATER: a source that may know is away or damaged, which was logged.
 * account_release is due for the first two.
 *
 * system   what is known of its users; NULL: they are not asked for. After
 *          ERR_TRY_LATER auth_system_wait tells whether it is only that.
 * _load    of a login; "alice%phone" names a device, *out_has_device then
 * _load_by_certificate  `hash` as of its credential
 * _find    without credentials
 */
enum outcome auth_account_load(struct bytes typed, struct auth_system *system,
	struct account *out, bool *out_has_device,
	char device[ACCOUNT_DEVICE_SIZE]);
enum outcome auth_account_load_by_certificate(
	const char *hash, struct account *out);
enum outcome auth_account_find(
	struct bytes name, struct auth_system *system, struct account *out);
/* Who takes the mail of a domain that is for nobody else. */
enum outcome auth_account_find_catch_all(
	struct bytes address, struct auth_system *system, struct account *out);

/* ---- auth_token.c ---- */

/* A token has come: lets in or refuses, at the end. */
void auth_token_begin(struct auth_exchange *exchange);
/* The client gets the reason; when it has answered, it is refused. */
void auth_token_refuse(struct auth_exchange *exchange);
/* lookup has judged it: exchange->outcome, and whose it is in ->tried. */
void auth_token_checked(struct auth_exchange *exchange);

/* ---- auth_system.c ---- */

/* Is there such a user? ERR_TRY_LATER also when it is not known yet. */
enum outcome auth_system_ask(struct auth_system *system, const char *name);
/* When the answer was that it is not known yet: true, and go_on is called when
   it is worth asking again. */
bool auth_system_wait(
	struct auth_system *system, void (*go_on)(struct auth_system *system));
/* go_on is not called any more. */
void auth_system_release(struct auth_system *system);

/* ---- auth_lookup.c ---- */

struct auth_lookup_password {
	const char *user, *host;
	struct bytes password;
};

void auth_lookup_start(void);
/* Takes the channel to lookup; false: no memory. */
bool auth_lookup_use(int *fd);
/* False: lookup is away, or has too much to do. Else `done` follows. */
bool auth_lookup_password(struct auth_lookup *lookup,
	const struct auth_lookup_password *question, auth_looked_up *done);
bool auth_lookup_user(
	struct auth_lookup *lookup, const char *user, auth_looked_up *done);
bool auth_lookup_token(
	struct auth_lookup *lookup, struct bytes token, auth_looked_up *done);
/* `done` is not called any more. */
void auth_lookup_forget(struct auth_lookup *lookup);

/* ---- auth_check.c ---- */

/* Ends the exchange: grants the maildrop, or refuses. */
void auth_check(struct auth_exchange *exchange, struct bytes user,
	struct bytes password);
/* The password was hashed: exchange->outcome, ->which. */
void auth_checked(struct auth_exchange *exchange);
/* Whom it is about, as the client says. */
void auth_set_tried(struct auth_exchange *exchange, struct bytes name);
/* Asks for the account of that name: OK also for nobody's (is_known). PAM, which
   has neither keys nor certificates, is not asked. */
enum outcome auth_check_find(struct auth_exchange *exchange);
/* The same, of PAM too; ERR_TRY_LATER as auth_account_load. */
enum outcome auth_check_find_all(struct auth_exchange *exchange);
/* May the one who has proven this credential? ERR_DENIED: it is gone too. */
enum outcome auth_check_may_enter(
	struct auth_exchange *exchange, uint64_t generation);
/* After auth_guard_begin: the end of the exchange. */
void auth_check_finish(struct auth_exchange *exchange, enum outcome outcome);
/* After auth_guard_end: grants the maildrop, or refuses. */
void auth_check_let_in(struct auth_exchange *exchange);
/* Before it is hashed: asks for the account when it is not held. False: that
   failed. */
bool auth_check_prepare(struct auth_exchange *exchange);

/* ---- auth_guard.c ---- */

/* At the start of the role; false: no memory. */
bool auth_guard_init(void);
/* After a reload. */
void auth_guard_renew(void);
/*
 * Calls `admitted` when nothing that failed before holds this attempt back: at
 * once or later. It then calls auth_guard_begin and _end, or admits anew.
 * `address` and the account's name are set.
 */
void auth_guard_admit(struct auth_exchange *exchange,
	void (*admitted)(struct auth_exchange *exchange));
/* Calls `admitted` at that time, whatever has failed; false: too many wait. */
bool auth_guard_hold(struct auth_exchange *exchange, uint64_t due_ms,
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

/* ---- auth_trace.c ---- */

/* Tells a session process that came of those that are traced. */
void auth_trace_greet(struct auth_client *client);
/* Who is traced; request 0: unasked. */
void auth_trace_tell_web(uint64_t request, const char *error);
/* MESSAGE_TRACE_WHOM of web; false: malformed. */
bool auth_trace_on_web(struct message *message);

/* ---- auth_pool.c ---- */

/* Sizes the thread pool; before anything uses it. */
void auth_pool_init(unsigned threads, unsigned lookups);
/* Hashes, or has PAM judge. False: too much waits already. Else auth_checked
   follows. */
bool auth_pool_submit(struct auth_exchange *exchange);
/* It goes while it waits for a thread. */
void auth_pool_forget(struct auth_exchange *exchange);

/* ---- auth_upgrade.c ---- */

/* In the thread, when the password is right. */
void auth_upgrade_make(struct auth_exchange *exchange);
/* Gives them to the credential, if it is still the same. */
void auth_upgrade_keep(struct auth_exchange *exchange, uint64_t generation);
void auth_upgrade_free(struct auth_exchange *exchange);

/* ---- auth_sweep.c ---- */

/* Nothing happens when no policy has a retention. */
/* When the settings ask for it, also after a reload. */
void auth_sweep_start(void);

/* ---- auth_recipient.c ---- */

/* An LMTP recipient; false: malformed. */
bool auth_on_resolve(struct auth_client *client, struct message *message);

/* ---- auth_operator.c ---- */

/* From the web role; false: malformed. */
bool auth_on_web_message(struct channel *channel, struct message *message);

#endif
