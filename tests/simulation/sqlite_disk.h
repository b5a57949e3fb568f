/* SPDX-License-Identifier: ISC */
/*
 * sqlite_disk - SQLite's files on a simulated disk, as the default of all that
 * is opened: the collector's ledger with its journal, synced and torn like any
 * other file. One process, one connection for a file: locks are not needed,
 * and what SQLite shares between processes is its own memory.
 */
#ifndef TESTS_SIMULATION_SQLITE_DISK_H
#define TESTS_SIMULATION_SQLITE_DISK_H

#include "disk.h"

/* Borrowed until the next call. */
void sqlite_disk_use(struct disk_process *process);

#endif
