/* SPDX-License-Identifier: ISC */
/* What a reload changes, and what it leaves. */
#include "config/listener_settings.h"
#include "config/policy_settings.h"
#include "config/server_table.h"
#include "config/tls_settings.h"

#include <stdio.h>

void
server_settings_changes(const struct server_settings *before,
	const struct server_settings *after,
	void (*each)(const char *name, bool is_live, void *context),
	void *context)
{
	const struct settings *table = &server_settings_table;
	char name[SETTINGS_CHANGE_SIZE];

	for (size_t i = 0; i < table->count; i++) {
		const struct setting *row = &table->rows[i];

		if (settings_is_default(row, after, before))
			continue;
		snprintf(name, sizeof(name), "[%s] %s", row->section, row->key);
		each(name, row->change == SETTING_LIVE, context);
	}
	listener_settings_changes(before, after, each, context);
	tls_settings_changes(before, after, each, context);
	policy_settings_changes(table, before, after, each, context);
}

bool
server_settings_keep(
	struct server_settings *fresh, const struct server_settings *running)
{
	bool is_good = true;

	for (size_t i = 0; i < server_settings_table.count; i++) {
		const struct setting *row = &server_settings_table.rows[i];

		if (row->change == SETTING_AT_START)
			is_good = settings_copy_value(row, fresh, running) &&
				  is_good;
	}
	return listener_settings_keep(fresh, running) && is_good;
}
