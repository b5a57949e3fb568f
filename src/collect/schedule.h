/* SPDX-License-Identifier: ISC */
/*
 * schedule - when an account is collected next, and a file of the state from
 * which `restante status` learns it while the daemon runs.
 */
#ifndef COLLECT_SCHEDULE_H
#define COLLECT_SCHEDULE_H

#include "base/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* After failures in a row the interval doubles, up to this. */
#define SCHEDULE_MAXIMUM_SECONDS (6 * 3600)
#define SCHEDULE_MINIMUM_SECONDS 60 /* after a failure */
#define SCHEDULE_ERROR_SIZE	 256

/*
 * How long to wait: the interval, doubled for each failure, and a tenth more or
 * less, so that many accounts, or machines, do not come at once. Pure.
 * failures  in a row
 * random    any number
 */
uint64_t schedule_wait_ms(
	uint64_t interval_seconds, unsigned failures, uint64_t random);

struct schedule_entry {
	const char *account;
	uint64_t next_seconds; /* since 1970; 0: when it is told to */
	bool is_running;
};

/* Held by the daemon; the kernel lets it go when the daemon ends. */
struct schedule_file;

/* ERR_BUSY: another daemon has it. */
enum outcome schedule_file_open(const char *state, struct schedule_file **out,
	char error[SCHEDULE_ERROR_SIZE]);
void schedule_file_close(struct schedule_file **file);
/* The entries replace what was there. */
bool schedule_file_write(struct schedule_file *file,
	const struct schedule_entry *entries, size_t count);

/* False: no daemon runs, or it does not collect this account. `account` of *out
 * is the caller's. */
bool schedule_read(
	const char *state, const char *account, struct schedule_entry *out);

#endif
