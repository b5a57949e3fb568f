/* SPDX-License-Identifier: ISC */
/* chance - all that is left to chance in a run, out of its seed. */
#ifndef TESTS_SIMULATION_CHANCE_H
#define TESTS_SIMULATION_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

void chance_begin(uint64_t seed);
uint64_t chance_number(void);
/* 0..n - 1; n from 1. */
uint64_t chance_below(uint64_t n);
/* One time in n. */
bool chance_one_in(uint64_t n);
/* Mostly near `least`, seldom near `most`: as times and sizes are. */
uint64_t chance_between(uint64_t least, uint64_t most);

#endif
