/* SPDX-License-Identifier: ISC */
/*
 * secret_program - a program that prints a secret, or takes one: neither stands
 * in its arguments.
 */
#ifndef COLLECT_SECRET_PROGRAM_H
#define COLLECT_SECRET_PROGRAM_H

#include "base/secret.h"
#include "collect/secret_source.h"

enum secret_program_end {
	SECRET_PROGRAM_DONE,
	SECRET_PROGRAM_NOT_STARTED, /* errno */
	SECRET_PROGRAM_FAILED,	    /* it says by its exit code */
	SECRET_PROGRAM_SILENT,	    /* its first line is empty or too long */
	SECRET_PROGRAM_SLOW,	    /* it was ended */
	SECRET_PROGRAM_CANCELLED,
};

/* The first line of what `fd` gives; SECRET_PROGRAM_DONE, _SILENT, _SLOW or
 * _CANCELLED. */
enum secret_program_end secret_program_read_line(
	int fd, struct secret *out, const atomic_bool *is_cancelled);
/* Looked for on the PATH; argv ends with NULL. */
enum secret_program_end secret_program_read(const char *const *argv,
	struct secret *out, const atomic_bool *is_cancelled);
/* `secret` goes to its standard input. */
enum secret_program_end secret_program_write(
	const char *const *argv, const struct secret *secret);

#endif
