/* SPDX-License-Identifier: ISC */
/*
 * tls_settings - sections [tls DOMAIN] as part of the server's settings. For
 * server_settings.c alone.
 */
#ifndef CONFIG_TLS_SETTINGS_H
#define CONFIG_TLS_SETTINGS_H

#include "config/server_settings.h"

#define TLS_SECTIONS_MAXIMUM 1024
/* Of one name: an EC and an RSA certificate. */
#define TLS_SECTION_PAIRS_MAXIMUM 2

/* The section's line: finds it, or makes it with nothing set. */
bool tls_settings_begin(struct server_settings *settings, const char *name,
	char error[INI_ERROR_SIZE]);
bool tls_settings_take(struct server_settings *settings,
	const struct ini_entry *entry, char error[INI_ERROR_SIZE]);
/* What belongs together, of [tls] too. */
bool tls_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE]);
bool tls_settings_write(
	const struct server_settings *settings, struct buffer *out);
/* Each section that differs, for server_settings_changes. */
void tls_settings_changes(const struct server_settings *before,
	const struct server_settings *after,
	void (*each)(const char *name, bool is_live, void *context),
	void *context);
void tls_settings_release(struct server_settings *settings);

#endif
