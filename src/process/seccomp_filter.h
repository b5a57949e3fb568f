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
 */
#ifndef PROCESS_SECCOMP_FILTER_H
#define PROCESS_SECCOMP_FILTER_H

#include "base/outcome.h"

/*
 * For all threads there are and will be. The lists of names end with NULL; one
 * that this machine's kernel interface does not have is skipped.
 *
 * on_refused  called once for each system call that is refused, in a signal
 *             handler; NULL: nobody is told
 * Errors      ERR_TRY_LATER: the kernel has no seccomp; ERR_BROKEN
 */
enum outcome seccomp_filter_enter(
	const char *const *allowed, void (*on_refused)(int number));

/* "openat"; for the log, not for a signal handler. Into out, cut when longer. */
void seccomp_filter_name(int number, char out[32]);

#endif
