/* SPDX-License-Identifier: ISC */
#include "accounts/sqlite/database.h"

#include <stdio.h>

/*
 * Step i brings a data base of version i to i + 1. docs/formats/accounts.md
 * says what is in it.
 */
static const char *const migrations[] = {
	"CREATE TABLE account ("
	"  id INTEGER PRIMARY KEY,"
	"  name TEXT NOT NULL UNIQUE,"
	"  is_disabled INTEGER NOT NULL DEFAULT 0,"
	"  created_seconds INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE credential ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,"
	"  device TEXT NOT NULL DEFAULT '',"
	"  hash TEXT NOT NULL,"
	"  created_seconds INTEGER NOT NULL,"
	"  UNIQUE (account, device)"
	") STRICT;",
	"ALTER TABLE account"
	"  ADD COLUMN quota_octets INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE account"
	"  ADD COLUMN quota_messages INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE credential"
	"  ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE credential"
	"  ADD COLUMN is_read_only INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE credential"
	"  ADD COLUMN expires_seconds INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE credential"
	"  ADD COLUMN networks TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE credential ADD COLUMN scram_sha_1 BLOB;"
	"ALTER TABLE credential ADD COLUMN scram_sha_256 BLOB;"
	"CREATE UNIQUE INDEX certificate ON credential (hash) WHERE kind = 1;"
	/* The account may be of another source. */
	"CREATE TABLE alias ("
	"  name TEXT PRIMARY KEY,"
	"  account TEXT NOT NULL,"
	"  created_seconds INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX alias_account ON alias (account);",
};
#define VERSION ((int)(sizeof(migrations) / sizeof(migrations[0])))

static int
read_version(sqlite3 *db)
{
	sqlite3_stmt *statement = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement,
		    NULL) == SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return version;
}

static enum outcome
run_steps(sqlite3 *db)
{
	int version, code;
	char text[64];

	code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return accounts_sqlite_outcome(code);
	version = read_version(db);
	if (version < 0 || version > VERSION)
		code = SQLITE_NOTADB;
	for (int i = version; i < VERSION && code == SQLITE_OK; i++)
		code = sqlite3_exec(db, migrations[i], NULL, NULL, NULL);
	snprintf(text, sizeof(text), "PRAGMA user_version = %d", VERSION);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, text, NULL, NULL, NULL);
	sqlite3_exec(db, code == SQLITE_OK ? "COMMIT" : "ROLLBACK", NULL, NULL,
		NULL);
	return accounts_sqlite_outcome(code);
}

enum outcome
accounts_sqlite_migrate(sqlite3 *db)
{
	return read_version(db) == VERSION ? OK : run_steps(db);
}
