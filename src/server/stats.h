/* SPDX-License-Identifier: ISC */
/*
 * stats - counters of one role, in memory it shares with the web role: counting
 * is one addition and no message. They outlive a restart of the role.
 */
#ifndef SERVER_STATS_H
#define SERVER_STATS_H

#include "base/outcome.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define STATS_COUNTERS(COUNTER)                                                \
	COUNTER(connections)                                                   \
	COUNTER(closed_connections)                                            \
	COUNTER(refused_connections)                                           \
	COUNTER(handshakes)                                                    \
	COUNTER(failed_handshakes)                                             \
	COUNTER(logins)                                                        \
	COUNTER(failed_logins)                                                 \
	COUNTER(retrieved_messages)                                            \
	COUNTER(retrieved_octets)                                              \
	COUNTER(deleted_messages)                                              \
	COUNTER(deliveries)                                                    \
	COUNTER(rejected_deliveries)

/* How a login was tried; the last one is any other. */
#define STATS_METHODS 11
/* Rows of a table of commands, and behind them the unknown. */
#define STATS_COMMANDS_MAXIMUM 32

enum stats_timing {
	STATS_FSYNC,
	STATS_FDATASYNC,
	STATS_SYNCFS,
	STATS_MAILDROP_OPEN,
	STATS_TIMINGS,
};

/* Of a time: at most 100 us, 250 us ... 10 s, and any. */
#define STATS_BUCKETS 17

/* Shared, where `number` is atomic, or summed up. */
#define STATS_SHAPE(name, number)                                              \
	struct name##_times {                                                  \
		number buckets[STATS_BUCKETS];                                 \
		number sum_us;                                                 \
	};                                                                     \
	struct name##_logins {                                                 \
		number ok, failed;                                             \
	};                                                                     \
	struct name {                                                          \
		number pop3_commands[STATS_COMMANDS_MAXIMUM];                  \
		struct name##_logins logins_by[STATS_METHODS];                 \
		struct name##_times times[STATS_TIMINGS];                      \
	}

STATS_SHAPE(stats_detail, _Atomic uint64_t);
STATS_SHAPE(stats_sum, uint64_t);

struct stats {
#define STATS_MEMBER(name) _Atomic uint64_t name;
	STATS_COUNTERS(STATS_MEMBER)
#undef STATS_MEMBER
	struct stats_detail detail;
};

/* A descriptor of zeroed counters; -1 with errno. */
int stats_make(void);
/* Maps *fd and closes it (-1). NULL on failure. */
struct stats *stats_map(int *fd, int is_writable);

#define stats_add(stats, name, amount)                                         \
	atomic_fetch_add_explicit(                                             \
		&(stats)->name, (amount), memory_order_relaxed)

/* "USER", "PLAIN"...; NULL behind the last. */
const char *stats_method_name(unsigned index);
void stats_count_login(struct stats *stats, const char *method, bool is_ok);
/* The bounds in microseconds, UINT64_MAX the last. */
uint64_t stats_bucket_bound_us(unsigned index);
/* Callable from any thread. */
void stats_count_time(
	struct stats *stats, enum stats_timing timing, uint64_t us);
/* Adds what is in `stats` to `sum`. */
void stats_add_up(const struct stats *stats, struct stats_sum *sum);

#endif
