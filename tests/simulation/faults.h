/* SPDX-License-Identifier: ISC */
/* faults - what goes wrong, and when. */
#ifndef TESTS_SIMULATION_FAULTS_H
#define TESTS_SIMULATION_FAULTS_H

#include <stdbool.h>

void faults_begin(bool has_foreign);
/* From now on nothing goes wrong any more. */
void faults_end(void);

#endif
