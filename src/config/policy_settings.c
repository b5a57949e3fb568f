/* SPDX-License-Identifier: ISC */
#include "config/policy_settings.h"
#include "config/value.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_SECONDS 86400
/* Keys of a policy: bits of is_set. */
#define KEYS_MAXIMUM 8

/* What one section sets; the rest is inherited. */
struct policy_settings {
	char *name; /* in lower case: a domain, or an account's name */
	struct policy policy;
	bool is_set[KEYS_MAXIMUM];
};

/* ---- its rows: those of [policy], seen from struct policy ---- */

/* The n-th row of section [policy]; false when there are no more. */
static bool
row_at(const struct settings *table, unsigned n, struct setting *out)
{
	for (size_t i = 0; i < table->count; i++) {
		if (strcmp(table->rows[i].section, "policy") != 0 || n-- > 0)
			continue;
		*out = table->rows[i];
		out->offset -= offsetof(struct server_settings, policy);
		return true;
	}
	return false;
}

/* ---- sections ---- */

static struct policy_settings *
find(const struct server_settings *settings, struct bytes name)
{
	for (size_t i = 0; i < settings->policy_count; i++)
		if (bytes_equal_ignoring_case(
			    bytes_of_string(settings->policies[i].name), name))
			return &settings->policies[i];
	return NULL;
}

bool
policy_settings_begin(struct server_settings *settings, const char *name,
	char error[INI_ERROR_SIZE])
{
	size_t count = settings->policy_count;
	struct policy_settings *more;
	char *copy;

	if (find(settings, bytes_of_string(name)))
		return true;
	more = count < POLICIES_MAXIMUM ? realloc(settings->policies,
						  (count + 1) * sizeof(*more))
					: NULL;
	if (more)
		settings->policies = more;
	copy = more ? strdup(name) : NULL;
	if (!copy) {
		snprintf(error, INI_ERROR_SIZE,
			"no room for [policy %.60s]: %d at most", name,
			POLICIES_MAXIMUM);
		return false;
	}
	more[settings->policy_count++] = (struct policy_settings){.name = copy};
	return true;
}

static bool
unknown(const struct settings *table, const struct ini_entry *entry,
	char error[INI_ERROR_SIZE])
{
	const char *known[KEYS_MAXIMUM + 1];
	struct setting row;
	unsigned n = 0;

	for (; n < KEYS_MAXIMUM && row_at(table, n, &row); n++)
		known[n] = row.key;
	known[n] = NULL;
	snprintf(error, INI_ERROR_SIZE,
		"unknown key \"%.60s\" in [policy %.60s]", entry->key,
		entry->name);
	settings_did_you_mean(error, value_nearest(entry->key, known));
	return false;
}

bool
policy_settings_take(const struct settings *table,
	struct server_settings *settings, const struct ini_entry *entry,
	char error[INI_ERROR_SIZE])
{
	struct policy_settings *section =
		find(settings, bytes_of_string(entry->name));
	struct setting row;

	for (unsigned n = 0; n < KEYS_MAXIMUM && row_at(table, n, &row); n++) {
		if (strcmp(row.key, entry->key) != 0)
			continue;
		if (section->is_set[n]) {
			snprintf(error, INI_ERROR_SIZE,
				"%s stands twice in [policy %.60s]", entry->key,
				entry->name);
			return false;
		}
		section->is_set[n] = true;
		return settings_set(
			&row, &section->policy, entry->value, error);
	}
	return unknown(table, entry, error);
}

static bool
check_retention(const char *name, uint64_t seconds, char error[INI_ERROR_SIZE])
{
	if (seconds == 0 || seconds >= DAY_SECONDS)
		return true;
	/* CAPA counts days; EXPIRE 0 says that nothing may be left at all. */
	snprintf(error, INI_ERROR_SIZE,
		"[policy%s%.60s] retention = %llu: must be 0 or at least 1d",
		name[0] ? " " : "", name, (unsigned long long)seconds);
	return false;
}

bool
policy_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	const struct policy_settings *at = settings->policies;

	if (!check_retention("", settings->policy.retention_seconds, error))
		return false;
	for (size_t i = 0; i < settings->policy_count; i++)
		if (!check_retention(
			    at[i].name, at[i].policy.retention_seconds, error))
			return false;
	return true;
}

bool
policy_settings_write(const struct settings *table,
	const struct server_settings *settings, struct buffer *out)
{
	struct setting row;
	bool is_good = true;

	for (size_t i = 0; i < settings->policy_count && is_good; i++) {
		const struct policy_settings *at = &settings->policies[i];

		is_good = buffer_printf(out, "\n[policy %s]\n", at->name);
		for (unsigned n = 0; n < KEYS_MAXIMUM && row_at(table, n, &row);
			n++)
			if (at->is_set[n])
				is_good =
					is_good &&
					buffer_printf(out, "%s = ", row.key) &&
					settings_put_value(
						&row, &at->policy, out) &&
					buffer_append_string(out, "\n");
	}
	return is_good;
}

void
policy_settings_release(struct server_settings *settings)
{
	for (size_t i = 0; i < settings->policy_count; i++)
		free(settings->policies[i].name);
	free(settings->policies);
	settings->policies = NULL;
	settings->policy_count = 0;
}

/* ---- a reload ---- */

static bool
is_same(const struct settings *table, const struct policy_settings *a,
	const struct policy_settings *b)
{
	struct setting row;

	for (unsigned n = 0; n < KEYS_MAXIMUM && row_at(table, n, &row); n++)
		if (a->is_set[n] != b->is_set[n] ||
			!settings_is_default(&row, &a->policy, &b->policy))
			return false;
	return true;
}

static void
tell_change(const char *section,
	void (*each)(const char *name, bool is_live, void *context),
	void *context)
{
	char name[SETTINGS_CHANGE_SIZE];

	snprintf(name, sizeof(name), "[policy %.200s]", section);
	each(name, true, context);
}

void
policy_settings_changes(const struct settings *table,
	const struct server_settings *before,
	const struct server_settings *after,
	void (*each)(const char *name, bool is_live, void *context),
	void *context)
{
	for (size_t i = 0; i < after->policy_count; i++) {
		const struct policy_settings *now = &after->policies[i];
		const struct policy_settings *was =
			find(before, bytes_of_string(now->name));

		if (!was || !is_same(table, was, now))
			tell_change(now->name, each, context);
	}
	for (size_t i = 0; i < before->policy_count; i++) {
		const char *name = before->policies[i].name;

		if (!find(after, bytes_of_string(name)))
			tell_change(name, each, context);
	}
}

/* ---- what holds for whom ---- */

/* In the order of their rows. */
static void
inherit(struct policy *policy, const struct policy_settings *from)
{
	if (!from)
		return;
	if (from->is_set[0])
		policy->retention_seconds = from->policy.retention_seconds;
	if (from->is_set[1])
		policy->retention_from = from->policy.retention_from;
	if (from->is_set[2])
		policy->login_delay_seconds = from->policy.login_delay_seconds;
	if (from->is_set[3])
		policy->login_burst = from->policy.login_burst;
	if (from->is_set[4])
		policy->connections = from->policy.connections;
}

struct policy
server_settings_policy(const struct server_settings *settings, const char *user)
{
	struct policy policy = settings->policy;
	const char *at = strrchr(user, '@');

	if (settings->policy_count == 0)
		return policy;
	if (at)
		inherit(&policy, find(settings, bytes_of_string(at + 1)));
	inherit(&policy, find(settings, bytes_of_string(user)));
	return policy;
}

void
server_settings_each_policy(const struct server_settings *settings,
	void (*each)(const struct policy *policy, void *context), void *context)
{
	struct policy policy;

	each(&settings->policy, context);
	for (size_t i = 0; i < settings->policy_count; i++) {
		policy = server_settings_policy(
			settings, settings->policies[i].name);
		each(&policy, context);
	}
}
