/* SPDX-License-Identifier: ISC */
/*
 * memory - a store without a disk, for tests and demonstrations: what it holds
 * ends with it. Everything is carried out before the operation returns.
 *
 * A mailbox is one file in memory to which messages are appended; the space of
 * deleted ones is not used again. A message begins at an offset in it. No
 * descriptor of it is given out: messages are streamed, and locks may run out, as
 * with stores that have no files on this machine.
 */
#ifndef STORE_MEMORY_MEMORY_H
#define STORE_MEMORY_MEMORY_H

#include "store/files.h"
#include "store/registry.h"

/* `options`: lease_ms alone. Errors  ERR_TRY_LATER (memory) */
enum outcome memory_store_new(const struct store_options *options,
	struct files *files, struct store **out);

#endif
