/* SPDX-License-Identifier: ISC */
/* Settings as text: for the roles, for people, and a sample of all. */
#include "config/listener_settings.h"
#include "config/policy_settings.h"
#include "config/server_table.h"
#include "config/tls_settings.h"

#include <string.h>

#define RESTART_MARK " ; restart"

static bool
put_key(const struct setting *key, const struct server_settings *settings,
	bool is_marked, struct buffer *out)
{
	bool is_restart = key->change == SETTING_AT_START;

	return buffer_printf(out, "%s = ", key->key) &&
	       settings_put_value(key, settings, out) &&
	       buffer_printf(out, "%s\n",
		       is_marked && is_restart ? RESTART_MARK : "");
}

static bool
put_keys(const struct server_settings *settings,
	const struct server_settings *initial, bool is_marked,
	struct buffer *out)
{
	const char *section = "";
	bool is_good = true;

	for (size_t i = 0; i < server_settings_table.count && is_good; i++) {
		const struct setting *key = &server_settings_table.rows[i];

		if (initial && settings_is_default(key, settings, initial))
			continue;
		if (strcmp(section, key->section) != 0)
			is_good = buffer_printf(out, "%s[%s]\n",
				*section ? "\n" : "", key->section);
		section = key->section;
		is_good = is_good && put_key(key, settings, is_marked, out);
	}
	return is_good;
}

static bool
write_all(const struct server_settings *settings, bool only_changed,
	bool is_marked, struct buffer *out)
{
	struct server_settings initial;
	bool is_good;

	server_settings_init(&initial);
	is_good = put_keys(
		settings, only_changed ? &initial : NULL, is_marked, out);
	server_settings_release(&initial);
	return is_good &&
	       listener_settings_write(
		       settings, is_marked ? RESTART_MARK : "", out) &&
	       tls_settings_write(settings, out) &&
	       policy_settings_write(&server_settings_table, settings, out);
}

bool
server_settings_write(const struct server_settings *settings, bool only_changed,
	struct buffer *out)
{
	return write_all(settings, only_changed, false, out);
}

bool
server_settings_show(const struct server_settings *settings, bool only_changed,
	struct buffer *out)
{
	return write_all(settings, only_changed, true, out);
}

/* ---- the sample ---- */

bool
server_settings_sample(struct buffer *out)
{
	const char *section = "";
	bool is_good = buffer_append_string(out,
		"; Restante's settings. What stands behind \";\" is the "
		"default.\n"
		"; SIGHUP and restantectl reload change all but what has "
		"[restart].\n");

	for (size_t i = 0; i < server_settings_table.count && is_good; i++) {
		const struct setting *key = &server_settings_table.rows[i];

		if (strcmp(key->key, "demo") == 0)
			continue;
		if (strcmp(section, key->section) != 0)
			is_good = buffer_printf(out, "\n[%s]\n", key->section);
		section = key->section;
		is_good = is_good && settings_put_sample(key, true, out);
	}
	return is_good &&
	       buffer_append_string(out,
		       "\n; of listeners proxy-networks alone is changed by a "
		       "reload\n"
		       "[listener pop3s]\naddress = 0.0.0.0:995, [::]:995\n"
		       "\n[listener pop3]\naddress = 0.0.0.0:110, [::]:110\n"
		       "\n[listener lmtp]\naddress = "
		       "unix:/run/restante/lmtp.sock\n"
		       "; who may deliver there besides root; none: nobody\n"
		       ";group = postfix\n");
}
