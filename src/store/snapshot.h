/* SPDX-License-Identifier: ISC */
/*
 * snapshot - reads a mailbox's index through the descriptor that a store gave.
 * Runs in the session process: it trusts nothing in the file, so that a damaged
 * index costs a -ERR [SYS/PERM] and never a crash.
 *
 * The file's format is in docs/formats/index.md; every store's snapshot has it.
 */
#ifndef STORE_SNAPSHOT_H
#define STORE_SNAPSHOT_H

#include "store/store.h"

struct snapshot;

/*
 * Takes snapshot->descriptor (set to -1). The file is mapped at the first
 * message asked for, not before: STAT and QUIT cost no mapping.
 * Errors  ERR_TRY_LATER (memory)
 */
enum outcome snapshot_new(struct store_snapshot *from, struct snapshot **out);
void snapshot_free(struct snapshot **snapshot);
/* Borrowed for the life of the snapshot. */
const struct maildrop *snapshot_maildrop(const struct snapshot *snapshot);

#endif
