/* SPDX-License-Identifier: ISC */
/*
 * introspection - asks the server that gave a token out whether it is good.
 * Blocks until the answer is there or the time is up. Threads may ask at once;
 * each keeps its connection for the next question.
 *
 * Source: RFC 7662.
 */
#ifndef OAUTH_INTROSPECTION_H
#define OAUTH_INTROSPECTION_H

#include "base/secret.h"
#include "oauth/rules.h"

#define INTROSPECTION_ANSWER_MAXIMUM_OCTETS 65536
#define INTROSPECTION_CLIENT_SIZE	    256 /* with its NUL */

struct introspection {
	const char *url;
	const char *ca_file; /* PEM, "" for the system's */
	uint64_t timeout_ms;
	/* Who asks; an empty name: it is not said. */
	char client[INTROSPECTION_CLIENT_SIZE];
	struct secret secret;
};

/* Once, before any thread runs. False: libcurl does not work. */
bool introspection_start(void);

/* A file of two lines, the client's name and its secret. */
bool introspection_read_client(struct introspection *introspection,
	const char *file, char error[OAUTH_ERROR_SIZE]);

/*
 * OK; ERR_DENIED: not active, or not what the rules ask for; ERR_TRY_LATER: no
 * answer, or one that is none. error: why, and nothing of the token.
 */
enum outcome introspection_ask(const struct introspection *introspection,
	const struct oauth_rules *rules, struct bytes token,
	uint64_t now_seconds, struct oauth_answer *out,
	char error[OAUTH_ERROR_SIZE]);

/* What was answered, for tests and for the above. */
enum outcome introspection_judge(struct bytes answer,
	const struct oauth_rules *rules, uint64_t now_seconds,
	struct oauth_answer *out, char error[OAUTH_ERROR_SIZE]);

#endif
