/* SPDX-License-Identifier: ISC */
/*
 * clock - simulated time: it stands still while something happens, and goes on
 * to the next thing that is to happen. Two things at one time come in the order
 * in which they were begun. base/clock.h tells this time to the programs.
 */
#ifndef TESTS_SIMULATION_CLOCK_H
#define TESTS_SIMULATION_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define MICROSECOND 1000ull
#define MILLISECOND (1000 * MICROSECOND)
#define SECOND	    (1000 * MILLISECOND)
#define MINUTE	    (60 * SECOND)
#define HOUR	    (60 * MINUTE)

/* Of every run, since 1970. */
#define CLOCK_START_NS (1790000000ull * SECOND)

/* Embedded by its owner, who stops it before it goes. */
struct event {
	void (*run)(void *context);
	void *context;
	uint64_t at_ns, order;
	unsigned place; /* in the queue, from 1; 0: it does not wait */
};

/* pace: pauses between what people and programs do are so many times longer. */
void clock_begin(unsigned pace);
void clock_end(void);
/* Since 1970. */
uint64_t clock_now_ns(void);
/* Lets what comes first happen; false: there is nothing more. */
bool clock_step(void);

void event_init(struct event *event, void (*run)(void *context), void *context);
/* Anew when it waits already. */
void event_start(struct event *event, uint64_t after_ns);
void event_stop(struct event *event);
/* After a pause. */
void event_pause(struct event *event, uint64_t least_ns, uint64_t most_ns);

#endif
