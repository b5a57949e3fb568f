/* SPDX-License-Identifier: ISC */
/*
 * lookup_state - what the files of the lookup role share: lookup_role.c speaks
 * with auth and knows how each kind of question is answered, lookup_tokens.c how
 * tokens are, lookup_pool.c has the threads. Nobody else includes it.
 */
#ifndef SERVER_LOOKUP_STATE_H
#define SERVER_LOOKUP_STATE_H

#include "accounts/accounts.h"
#include "accounts/pam.h"
#include "base/secret.h"
#include "net/address.h"
#include "oauth/rules.h"
#include "server/boot.h"
#include "server/table.h"

#define LOOKUP_DIGEST_OCTETS 32

_Static_assert(PAM_ERROR_SIZE == OAUTH_ERROR_SIZE, "one place for both");

enum lookup_kind {
	LOOKUP_PASSWORD,
	LOOKUP_USER,
	LOOKUP_TOKEN,
	LOOKUP_KINDS,
};

struct lookup_job {
	struct lookup_job *previous, *next; /* of those that wait, or run */
	enum lookup_kind kind;
	uint64_t request;  /* as auth counts them */
	uint64_t instance; /* of the auth process that asked */
	uint64_t due_ms;
	bool is_late; /* answered already; the thread is still at it */
	uv_work_t work;
	/* the question */
	char user[ACCOUNT_NAME_SIZE];
	char host[ADDRESS_TEXT_SIZE];
	struct secret secret;
	/* the answer, made in the thread */
	enum outcome outcome;
	char error[PAM_ERROR_SIZE];
	struct oauth_answer token;
	bool is_introspected;
	unsigned char digest[LOOKUP_DIGEST_OCTETS];
};

struct lookup_role {
	uv_loop_t loop;
	struct boot *boot;
	struct channel *auth;
	uint64_t auth_instance;
	struct buffer front; /* of a token that comes in pieces */
	uint64_t front_of;   /* its request */
};

extern struct lookup_role lookup;

/* ---- lookup_role.c ---- */

/* In a thread. */
void lookup_work(struct lookup_job *job);
/* The work is done: tells log and auth. */
void lookup_done(const struct lookup_job *job);
/* Tells who asked, if he is still there. */
void lookup_answer(const struct lookup_job *job, enum outcome outcome);

/* ---- lookup_tokens.c ---- */

/* Reads what the role's user may not; ends the process when it is wrong. */
void lookup_tokens_prepare(void);
/* Reads the keys, as they will be read again. */
void lookup_tokens_start(void);
/* In a thread. */
void lookup_tokens_work(struct lookup_job *job);
/* It was introspected a short time ago: job->outcome and job->token. */
bool lookup_tokens_known(struct lookup_job *job);
void lookup_tokens_remember(const struct lookup_job *job);

/* ---- lookup_pool.c ---- */

/* How many threads there are; before anything uses libuv's pool. */
void lookup_pool_init(const struct server_settings *settings);
void lookup_pool_start(void);
/* Takes the job; an answer follows. */
void lookup_pool_take(struct lookup_job *job);

#endif
