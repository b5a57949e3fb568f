/* SPDX-License-Identifier: ISC */
/*
 * seccomp_filter - which system calls a role may make. Three answers:
 *
 *   what the role's list names      is made
 *   what only an attacker would do  kills the process: open, connect, execve,
 *                                   ptrace, kill and their like
 *   anything else                   is refused with EPERM, and told: a new libc
 *                                   must not take the server down
 *
 * A call that the role's list names is no attack.
 *
 * A role that loads libraries as it goes may also map what they execute and
 * start threads; a new process is refused there, since modules of others try
 * it, and told.
 */
#ifndef PROCESS_SECCOMP_FILTER_H
#define PROCESS_SECCOMP_FILTER_H

#include "base/outcome.h"

#include <stdbool.h>

/*
 * For all threads there are and will be. The lists of names end with NULL; one
 * that this machine's kernel interface does not have is skipped.
 *
 * may_load    it loads libraries as it goes
 * on_refused  called once for each system call that is refused, in a signal
 *             handler; NULL: nobody is told
 * Errors      ERR_TRY_LATER: the kernel has no seccomp; ERR_BROKEN
 */
enum outcome seccomp_filter_enter(const char *const *allowed, bool may_load,
	void (*on_refused)(int number));

/* How many new processes this thread was refused: what a module says then is
   not to be believed. */
unsigned seccomp_filter_refused_starts(void);

/* "openat"; for the log, not for a signal handler. Into out, cut when longer. */
void seccomp_filter_name(int number, char out[32]);

#endif
