/* SPDX-License-Identifier: ISC */
#include "server/stats.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int
stats_make(void)
{
	int fd = memfd_create("restante-stats", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, sizeof(struct stats)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

struct stats *
stats_map(int *fd, int is_writable)
{
	int protection = PROT_READ | (is_writable ? PROT_WRITE : 0);
	void *at;

	at = mmap(NULL, sizeof(struct stats), protection, MAP_SHARED, *fd, 0);
	close(*fd);
	*fd = -1;
	return at == MAP_FAILED ? NULL : at;
}

/* ---- logins ---- */

/* Words of the wire; what a peer made up is none of them. */
static const char *const methods[STATS_METHODS] = {"USER", "APOP", "PLAIN",
	"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256",
	"SCRAM-SHA-256-PLUS", "EXTERNAL", "OAUTHBEARER", "XOAUTH2", "other"};

const char *
stats_method_name(unsigned index)
{
	return index < STATS_METHODS ? methods[index] : NULL;
}

void
stats_count_login(struct stats *stats, const char *method, bool is_ok)
{
	unsigned index = 0;

	while (index + 1 < STATS_METHODS && strcmp(methods[index], method) != 0)
		index++;
	if (is_ok) {
		stats_add(stats, logins, 1);
		stats_add(stats, detail.logins_by[index].ok, 1);
	} else {
		stats_add(stats, failed_logins, 1);
		stats_add(stats, detail.logins_by[index].failed, 1);
	}
}

/* ---- times ---- */

uint64_t
stats_bucket_bound_us(unsigned index)
{
	static const uint64_t bounds[STATS_BUCKETS] = {100, 250, 500, 1000,
		2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
		1000000, 2500000, 5000000, 10000000, UINT64_MAX};

	return bounds[index];
}

void
stats_count_time(struct stats *stats, enum stats_timing timing, uint64_t us)
{
	unsigned bucket = 0;

	while (us > stats_bucket_bound_us(bucket))
		bucket++;
	stats_add(stats, detail.times[timing].buckets[bucket], 1);
	stats_add(stats, detail.times[timing].sum_us, us);
}

/* ---- sums ---- */

_Static_assert(sizeof(struct stats_detail) == sizeof(struct stats_sum),
	"one is the sum of the other, number by number");

void
stats_add_up(const struct stats *stats, struct stats_sum *sum)
{
	const _Atomic uint64_t *from =
		(const _Atomic uint64_t *)(const void *)&stats->detail;
	uint64_t number;

	for (size_t i = 0; i < sizeof(*sum); i += sizeof(number)) {
		memcpy(&number, (char *)sum + i, sizeof(number));
		number += atomic_load_explicit(
			&from[i / sizeof(number)], memory_order_relaxed);
		memcpy((char *)sum + i, &number, sizeof(number));
	}
}
