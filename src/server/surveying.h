/* SPDX-License-Identifier: ISC */
/*
 * surveying - in the store role: SURVEY of web, taken in a thread, and not
 * again before a hundred times as long as it took is over.
 */
#ifndef SERVER_SURVEYING_H
#define SERVER_SURVEYING_H

#include "process/message.h"

#include <uv.h>

/* A copy of `state_root` is kept. */
void surveying_init(uv_loop_t *loop, int state_root);
/* False: malformed. Who asks while it is under way is not answered. */
bool surveying_on_survey(uint64_t web_instance, struct message *message);

#endif
