/* SPDX-License-Identifier: ISC */
/*
 * office - the server's machine: its disk, a store process with the real
 * Maildir store, a session process with the real POP3 and LMTP sessions. Either
 * may die at any moment, and starts again after a while.
 */
#ifndef TESTS_SIMULATION_OFFICE_H
#define TESTS_SIMULATION_OFFICE_H

#include "disk.h"
#include "network.h"
#include "store/store.h"

struct office_settings {
	bool is_shared; /* other programs change the Maildirs */
	uint32_t journal_octets;
	uint64_t kept_seconds; /* 0: for ever */
	bool is_kept_from_retrieval;
	uint64_t tending_ns; /* between two looks at what can wait */
};

extern struct office {
	struct office_settings settings;
	struct disk *disk;
	struct disk_process store_process, session_process;
	struct store *store; /* NULL: it is not running */
	bool is_store_dying;
	bool power_goes; /* when the store dies in a call, with it */
	/* The disk had no room for what the delivery journal holds: that is
	   kept for the next start. */
	bool has_unfiled;
	unsigned failures;     /* of any kind, so far */
	unsigned failed_calls; /* of the stores before this one */
} office;

void office_begin(const struct office_settings *settings);
void office_end(void);
/* After each step: has a process died in it? */
void office_check(void);
void office_kill_store(void);
void office_kill_sessions(bool is_told);
void office_power_cut(enum disk_loss loss);
/* Faults were put in, or taken out. */
void office_failed(void);
/* Calls of the store that a fault has made fail, so far. */
unsigned office_failed_calls(void);

/* ---- executor.c: the store's jobs, when chance wants ---- */

extern struct executor simulated_executor;
/* Does all that waits, now. */
void executor_drain(void);
/* 1: as fast as can be. */
void executor_set_slowness(unsigned slowness);

/* ---- served.c: connections of the session process ---- */

void served_begin(void);
void served_kill_all(bool is_told);
/* The store is about to be freed: what is held of it is given back. */
void served_lost_store(void);
unsigned served_count(void);

#endif
