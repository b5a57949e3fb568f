/* SPDX-License-Identifier: ISC */
/* What the web listener serves: the pages, filled with what the role knows. */
#include "base/clock.h"
#include "server/web_http.h"
#include "server/web_page.h"
#include "server/web_state.h"

#include <stdlib.h>

static bool
fill(bool (*make)(const struct web_snapshot *snapshot, struct buffer *out),
	struct buffer *out)
{
	struct web_page_role *roles =
		calloc(web.roster_count + 1, sizeof(*roles));
	uint64_t now_seconds = clock_wall_seconds();
	struct web_snapshot snapshot = {.version = RESTANTE_VERSION,
		.hostname = web.boot->settings.hostname,
		.now_seconds = now_seconds,
		.started_seconds = web.started_seconds,
		.counters = web_count(),
		.sums = web_sum_up(),
		.told = &web.told,
		.history = &web.history,
		.certificates = &web.certificates,
		.roles = roles,
		.role_count = roles ? web.roster_count : 0};
	bool is_good;

	/* For the next one. */
	web_ask_survey();
	web_ask_penalties();
	for (size_t i = 0; i < snapshot.role_count; i++) {
		const struct web_listed *l = &web.roster[i];

		roles[i] = (struct web_page_role){web_role_name(l->role),
			l->number, l->pid, l->restarts,
			now_seconds - l->started_seconds};
	}
	is_good = roles && make(&snapshot, out);
	free(roles);
	return is_good;
}

static bool
make_status(struct buffer *out)
{
	return fill(web_page_status, out);
}

static bool
make_metrics(struct buffer *out)
{
	return fill(web_page_metrics, out);
}

const struct web_http_page web_site[] = {
	{"/", "text/html; charset=utf-8", make_status},
	{"/metrics",
		"application/openmetrics-text; version=1.0.0; charset=utf-8",
		make_metrics},
	{NULL, NULL, NULL},
};

static void
on_sample(uv_timer_t *timer)
{
	struct web_counters now = web_count();

	web_history_add(&web.history, &now);
	/* So that a page shows mailboxes as they were a step ago, at worst. */
	web_ask_survey();
}

void
web_site_start(void)
{
	uv_timer_init(&web.loop, &web.sampling);
	uv_timer_start(
		&web.sampling, on_sample, 0, WEB_HISTORY_STEP_SECONDS * 1000);
}
