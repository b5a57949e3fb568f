/* SPDX-License-Identifier: ISC */
/*
 * listener_settings - sections [listener KIND] as part of the server's settings.
 * listener_settings_word apart, for server_settings.c alone.
 */
#ifndef CONFIG_LISTENER_SETTINGS_H
#define CONFIG_LISTENER_SETTINGS_H

#include "config/server_settings.h"

/* "pop3s" of [listener pop3s]. */
const char *listener_settings_word(enum listener_kind kind);
/* The section's line: one more listener. */
bool listener_settings_begin(struct server_settings *settings, const char *name,
	char error[INI_ERROR_SIZE]);
bool listener_settings_take(struct server_settings *settings,
	const struct ini_entry *entry, char error[INI_ERROR_SIZE]);
/* There is one, and none that lets out what it should not. */
bool listener_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE]);
/* `mark` stands behind what only a restart changes. */
bool listener_settings_write(const struct server_settings *settings,
	const char *mark, struct buffer *out);
/* As server_settings_changes and _keep. */
void listener_settings_changes(const struct server_settings *before,
	const struct server_settings *after,
	void (*each)(const char *name, bool is_live, void *context),
	void *context);
bool listener_settings_keep(
	struct server_settings *fresh, const struct server_settings *running);
void listener_settings_release(struct server_settings *settings);

#endif
