/* SPDX-License-Identifier: ISC */
/* What restantectl status shows. */
#include "base/clock.h"
#include "server/web_state.h"

/* Those that end first. */
#define CERTIFICATES_TOLD 16

static const char *const role_names[ROLE_COUNT] = {
	[ROLE_PARENT] = "parent",
	[ROLE_SESSION] = "session",
	[ROLE_AUTH] = "auth",
	[ROLE_STORE] = "store",
	[ROLE_WEB] = "web",
	[ROLE_KEY] = "key",
	[ROLE_LOOKUP] = "lookup",
};

const char *
web_role_name(enum role role)
{
	return role_names[role];
}

struct web_counters
web_count(void)
{
	struct web_counters sum = {0};

	for (size_t i = 0; i < web.stats_count; i++) {
#define ADD(name) sum.name += web.stats[i]->name;
		STATS_COUNTERS(ADD)
#undef ADD
	}
	return sum;
}

struct stats_sum
web_sum_up(void)
{
	struct stats_sum sum = {0};

	for (size_t i = 0; i < web.stats_count; i++)
		stats_add_up(web.stats[i], &sum);
	return sum;
}

static json_t *
roles_json(uint64_t now_seconds)
{
	json_t *roles = json_array();

	for (size_t i = 0; i < web.roster_count; i++) {
		const struct web_listed *l = &web.roster[i];

		json_array_append_new(roles,
			json_pack("{s:s, s:I, s:I, s:I, s:I}", "role",
				role_names[l->role], "number",
				(json_int_t)l->number, "pid",
				(json_int_t)l->pid, "uptime_seconds",
				(json_int_t)(now_seconds - l->started_seconds),
				"restarts", (json_int_t)l->restarts));
	}
	return roles;
}

static json_t *
counters_json(void)
{
	json_t *counters = json_object();
	struct web_counters sum = web_count();

#define PUT(name)                                                              \
	json_object_set_new(                                                   \
		counters, #name, json_integer((json_int_t)sum.name));
	STATS_COUNTERS(PUT)
#undef PUT
	json_object_set_new(counters, "sessions",
		json_integer((
			json_int_t)(sum.connections - sum.closed_connections)));
	return counters;
}

static json_t *
certificates_json(uint64_t now_seconds)
{
	const struct web_certificate *soonest[CERTIFICATES_TOLD];
	size_t count = web_certificates_soonest(
		&web.certificates, soonest, CERTIFICATES_TOLD);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct web_certificate *at = soonest[i];
		struct certificate_info info = {
			.until_seconds = at->until_seconds};

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "domain",
				at->name, "file", at->file, "names", at->names,
				"key", at->kind, "expires",
				(json_int_t)at->until_seconds, "days_left",
				(json_int_t)certificate_days_left(
					&info, now_seconds)));
	}
	return json_pack("{s:I, s:o}", "count",
		(json_int_t)web.certificates.count, "soonest", list);
}

static json_t *
penalties_json(const struct web_penalties *penalties)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < penalties->count; i++) {
		const struct web_penalty *row = &penalties->rows[i];

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:I, s:I}", "address",
				row->network, "account", row->account,
				"failures", (json_int_t)row->failures,
				"wait_seconds", (json_int_t)row->wait_seconds));
	}
	return json_pack("{s:I, s:o}", "count", (json_int_t)penalties->all,
		"latest", list);
}

static json_t *
mailbox_list_json(const struct survey_list *list)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < list->count; i++) {
		const struct survey_row *row = &list->rows[i];

		json_array_append_new(
			rows, json_pack("{s:s, s:I, s:I, s:I}", "mailbox",
				      row->mailbox, "messages",
				      (json_int_t)row->messages, "octets",
				      (json_int_t)row->octets, "changed",
				      (json_int_t)row->changed_seconds));
	}
	return rows;
}

static json_t *
mailboxes_json(const struct survey *survey)
{
	return json_pack("{s:I, s:I, s:I, s:o, s:o}", "count",
		(json_int_t)survey->mailboxes, "messages",
		(json_int_t)survey->messages, "octets",
		(json_int_t)survey->octets, "largest",
		mailbox_list_json(&survey->largest), "unchanged_longest",
		mailbox_list_json(&survey->stillest));
}

static json_t *
row_json(size_t offset)
{
	json_t *row = json_array();

	for (size_t i = 0; i < web_history_columns(&web.history); i++)
		json_array_append_new(
			row, json_integer((json_int_t)web_history_column(
				     &web.history, i, offset)));
	return row;
}

static json_t *
history_json(void)
{
	json_t *history = json_pack("{s:i}", "step_seconds",
		WEB_HISTORY_PLOT_STEPS * WEB_HISTORY_STEP_SECONDS);

#define PUT(name)                                                              \
	json_object_set_new(history, #name,                                    \
		row_json(offsetof(struct web_counters, name)));
	PUT(logins)
	PUT(failed_logins)
	PUT(deliveries)
	PUT(retrieved_octets)
#undef PUT
	return history;
}

json_t *
web_status_json(bool has_penalties)
{
	uint64_t now_seconds = clock_wall_seconds();
	json_t *penalties =
		has_penalties ? penalties_json(&web.told.penalties) : NULL;

	return json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o*}",
		"version", RESTANTE_VERSION, "hostname",
		web.boot->settings.hostname, "uptime_seconds",
		(json_int_t)(now_seconds - web.started_seconds), "roles",
		roles_json(now_seconds), "counters", counters_json(), "history",
		history_json(), "mailboxes", mailboxes_json(&web.told.survey),
		"certificates", certificates_json(now_seconds), "traces",
		web_traces_json(), "penalties", penalties);
}
