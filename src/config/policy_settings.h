/* SPDX-License-Identifier: ISC */
/*
 * policy_settings - sections [policy NAME], of a domain or an account, as part
 * of the server's settings. For server_settings.c alone.
 */
#ifndef CONFIG_POLICY_SETTINGS_H
#define CONFIG_POLICY_SETTINGS_H

#include "config/server_settings.h"
#include "config/settings.h"

#define POLICIES_MAXIMUM 4096

/* The section's line: finds it, or makes it with nothing set. */
bool policy_settings_begin(struct server_settings *settings, const char *name,
	char error[INI_ERROR_SIZE]);
bool policy_settings_take(const struct settings *table,
	struct server_settings *settings, const struct ini_entry *entry,
	char error[INI_ERROR_SIZE]);
/* Ranges, of [policy] too. */
bool policy_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE]);
bool policy_settings_write(const struct settings *table,
	const struct server_settings *settings, struct buffer *out);
/* Each section that differs, for server_settings_changes. */
void policy_settings_changes(const struct settings *table,
	const struct server_settings *before,
	const struct server_settings *after,
	void (*each)(const char *name, bool is_live, void *context),
	void *context);
void policy_settings_release(struct server_settings *settings);

#endif
