/* SPDX-License-Identifier: ISC */
/*
 * sqlite - accounts in a SQLite data base, the default. Many may read while one
 * writes (WAL); a change is seen by the next login.
 */
#ifndef ACCOUNTS_SQLITE_SQLITE_H
#define ACCOUNTS_SQLITE_SQLITE_H

#include "accounts/accounts.h"

/* Another writer is waited for this long. */
#define ACCOUNTS_SQLITE_BUSY_MS 5000

enum outcome accounts_sqlite_open(
	const struct accounts_options *options, struct accounts **out);

#endif
