/* SPDX-License-Identifier: ISC */
/*
 * login - one login: what it is made of, and where its exchange stands. Part of
 * a collection; what is done with it stands in login.c.
 */
#ifndef COLLECT_LOGIN_H
#define COLLECT_LOGIN_H

#include "collect/oauth/answer.h"
#include "sasl/client.h"

#define LOGIN_NONCE_OCTETS   18 /* 24 characters of base64 */
#define LOGIN_STAMP_SIZE     256
#define LOGIN_BINDING_OCTETS 32

struct collection;

struct login {
	struct sasl_client *sasl; /* NULL: USER and PASS, or APOP */
	struct sasl_client_setup setup;
	const char *name; /* of the mechanism; NULL: none */
	char nonce[2 * LOGIN_NONCE_OCTETS];
	char stamp[LOGIN_STAMP_SIZE]; /* of the greeting, for APOP */
	unsigned char exporter[LOGIN_BINDING_OCTETS];
	unsigned challenges;
	char refusal[OAUTH_TEXT_SIZE]; /* of a token, in words */
	/* The response to the last challenge is sent, and so is what is asked
	   of the mailbox. */
	bool is_ahead;
	bool is_denied; /* the server said so within the exchange */
};

/* Keeps what APOP needs of the greeting. */
void login_greeted(struct collection *c);
/* Logs in by the strongest way that there is, or by the account's. */
void login_begin(struct collection *c);
void login_challenge(struct collection *c);
/* +OK; false: the server has not shown who it is, and the run has failed. */
bool login_is_trusted(struct collection *c);
void login_release(struct collection *c);

/* Of a login that was refused; said: what the reply stands for. */
enum outcome login_outcome(const struct collection *c, enum outcome said);
/* The server denied it: what was kept of it is not used again. */
void login_denied(struct collection *c);
/* What is known of why; "": nothing. */
const char *login_reason(const struct collection *c);
/* What to do, in brackets. */
const char *login_advice(const struct collection *c);

#endif
