/* SPDX-License-Identifier: ISC */
/*
 * jwt - a token that carries its claims and a signature (RFC 7519, 7515), checked
 * with keys that are here already. RS256 and ES256; "none", secrets shared with
 * the issuer (HS256), keys that the token brings along, and extensions that must
 * be understood ("crit") are refused.
 */
#ifndef OAUTH_JWT_H
#define OAUTH_JWT_H

#include "oauth/keys.h"
#include "oauth/rules.h"

#define OAUTH_ALL_ALGORITHMS ((1u << OAUTH_ALGORITHMS) - 1)

/* Three parts, the first of them a JSON object with "alg": not good yet. */
bool oauth_jwt_is(struct bytes token);

/*
 * algorithms  1 << enum oauth_algorithm, of those that may be used
 * out_no_key  when ERR_DENIED: only because no key here has its name
 * Errors      ERR_DENIED: not good; error says why, and nothing of the token
 */
enum outcome oauth_jwt_check(const struct oauth_keys *keys, unsigned algorithms,
	const struct oauth_rules *rules, struct bytes token,
	uint64_t now_seconds, struct oauth_answer *out, bool *out_no_key,
	char error[OAUTH_ERROR_SIZE]);

#endif
