/* SPDX-License-Identifier: ISC */
/*
 * rules - what a token must say of itself, whoever vouches for it: a signature,
 * or the server that gave it out.
 *
 * Source: RFC 7519 section 4.1, RFC 7662 section 2.2, RFC 9068.
 */
#ifndef OAUTH_RULES_H
#define OAUTH_RULES_H

#include "base/bytes.h"
#include "base/outcome.h"

#include <jansson.h>

#define OAUTH_TOKEN_MAXIMUM_OCTETS 65536
#define OAUTH_USER_SIZE		   255 /* with its NUL */
#define OAUTH_ERROR_SIZE	   256
/* Clocks differ. */
#define OAUTH_LEEWAY_SECONDS 60

struct oauth_rules {
	/* "" asks for nothing */
	const char *issuer;
	const char *audience;
	const char *scope; /* one word, which must be among the token's */
	const char *user_claim;
};

struct oauth_answer {
	char user[OAUTH_USER_SIZE]; /* as the token says it */
	uint64_t expires_seconds;   /* 0: it does not say */
};

/*
 * OK; ERR_DENIED: expired, for somebody else, of somebody else, without a user.
 * error says which of it, for the log: nothing of the token stands in it.
 */
enum outcome oauth_rules_check(const struct oauth_rules *rules,
	const json_t *claims, uint64_t now_seconds, struct oauth_answer *out,
	char error[OAUTH_ERROR_SIZE]);

/* A whole JSON object, each name once; NULL when it is not. */
json_t *oauth_object(struct bytes text);
/* A member that is text without NUL, or NULL. */
const char *oauth_text(const json_t *object, const char *name);

#endif
