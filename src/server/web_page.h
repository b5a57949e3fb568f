/* SPDX-License-Identifier: ISC */
/*
 * web_page - what the web listener shows, as text: the status page for people,
 * the metrics for programs. No I/O, no clock.
 *
 * Source: OpenMetrics 1.0.0; Prometheus' rules of naming.
 */
#ifndef SERVER_WEB_PAGE_H
#define SERVER_WEB_PAGE_H

#include "base/buffer.h"
#include "server/web_certificates.h"
#include "server/web_history.h"
#include "server/web_told.h"

#define WEB_PAGE_MAXIMUM_OCTETS (4u << 20)

struct web_page_role {
	const char *name;
	uint32_t number, pid, restarts;
	uint64_t uptime_seconds;
};

struct web_snapshot {
	const char *version, *hostname;
	uint64_t now_seconds, started_seconds;
	struct web_counters counters;
	struct stats_sum sums;
	const struct web_told *told;
	const struct web_history *history;
	const struct web_page_role *roles;
	size_t role_count;
	const struct web_certificates *certificates;
};

/* False: it does not fit. */
bool web_page_metrics(const struct web_snapshot *snapshot, struct buffer *out);
bool web_page_status(const struct web_snapshot *snapshot, struct buffer *out);

#endif
