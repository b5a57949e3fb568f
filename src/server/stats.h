/* SPDX-License-Identifier: ISC */
/*
 * stats - counters of one role, in memory it shares with the web role: counting
 * is one addition and no message. They outlive a restart of the role.
 */
#ifndef SERVER_STATS_H
#define SERVER_STATS_H

#include "base/outcome.h"

#include <stdatomic.h>
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

struct stats {
#define STATS_MEMBER(name) _Atomic uint64_t name;
	STATS_COUNTERS(STATS_MEMBER)
#undef STATS_MEMBER
};

/* A descriptor of zeroed counters; -1 with errno. */
int stats_make(void);
/* Maps *fd and closes it (-1). NULL on failure. */
struct stats *stats_map(int *fd, int is_writable);

#define stats_add(stats, name, amount)                                         \
	atomic_fetch_add_explicit(                                             \
		&(stats)->name, (amount), memory_order_relaxed)

#endif
