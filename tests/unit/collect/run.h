/* SPDX-License-Identifier: ISC */
/*
 * run - a collection without a connection: what a server would list and send is
 * put in by the test, in a folder of its own (folder.h).
 */
#ifndef TESTS_COLLECT_RUN_H
#define TESTS_COLLECT_RUN_H

#include "collect/collection.h"
#include "folder.h"

struct run {
	struct collection c;
	struct engine_options options;
	struct collect_account account;
	struct secret password;
	uv_loop_t loop;
	char warnings[1024]; /* one a line */
	unsigned ended;	     /* ENGINE_ENDED was told so often */
};

/* cmocka's; *state is the struct run. The run is open in the ledger. */
int run_set_up(void **state);
int run_tear_down(void **state);
/* Forgets all of the run, as the end of the program does; the ledger stays. */
void run_anew(struct run *run);

struct listed_row {
	const char *uidl; /* NULL: not listed */
	uint64_t octets;
};

/* As STAT, UIDL and LIST have it. */
void run_list(struct run *run, const struct listed_row *rows, uint32_t count);
/* The ledger's entry of a message. */
enum ledger_state run_state(struct run *run, const char *uidl);
void run_commit(
	struct run *run, const char *uidl, uint32_t ordinal, uint64_t octets);
void run_mark_deleted(struct run *run, const char *uidl);
/* As if everything in the ledger had happened long ago. */
void run_make_old(void);

#endif
