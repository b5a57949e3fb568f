/* SPDX-License-Identifier: ISC */
/*
 * secret_task - reads an account's passwords in a thread of its own, so that a
 * command that takes its time holds up no other account.
 */
#ifndef COLLECT_SECRET_TASK_H
#define COLLECT_SECRET_TASK_H

#include "collect/secret_source.h"

#include <uv.h>

struct secret_task;

/*
 * By the loop, once; the passwords are in `out` and `out_deliver` then, which
 * are the thread's until then.
 */
typedef void secret_task_done(
	enum outcome outcome, const char *error, void *context);

/* NULL: no memory, or no thread. Gives its memory back by itself. */
struct secret_task *secret_task_start(uv_loop_t *loop,
	const struct collect_account *account, struct secret *out,
	struct secret *out_deliver, secret_task_done *done, void *context);
/* It is soon done. */
void secret_task_cancel(struct secret_task *task);

#endif
