/* SPDX-License-Identifier: ISC */
/* simulate - runs seeds; tests/simulation/README.md. */
#include "run.h"
#include "trace.h"

#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* SQLite and libcrypto keep some for ever. */
#define GROWTH_MAXIMUM_OCTETS (256u << 10)
#define WARM_SEEDS	      20
#define REPORT_SECONDS	      60

struct arguments {
	uint64_t first, last, steps;
	double hours;
	bool is_printed, is_twice;
};

static const char usage[] =
	"usage: simulate --seed N [--steps M]    one seed, with its trace\n"
	"       simulate --seeds A..B            many, without\n"
	"       simulate --hours H [--seeds A..] as many as there is time for\n"
	"\n"
	"  --twice   each seed once more: it must take the same way\n";

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
report(double since)
{
	double seconds = now() - since;

	printf("%" PRIu64 " seeds, %" PRIu64 " operations, %" PRIu64
	       " crashes, 0 violations\n",
		totals.seeds, totals.operations, totals.crashes);
	fprintf(stderr,
		"%.1f seeds a second; %" PRIu64 " deliveries, %" PRIu64
		" sessions, %" PRIu64 " collections, %" PRIu64 " faults\n",
		(double)totals.seeds / seconds, totals.deliveries,
		totals.sessions, totals.runs, totals.faults);
	fflush(stdout);
}

static void
run_one(const struct arguments *a, uint64_t seed)
{
	uint64_t digest = run_seed(seed, a->steps, a->is_printed);

	if (a->is_twice && run_seed(seed, a->steps, a->is_printed) != digest)
		violation("the same seed took another way");
}

/* What a seed takes it gives back. */
static void
check_memory(uint64_t done)
{
	static size_t warm;
	size_t in_use = mallinfo2().uordblks;

	if (done == WARM_SEEDS)
		warm = in_use;
	else if (done > WARM_SEEDS && in_use > warm + GROWTH_MAXIMUM_OCTETS)
		violation("%zu octets are in use after %" PRIu64
			  " seeds, %zu after %d",
			in_use, done, warm, WARM_SEEDS);
}

static void
run_all(const struct arguments *a)
{
	double start = now(), reported = start;
	uint64_t done = 0;

	for (uint64_t seed = a->first; seed <= a->last; seed++) {
		run_one(a, seed);
		check_memory(++done);
		if (a->hours > 0 && now() - reported > REPORT_SECONDS) {
			report(start);
			reported = now();
		}
		if (a->hours > 0 && now() - start > a->hours * 3600)
			break;
	}
	if (a->is_printed)
		printf("seed %" PRIu64 ": digest %016" PRIx64 "\n", a->first,
			trace_digest());
	else
		report(start);
}

static void
fail_usage(void)
{
	fputs(usage, stderr);
	exit(64);
}

static uint64_t
number(const char *text, char **end)
{
	uint64_t value = strtoull(text, end, 10);

	if (*end == text)
		fail_usage();
	return value;
}

static void
take_range(struct arguments *a, const char *text)
{
	char *end;

	a->first = number(text, &end);
	if (strncmp(end, "..", 2) != 0)
		fail_usage();
	a->last = end[2] ? number(end + 2, &end) : UINT64_MAX;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"seeds", required_argument, NULL, 'r'},
		{"steps", required_argument, NULL, 'n'},
		{"hours", required_argument, NULL, 'h'},
		{"twice", no_argument, NULL, 't'},
		{"help", no_argument, NULL, '?'}, {NULL, 0, NULL, 0}};
	struct arguments a = {.first = 1, .last = 0};
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 's':
			a.first = a.last = number(optarg, &end);
			a.is_printed = true;
			break;
		case 'r':
			take_range(&a, optarg);
			break;
		case 'n':
			a.steps = number(optarg, &end);
			break;
		case 'h':
			a.hours = strtod(optarg, &end);
			if (a.last == 0)
				a.last = UINT64_MAX;
			break;
		case 't':
			a.is_twice = true;
			break;
		default:
			fail_usage();
		}
	if (optind < argc || a.last < a.first)
		fail_usage();
	run_all(&a);
	return 0;
}
