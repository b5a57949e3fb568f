/* SPDX-License-Identifier: ISC */
/*
 * memory - a store without a disk, for tests and demonstrations: what it holds
 * ends with it. Everything is carried out before the operation returns.
 *
 * A mailbox is one file in memory to which messages are appended; the space of
 * deleted ones is not used again. A message begins at an offset in it.
 */
#ifndef STORE_MEMORY_MEMORY_H
#define STORE_MEMORY_MEMORY_H

#include "store/files.h"
#include "store/store.h"

/* Errors  ERR_TRY_LATER (memory) */
enum outcome memory_store_new(struct files *files, struct store **out);

#endif
