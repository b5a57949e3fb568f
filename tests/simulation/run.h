/* SPDX-License-Identifier: ISC */
/* run - one seed, from its beginning to its end. */
#ifndef TESTS_SIMULATION_RUN_H
#define TESTS_SIMULATION_RUN_H

#include <stdbool.h>
#include <stdint.h>

/* steps: after so many it stops, without looking any further; 0: never. The
   digest of its trace. */
uint64_t run_seed(uint64_t seed, uint64_t steps, bool is_printed);

#endif
