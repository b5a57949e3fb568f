/* SPDX-License-Identifier: ISC */
/*
 * password - what is kept of a password, and whether one is right. yescrypt by
 * crypt(5) for new ones, beside it the keys of SCRAM. Thread-safe, costs
 * milliseconds on purpose: call from a pool.
 */
#ifndef ACCOUNTS_PASSWORD_H
#define ACCOUNTS_PASSWORD_H

#include "accounts/accounts.h"

#define PASSWORD_MAXIMUM_OCTETS 255
/* A client computes as much at each login. */
#define SCRAM_ITERATIONS_DEFAULT 32768
#define SCRAM_ITERATIONS_MAXIMUM 10000000
#define SCRAM_SALT_OCTETS	 16 /* of those made here */
/* A generated one: 28 of 32 characters in groups of four, 140 bits. */
#define PASSWORD_GENERATED_SIZE 35 /* with its NUL */

/*
 * Fills hash and keys of `credential` from a password, prepared by SASLprep;
 * the rest of it is untouched.
 *
 * like        the account whose it will be, or NULL: the new hash gets the salt
 *             of its others, so that one computation compares with all of them
 * iterations  of the SCRAM keys; 0: none are made
 * Errors      ERR_PEER: empty, too long or with a NUL. ERR_BROKEN: no
 *             randomness.
 */
enum outcome password_set(struct credential *credential, struct bytes password,
	const struct account *like, uint32_t iterations);

/* The keys alone. ERR_PEER: it is not what SASLprep lets through. */
enum outcome password_make_keys(struct bytes password, uint32_t iterations,
	struct scram_keys out[SCRAM_DIGESTS]);

/*
 * Compares with the passwords of `device` of the account, or, with device NULL,
 * with all of them. OK: *out_which is the credential's place. Else ERR_DENIED:
 * also of an account without any ({0}, nobody's), which takes the time of a real
 * check. ERR_BROKEN: one of them cannot be checked (SCHEME_UNUSABLE), and no other
 * is right. Whether the credential may be used is not asked.
 */
enum outcome password_find(struct bytes password, const struct account *account,
	const char *device, size_t *out_which);

/* One hash alone, as password_find. NULL: as of nobody. */
enum outcome password_check(struct bytes password, const char *hash);

/* False: no randomness. */
bool password_generate(char out[PASSWORD_GENERATED_SIZE]);

#endif
