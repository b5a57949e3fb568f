/* SPDX-License-Identifier: ISC */
/*
 * ledger_state - what the files of the ledger share. Nobody else includes it.
 */
#ifndef COLLECT_LEDGER_STATE_H
#define COLLECT_LEDGER_STATE_H

#include "collect/ledger.h"

#include <sqlite3.h>
#include <uv.h>

/* Their texts stand in ledger_open.c. */
enum ledger_statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	FIND,
	HOLDS,
	STORE,
	DELETED,
	BROKE,
	LIST_DELETED,
	FORGET,
	WAS_RUNNING,
	BEGIN_RUN,
	END_RUN,
	HOLDS_ANY,
	COUNT,
	SIZES,
	MATCH,
	ADOPT,
	IMPORT,
	RECALL,
	REMEMBER,
	LAST_RUN,
	STATEMENTS,
};

struct ledger {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	uv_mutex_t mutex;
};

/* The mutex is held; account NULL: the statement has none. */
sqlite3_stmt *ledger_prepare(struct ledger *ledger, enum ledger_statement which,
	const char *account);
/* Takes the mutex and begins a transaction; ledger_end ends both, and undoes
 * what was done unless outcome is OK. */
enum outcome ledger_begin(struct ledger *ledger);
enum outcome ledger_end(struct ledger *ledger, enum outcome outcome);
/* Runs what returns no row, and resets it. */
enum outcome ledger_finish(sqlite3_stmt *statement);

/* What a result code of SQLite stands for. */
enum outcome ledger_outcome(int code);

#endif
