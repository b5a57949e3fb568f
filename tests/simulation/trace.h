/* SPDX-License-Identifier: ISC */
/*
 * trace - what happened, a line a time: the step, the simulated seconds, who,
 * what. The digest of all lines is the same whenever a seed runs. A violation
 * is the end.
 */
#ifndef TESTS_SIMULATION_TRACE_H
#define TESTS_SIMULATION_TRACE_H

#include <stdbool.h>
#include <stdint.h>

void trace_begin(uint64_t seed, bool is_printed);
/* One more step. */
void trace_step(void);
uint64_t trace_steps(void);
/* Of all that was told since trace_begin. */
uint64_t trace_digest(void);

__attribute__((format(printf, 2, 3))) void trace(
	const char *who, const char *format, ...);
/* Says seed, step and what is wrong, and how to see it again; ends the
   program. */
__attribute__((format(printf, 1, 2), noreturn)) void violation(
	const char *format, ...);

/* Counted over all seeds. */
struct totals {
	uint64_t seeds, operations, crashes, faults, deliveries, sessions, runs;
};
extern struct totals totals;

#endif
