/* SPDX-License-Identifier: ISC */
/*
 * report - what is said of one transcript in one mode: nothing, or one line
 * with the place in the file, what was expected and what came.
 */
#ifndef TESTS_REPORT_H
#define TESTS_REPORT_H

#include "transcript.h"

struct report {
	const struct transcript *transcript;
	enum mode mode;
	bool has_failed;
};

/* Only the first failure is said: what follows one means nothing. */
void report_failure(struct report *report, unsigned line, const char *expected,
	const char *got);
/* As above; octets are shown with escapes. */
void report_octets(struct report *report, unsigned line,
	const struct entry *expected, struct bytes got);

#endif
