/* SPDX-License-Identifier: ISC */
/*
 * database - what the files of sqlite/ share. Nobody else includes it.
 */
#ifndef ACCOUNTS_SQLITE_DATABASE_H
#define ACCOUNTS_SQLITE_DATABASE_H

#include "accounts/accounts.h"

#include <sqlite3.h>

enum statement {
	FIND,
	LOAD,
	LIST,
	FIND_ALIAS,
	FIND_CERTIFICATE,
	LIST_ALIASES,
	/* These change something. */
	ADD_ACCOUNT,
	SET_ACCOUNT,
	REMOVE_ACCOUNT,
	COUNT_CREDENTIALS,
	ADD_CREDENTIAL,
	SET_SCRAM,
	REMOVE_CREDENTIAL,
	ADD_ALIAS,
	REMOVE_ALIAS,
	REMOVE_ALIASES_OF,
	BEGIN,
	COMMIT,
	ROLLBACK,
	STATEMENTS,
};

struct accounts_sqlite {
	struct accounts base; /* first */
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
};

extern const struct accounts_changes accounts_sqlite_changes;

static inline struct accounts_sqlite *
accounts_sqlite_of(struct accounts *accounts)
{
	return (struct accounts_sqlite *)accounts;
}

enum outcome accounts_sqlite_outcome(int code);
/* Steps once and makes the statement ready for the next use. */
enum outcome accounts_sqlite_run(sqlite3_stmt *statement);
/* ERR_DENIED: no row. Else `statement` stands on one; sqlite_reset is due. */
enum outcome accounts_sqlite_row(sqlite3_stmt *statement);
void accounts_sqlite_reset(sqlite3_stmt *statement);
/* False, and nothing written, when it is NULL, has a NUL or is too long. */
bool accounts_sqlite_text(
	sqlite3_stmt *statement, int column, char *out, size_t size);

/* schema.c: brings the data base to the version of this program. All steps or
   none; one of a newer program is left alone. */
enum outcome accounts_sqlite_migrate(sqlite3 *db);

/* ---- scram_blob.c ---- */

#define SCRAM_BLOB_MAXIMUM_OCTETS                                              \
	(5 + SCRAM_SALT_MAXIMUM_OCTETS + 2 * SCRAM_KEY_MAXIMUM_OCTETS)

/* Returns its octets; 0 when there are no keys. */
size_t scram_blob_write(const struct scram_keys *keys, enum scram_digest digest,
	unsigned char out[SCRAM_BLOB_MAXIMUM_OCTETS]);
/* False: damaged. Nothing: no keys. */
bool scram_blob_read(
	struct bytes blob, enum scram_digest digest, struct scram_keys *out);

#endif
