/* SPDX-License-Identifier: ISC */
/*
 * store_opening - from the settings to an open store, for the store role: its
 * directories, the lock on its state, the rights it keeps.
 */
#ifndef SERVER_STORE_OPENING_H
#define SERVER_STORE_OPENING_H

#include "server/boot.h"
#include "server/confinement.h"
#include "store/executor.h"
#include "store/store.h"

/* Drops what rights it has, and tells `confinement` what the store still
   reaches. What cannot be opened ends the process. */
struct store *store_opening(struct boot *boot, uv_loop_t *loop,
	struct executor *executor, struct confinement *confinement);

#endif
