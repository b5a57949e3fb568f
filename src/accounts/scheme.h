/* SPDX-License-Identifier: ISC */
/*
 * scheme - passwords as other servers write them: "{SSHA256}" and what that
 * takes. Thread-safe; ARGON2 and PBKDF2 cost what whoever made them chose.
 *
 * Names in any case; ".hex", ".b64" or ".base64" behind one says how it is
 * written.
 */
#ifndef ACCOUNTS_SCHEME_H
#define ACCOUNTS_SCHEME_H

#include "accounts/accounts.h"

#define SCHEME_NAMES                                                           \
	"PLAIN CLEAR CLEARTEXT CRYPT DES-CRYPT MD5 MD5-CRYPT SHA256-CRYPT "    \
	"SHA512-CRYPT BLF-CRYPT PLAIN-MD5 LDAP-MD5 SHA SHA1 SHA256 SHA512 "    \
	"SMD5 SSHA SSHA256 SSHA512 PBKDF2 ARGON2I ARGON2ID SCRAM-SHA-1 "       \
	"SCRAM-SHA-256"

/* What a hash that nobody can check is kept as: its user gets [SYS/PERM]. */
#define SCHEME_UNUSABLE "{?}"

enum scheme_result {
	SCHEME_OK,
	SCHEME_UNKNOWN,	  /* no such scheme here */
	SCHEME_MALFORMED, /* not what the scheme takes */
};

/*
 * Fills hash, and for SCRAM the keys, of `out` from "{SCHEME}data", or from
 * "data" which is of the scheme `standard`. Untouched unless it is SCHEME_OK.
 *
 * out_scheme  its name as given, for the log
 */
enum scheme_result scheme_read(struct bytes text, const char *standard,
	struct credential *out, struct bytes *out_scheme);

/*
 * A password against a hash of scheme_read that begins with "{". OK,
 * ERR_DENIED, ERR_BROKEN (SCHEME_UNUSABLE), ERR_TRY_LATER (no memory).
 */
enum outcome scheme_check(const char *hash, struct bytes password);
/* Does that take as long as hashing is meant to? */
bool scheme_is_slow(const char *hash);

#endif
