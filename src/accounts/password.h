/* SPDX-License-Identifier: ISC */
/*
 * password - crypt(5) hashes, yescrypt for new ones. Thread-safe, costs
 * milliseconds on purpose: call from a pool.
 */
#ifndef ACCOUNTS_PASSWORD_H
#define ACCOUNTS_PASSWORD_H

#include "accounts/accounts.h"

#define PASSWORD_MAXIMUM_OCTETS 255

/* ERR_PEER: empty, too long or with a NUL. ERR_BROKEN: no randomness. */
enum outcome password_hash(struct bytes password, char out[ACCOUNT_HASH_SIZE]);
/*
 * OK or ERR_DENIED. hash NULL: an unknown user; takes the time of a real check
 * and is always ERR_DENIED.
 */
enum outcome password_check(struct bytes password, const char *hash);

#endif
