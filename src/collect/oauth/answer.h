/* SPDX-License-Identifier: ISC */
/*
 * answer - what OAuth 2.0 servers send, and what is kept of it: JSON with a
 * maximum for every value. Pure.
 *
 * Source: RFC 6749 section 5, RFC 8628 section 3.2, RFC 7628 section 3.2.2.
 */
#ifndef COLLECT_OAUTH_ANSWER_H
#define COLLECT_OAUTH_ANSWER_H

#include "base/buffer.h"
#include "base/secret.h"

#define OAUTH_ANSWER_MAXIMUM_OCTETS 65536
#define OAUTH_TOKEN_MAXIMUM_OCTETS  8192
#define OAUTH_TEXT_SIZE		    256
/* In the text of an error, before the scope that a POP3 server wants. */
#define OAUTH_WANTS_SCOPE      "; it wants the scope "
#define OAUTH_URL_SIZE	       1024
#define OAUTH_EXPIRES_MAXIMUM  (366 * 86400)
#define OAUTH_INTERVAL_MAXIMUM 60

struct oauth_tokens {
	struct secret access, refresh; /* empty: none */
	int64_t expires_at;	       /* of the access token, since 1970 */
};

struct oauth_device {
	struct secret code;
	char user_code[64];
	char url[OAUTH_URL_SIZE];      /* where a person types it */
	unsigned interval, expires_in; /* seconds */
};

enum oauth_fault {
	OAUTH_PENDING,	 /* RFC 8628: the person has not answered yet */
	OAUTH_SLOW_DOWN, /* the same, and we ask too often */
	OAUTH_REFUSED,	 /* by the person, or the grant is over */
	OAUTH_FAULTY,	 /* something else */
};

/* False: it holds no token, or one that cannot be; *out is as it was. */
bool oauth_read_tokens(
	struct bytes json, int64_t now, struct oauth_tokens *out);
/* As oauth_write_tokens has it. */
bool oauth_read_saved(struct bytes json, struct oauth_tokens *out);
bool oauth_write_tokens(const struct oauth_tokens *tokens, struct buffer *out);
void oauth_tokens_release(struct oauth_tokens *tokens);

bool oauth_read_device(struct bytes json, struct oauth_device *out);
/* text: its words, printable; "": it says nothing that we know. */
enum oauth_fault oauth_read_error(
	struct bytes json, char text[OAUTH_TEXT_SIZE]);

#endif
