/* SPDX-License-Identifier: ISC */
/*
 * collector - the machine of somebody who collects mail: a disk with a Maildir
 * and a ledger for each account, and a process with the real collections, one
 * account after the other.
 */
#ifndef TESTS_SIMULATION_COLLECTOR_H
#define TESTS_SIMULATION_COLLECTOR_H

#include "disk.h"

#include <stdbool.h>

extern struct disk *collector_disk;
extern struct disk_process collector_process;

/* Bit i of keep: mailbox i is left on the server. */
void collector_begin(unsigned keep, unsigned runs);
/* After each step: has the process died in it? */
void collector_check(void);
void collector_kill(void);
void collector_power_cut(enum disk_loss loss);
/* No more runs. True: none is under way. */
bool collector_rest(void);
/* Collects a mailbox; true once a run has come to a good end. Called again
   until then. */
bool collector_collect(unsigned mailbox);
/* Each message of a mailbox that is there, once at most; sets the bits of the
   letters. */
void collector_look_through(unsigned mailbox, unsigned char *out);
void collector_end(void);
/* For collector_line.c: QUIT is about to go out. */
void collector_quits(void);

/* ---- collector_line.c: connections of the collector ---- */

/* All are over, without a word to the other side. */
void lines_break(void);

/* ---- collector_pool.c: its thread pool ---- */

void pool_drain(void);

#endif
