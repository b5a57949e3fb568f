/* SPDX-License-Identifier: ISC */
#include "trace.h"
#include "clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct totals totals;

static uint64_t seed, steps, digest;
static bool is_printed;

void
trace_begin(uint64_t new_seed, bool new_is_printed)
{
	seed = new_seed;
	is_printed = new_is_printed;
	steps = digest = 0;
}

void
trace_step(void)
{
	steps++;
}

uint64_t
trace_steps(void)
{
	return steps;
}

uint64_t
trace_digest(void)
{
	return digest;
}

void
trace(const char *who, const char *format, ...)
{
	char line[400];
	va_list list;
	int n = snprintf(line, sizeof(line), "%6" PRIu64 " %12.6f %-10s ",
		steps, (double)(clock_now_ns() % (1000000 * SECOND)) / 1e9,
		who);

	va_start(list, format);
	vsnprintf(line + n, sizeof(line) - (size_t)n, format, list);
	va_end(list);
	digest = XXH3_64bits_withSeed(line, strlen(line), digest);
	if (is_printed)
		puts(line);
}

void
violation(const char *format, ...)
{
	va_list list;

	fflush(stdout);
	fprintf(stderr, "VIOLATION in seed %" PRIu64 " at step %" PRIu64 ": ",
		seed, steps);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fprintf(stderr,
		"\nsee it: script/simulate --seed %" PRIu64 " --steps %" PRIu64
		"\n",
		seed, steps);
	exit(1);
}
