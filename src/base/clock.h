/* SPDX-License-Identifier: ISC */
/*
 * clock - the only place that asks the system for the time. Pure code gets the
 * time as a parameter.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds of a clock that never goes back; only differences mean anything. */
uint64_t clock_monotonic_ms(void);
/* The same in microseconds. */
uint64_t clock_monotonic_us(void);
/* Microseconds since 1970-01-01 00:00 UTC. */
uint64_t clock_wall_us(void);
/* Seconds since 1970-01-01 00:00 UTC. */
uint64_t clock_wall_seconds(void);

#endif
