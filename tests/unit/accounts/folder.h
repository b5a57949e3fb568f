/* SPDX-License-Identifier: ISC */
/* folder - a data base of accounts in a folder of its own, for each test. */
#ifndef TESTS_ACCOUNTS_FOLDER_H
#define TESTS_ACCOUNTS_FOLDER_H

#include "accounts/accounts.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#define PATH_SIZE 128

static char folder[PATH_SIZE], file[PATH_SIZE];
static struct accounts *accounts;

static inline void
open_accounts(void)
{
	assert_int_equal(accounts_open("sqlite", file, true, &accounts), OK);
	assert_string_equal(accounts->ops->name, "sqlite");
}

static inline void
close_accounts(void)
{
	accounts->ops->close(&accounts);
	assert_null(accounts);
}

static inline int
make_folder(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/restante-accounts-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%.100s/accounts.db", folder);
	accounts = NULL;
	return 0;
}

static inline int
set_up(void **state)
{
	if (make_folder(state) != 0)
		return -1;
	open_accounts();
	return 0;
}

static inline int
tear_down(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	char path[PATH_SIZE + 16];

	if (accounts)
		close_accounts();
	for (size_t i = 0; i < COUNT(suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", file, suffixes[i]);
		unlink(path);
	}
	return rmdir(folder);
}

/* What another program does to the file. */
static inline void
run_sql(const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

#endif
