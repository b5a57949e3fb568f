/* SPDX-License-Identifier: ISC */
/*
 * keys - public keys that sign tokens: a JWKS (RFC 7517). Those for RS256 (RSA of
 * 2,048 bits or more) and ES256 (P-256) are taken; others are skipped. Immutable
 * once made: threads may use them at once.
 */
#ifndef OAUTH_KEYS_H
#define OAUTH_KEYS_H

#include "base/buffer.h"
#include "base/outcome.h"

#include <sys/stat.h>

#define OAUTH_JWKS_MAXIMUM_OCTETS (1u << 20)
#define OAUTH_KEYS_MAXIMUM	  64
#define OAUTH_KEY_ID_SIZE	  256 /* with its NUL */

enum oauth_algorithm { OAUTH_RS256, OAUTH_ES256, OAUTH_ALGORITHMS };

struct oauth_keys;

/* NULL: no JWKS, or no key in it that is of use; error says what is wrong. */
struct oauth_keys *oauth_keys_parse(
	struct bytes jwks, char *error, size_t size);
/* The same of a file; *out_status is that of what was opened, if anything. */
struct oauth_keys *oauth_keys_read(
	const char *file, struct stat *out_status, char *error, size_t size);
void oauth_keys_free(struct oauth_keys **keys);

enum oauth_signature {
	OAUTH_SIGNATURE_GOOD,
	OAUTH_SIGNATURE_BAD,
	OAUTH_SIGNATURE_NO_KEY, /* none of that name for that algorithm */
};
/*
 * key_id  "" when the token names none: then there must be one key alone for
 *         that algorithm
 */
enum oauth_signature oauth_keys_verify(const struct oauth_keys *keys,
	enum oauth_algorithm algorithm, const char *key_id, struct bytes text,
	struct bytes signature);

/* base64url without padding, RFC 7515 appendix C; appended. */
bool oauth_decode(struct bytes text, struct buffer *out);

#endif
