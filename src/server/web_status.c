/* SPDX-License-Identifier: ISC */
/* What restantectl status shows. */
#include "accounts/accounts.h"
#include "base/clock.h"
#include "net/address.h"
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

json_t *
web_status_json(json_t *penalties)
{
	uint64_t now_seconds = clock_wall_seconds();

	return json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o*}", "version",
		RESTANTE_VERSION, "hostname", web.boot->settings.hostname,
		"uptime_seconds",
		(json_int_t)(now_seconds - web.started_seconds), "roles",
		roles_json(now_seconds), "counters", counters_json(),
		"certificates", certificates_json(now_seconds), "penalties",
		penalties);
}

static json_t *
penalty_json(struct message_reader *reader)
{
	char network[ADDRESS_TEXT_SIZE], account[ACCOUNT_NAME_SIZE];
	uint32_t failures, wait_ms;

	message_get_string(reader, network, sizeof(network));
	message_get_string(reader, account, sizeof(account));
	failures = message_get_u32(reader);
	wait_ms = message_get_u32(reader);
	return json_pack("{s:s, s:s, s:I, s:I}", "address", network, "account",
		account, "failures", (json_int_t)failures, "wait_seconds",
		(json_int_t)(wait_ms + 999) / 1000);
}

json_t *
web_penalties_json(struct message_reader *reader)
{
	uint32_t all = message_get_u32(reader), count = message_get_u32(reader);
	json_t *list = json_array();

	while (count-- > 0 && !reader->is_malformed)
		json_array_append_new(list, penalty_json(reader));
	if (message_reader_finish(reader))
		return json_pack(
			"{s:I, s:o}", "count", (json_int_t)all, "latest", list);
	json_decref(list);
	return NULL;
}
