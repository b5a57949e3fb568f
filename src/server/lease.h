/* SPDX-License-Identifier: ISC */
/*
 * lease - in the store role: the locks of open maildrops that run out are
 * renewed, three times in the time they last. One that is lost ends its session
 * without a deletion.
 */
#ifndef SERVER_LEASE_H
#define SERVER_LEASE_H

#include "server/store_role.h"

void lease_init(uv_loop_t *loop);
/* The holder has just opened its maildrop; 0: its lock does not run out. */
void lease_begin(struct store_holder *holder, uint32_t lease_ms);
/* The session is released or about to be. */
void lease_end(struct store_holder *holder);

#endif
