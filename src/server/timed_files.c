/* SPDX-License-Identifier: ISC */
#include "server/timed_files.h"
#include "base/clock.h"

static struct stats *counted;

static int
count(enum stats_timing timing, uint64_t began_us, int result)
{
	stats_count_time(counted, timing, clock_monotonic_us() - began_us);
	return result;
}

static int
timed_sync(struct files *files, int descriptor)
{
	uint64_t began_us = clock_monotonic_us();

	return count(STATS_FSYNC, began_us,
		files_posix.sync(&files_posix, descriptor));
}

static int
timed_sync_data(struct files *files, int descriptor)
{
	uint64_t began_us = clock_monotonic_us();

	return count(STATS_FDATASYNC, began_us,
		files_posix.sync_data(&files_posix, descriptor));
}

static int
timed_sync_file_system(struct files *files, int descriptor)
{
	uint64_t began_us = clock_monotonic_us();

	return count(STATS_SYNCFS, began_us,
		files_posix.sync_file_system(&files_posix, descriptor));
}

struct files *
timed_files(struct stats *stats)
{
	static struct files timed;

	counted = stats;
	timed = files_posix;
	timed.sync = timed_sync;
	timed.sync_data = timed_sync_data;
	timed.sync_file_system = timed_sync_file_system;
	return &timed;
}
