/* SPDX-License-Identifier: ISC */
#include "config/listener_settings.h"
#include "config/settings.h"
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const listener_kinds[] = {
	[LISTENER_POP3] = "pop3",
	[LISTENER_POP3S] = "pop3s",
	[LISTENER_LMTP] = "lmtp",
	[LISTENER_WEB] = "web",
	[LISTENER_SETUP] = "setup",
	NULL,
};

const char *
listener_settings_word(enum listener_kind kind)
{
	return listener_kinds[kind];
}

static void
release_listener(struct listener_settings *listener)
{
	free(listener->address);
	free(listener->group);
	free(listener->proxy_networks);
}

void
listener_settings_release(struct server_settings *settings)
{
	for (size_t i = 0; i < settings->listener_count; i++)
		release_listener(&settings->listeners[i]);
	settings->listener_count = 0;
}

bool
listener_settings_begin(struct server_settings *settings, const char *name,
	char error[INI_ERROR_SIZE])
{
	struct bytes kind = bytes_of_string(name);
	char word[32] = "";

	kind = bytes_cut(&kind, ' ');
	bytes_to_string(kind, word, sizeof(word));
	for (int i = 0; listener_kinds[i]; i++) {
		if (strcmp(listener_kinds[i], word) != 0)
			continue;
		if (settings->listener_count == SETTINGS_LISTENERS_MAXIMUM) {
			snprintf(error, INI_ERROR_SIZE,
				"more than %d listeners",
				SETTINGS_LISTENERS_MAXIMUM);
			return false;
		}
		settings->listeners[settings->listener_count++] =
			(struct listener_settings){
				.kind = (enum listener_kind)i};
		return true;
	}
	snprintf(error, INI_ERROR_SIZE,
		"unknown listener \"%.60s\": pop3, pop3s, lmtp, web or "
		"setup",
		name);
	return false;
}

static char **
listener_value(struct listener_settings *listener, const char *key)
{
	if (strcmp(key, "address") == 0)
		return &listener->address;
	if (strcmp(key, "proxy-networks") == 0)
		return &listener->proxy_networks;
	return strcmp(key, "group") == 0 ? &listener->group : NULL;
}

bool
listener_settings_take(struct server_settings *settings,
	const struct ini_entry *entry, char error[INI_ERROR_SIZE])
{
	static const char *const known[] = {
		"address", "group", "proxy-networks", NULL};
	char **value = listener_value(
		&settings->listeners[settings->listener_count - 1], entry->key);

	if (!value) {
		snprintf(error, INI_ERROR_SIZE,
			"unknown key \"%.60s\" in [listener %.60s]", entry->key,
			entry->name);
		settings_did_you_mean(error, value_nearest(entry->key, known));
		return false;
	}
	if (*value) {
		snprintf(error, INI_ERROR_SIZE,
			"%s stands twice in [listener %.60s]", entry->key,
			entry->name);
		return false;
	}
	*value = strdup(entry->value);
	return *value != NULL;
}

static bool
is_on_loopback(const char *address)
{
	struct bytes rest = bytes_of_string(address);

	while (rest.octets > 0) {
		struct bytes one = bytes_trim(bytes_cut(&rest, ','));
		char text[256];

		if (!bytes_to_string(one, text, sizeof(text)) ||
			(strncmp(text, "127.", 4) != 0 &&
				strncmp(text, "[::1]:", 6) != 0 &&
				strncmp(text, "unix:", 5) != 0))
			return false;
	}
	return true;
}

static bool
check_proxy_networks(
	const struct listener_settings *listener, char error[INI_ERROR_SIZE])
{
	char section[32];

	if (!listener->proxy_networks)
		return true;
	snprintf(section, sizeof(section), "listener %s",
		listener_kinds[listener->kind]);
	if (listener->kind == LISTENER_WEB) {
		snprintf(error, INI_ERROR_SIZE,
			"[%s] proxy-networks: the status page knows no PROXY "
			"protocol",
			section);
		return false;
	}
	return settings_check_networks(
		listener->proxy_networks, section, "proxy-networks", error);
}

static bool
check_listener(const struct server_settings *settings,
	const struct listener_settings *listener, char error[INI_ERROR_SIZE])
{
	const char *kind = listener_kinds[listener->kind];

	if (!listener->address || !listener->address[0])
		snprintf(error, INI_ERROR_SIZE,
			"[listener %s]: address is missing", kind);
	else if (listener->kind == LISTENER_POP3 &&
		 settings->plaintext == PLAINTEXT_YES &&
		 !is_on_loopback(listener->address))
		snprintf(error, INI_ERROR_SIZE,
			"[listener %s] address = %.100s: plaintext-without-tls "
			"= yes would let passwords cross the network in "
			"clear; set it to no (or to force, if you must)",
			kind, listener->address);
	else if (listener->kind == LISTENER_WEB &&
		 !is_on_loopback(listener->address))
		snprintf(error, INI_ERROR_SIZE,
			"[listener %s] address = %.100s: what the server does "
			"is nobody's business; use 127.0.0.1, [::1] or unix:",
			kind, listener->address);
	else if (listener->group && !strstr(listener->address, "unix:"))
		snprintf(error, INI_ERROR_SIZE,
			"[listener %s] group = %.60s: only unix: addresses "
			"have a group",
			kind, listener->group);
	else
		return check_proxy_networks(listener, error);
	return false;
}

bool
listener_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	if (settings->listener_count == 0) {
		snprintf(error, INI_ERROR_SIZE,
			"no [listener pop3s] or other listener: nobody could "
			"reach the server");
		return false;
	}
	for (size_t i = 0; i < settings->listener_count; i++)
		if (!check_listener(settings, &settings->listeners[i], error))
			return false;
	return true;
}

static bool
put_listener(const struct listener_settings *listener, const char *mark,
	struct buffer *out)
{
	return buffer_printf(out, "\n[listener %s]\naddress = %s%s\n",
		       listener_kinds[listener->kind],
		       listener->address ? listener->address : "", mark) &&
	       (!listener->group || buffer_printf(out, "group = %s%s\n",
					    listener->group, mark)) &&
	       (!listener->proxy_networks ||
		       buffer_printf(out, "proxy-networks = %s\n",
			       listener->proxy_networks));
}

bool
listener_settings_write(const struct server_settings *settings,
	const char *mark, struct buffer *out)
{
	bool is_good = true;

	for (size_t i = 0; i < settings->listener_count && is_good; i++)
		is_good = put_listener(&settings->listeners[i], mark, out);
	return is_good;
}

/* ---- a reload ---- */

/* The same sections in the same order. */
static bool
are_alike(const struct server_settings *a, const struct server_settings *b)
{
	for (size_t i = 0; i < a->listener_count; i++)
		if (i < b->listener_count &&
			a->listeners[i].kind != b->listeners[i].kind)
			return false;
	return a->listener_count == b->listener_count;
}

static void
tell_changes(const struct listener_settings *before,
	const struct listener_settings *after,
	void (*each)(const char *name, bool is_live, void *context),
	void *context)
{
	const struct {
		const char *key, *before, *after;
	} values[] = {
		{"address", before->address, after->address},
		{"group", before->group, after->group},
		{"proxy-networks", before->proxy_networks,
			after->proxy_networks},
	};
	char name[SETTINGS_CHANGE_SIZE];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (settings_is_same_text(values[i].before, values[i].after))
			continue;
		snprintf(name, sizeof(name), "[listener %s] %s",
			listener_kinds[after->kind], values[i].key);
		each(name, i == 2, context);
	}
}

void
listener_settings_changes(const struct server_settings *before,
	const struct server_settings *after,
	void (*each)(const char *name, bool is_live, void *context),
	void *context)
{
	if (!are_alike(before, after)) {
		each("[listener]", false, context);
		return;
	}
	for (size_t i = 0; i < after->listener_count; i++)
		tell_changes(&before->listeners[i], &after->listeners[i], each,
			context);
}

static bool
copy(char **to, const char *from)
{
	free(*to);
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

bool
listener_settings_keep(
	struct server_settings *fresh, const struct server_settings *running)
{
	bool has_networks = are_alike(fresh, running), is_good = true;

	if (!has_networks) {
		listener_settings_release(fresh);
		memset(fresh->listeners, 0, sizeof(fresh->listeners));
	}
	fresh->listener_count = running->listener_count;
	for (size_t i = 0; i < running->listener_count; i++) {
		const struct listener_settings *from = &running->listeners[i];
		struct listener_settings *to = &fresh->listeners[i];

		to->kind = from->kind;
		is_good = copy(&to->address, from->address) &&
			  copy(&to->group, from->group) && is_good;
		if (!has_networks)
			is_good = copy(&to->proxy_networks,
					  from->proxy_networks) &&
				  is_good;
	}
	return is_good;
}
