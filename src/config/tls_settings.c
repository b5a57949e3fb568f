/* SPDX-License-Identifier: ISC */
#include "config/tls_settings.h"
#include "config/settings.h"
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAXIMUM_OCTETS 253 /* RFC 1035 section 3.1, as text */

struct tls_settings {
	char *name;
	char *certificate, *key; /* NULL: not set */
};

/* ---- sections ---- */

static struct tls_settings *
find(const struct server_settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->tls_section_count; i++)
		if (bytes_equal_ignoring_case(
			    bytes_of_string(settings->tls_sections[i].name),
			    bytes_of_string(name)))
			return &settings->tls_sections[i];
	return NULL;
}

static bool
is_host_name(const char *name)
{
	size_t octets = strlen(name);

	return octets > 0 && octets <= NAME_MAXIMUM_OCTETS && name[0] != '.' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789.-_")] == '\0';
}

bool
tls_settings_begin(struct server_settings *settings, const char *name,
	char error[INI_ERROR_SIZE])
{
	size_t count = settings->tls_section_count;
	struct tls_settings *more;
	char *copy;

	if (!is_host_name(name)) {
		snprintf(error, INI_ERROR_SIZE,
			"[tls %.60s]: not the name of a host", name);
		return false;
	}
	if (find(settings, name))
		return true;
	more = count < TLS_SECTIONS_MAXIMUM
		       ? realloc(settings->tls_sections,
				 (count + 1) * sizeof(*more))
		       : NULL;
	if (more)
		settings->tls_sections = more;
	copy = more ? strdup(name) : NULL;
	if (!copy) {
		snprintf(error, INI_ERROR_SIZE,
			"no room for [tls %.60s]: %d at most", name,
			TLS_SECTIONS_MAXIMUM);
		return false;
	}
	more[settings->tls_section_count++] =
		(struct tls_settings){.name = copy};
	return true;
}

bool
tls_settings_take(struct server_settings *settings,
	const struct ini_entry *entry, char error[INI_ERROR_SIZE])
{
	static const char *const known[] = {"certificate", "key", NULL};
	struct tls_settings *section = find(settings, entry->name);
	char **value = strcmp(entry->key, "certificate") == 0
			       ? &section->certificate
		       : strcmp(entry->key, "key") == 0 ? &section->key
							: NULL;

	if (!value) {
		snprintf(error, INI_ERROR_SIZE,
			"unknown key \"%.60s\" in [tls %.60s]", entry->key,
			entry->name);
		settings_did_you_mean(error, value_nearest(entry->key, known));
		return false;
	}
	if (*value) {
		snprintf(error, INI_ERROR_SIZE,
			"%s stands twice in [tls %.60s]", entry->key,
			entry->name);
		return false;
	}
	*value = strdup(entry->value);
	return *value != NULL;
}

bool
tls_settings_write(const struct server_settings *settings, struct buffer *out)
{
	bool is_good = true;

	for (size_t i = 0; i < settings->tls_section_count && is_good; i++) {
		const struct tls_settings *at = &settings->tls_sections[i];

		is_good =
			buffer_printf(out, "\n[tls %s]\n", at->name) &&
			(!at->certificate ||
				buffer_printf(out, "certificate = %s\n",
					at->certificate)) &&
			(!at->key || buffer_printf(out, "key = %s\n", at->key));
	}
	return is_good;
}

void
tls_settings_release(struct server_settings *settings)
{
	for (size_t i = 0; i < settings->tls_section_count; i++) {
		free(settings->tls_sections[i].name);
		free(settings->tls_sections[i].certificate);
		free(settings->tls_sections[i].key);
	}
	free(settings->tls_sections);
	settings->tls_sections = NULL;
	settings->tls_section_count = 0;
}

/* ---- a reload ---- */

static void
tell_change(const char *section,
	void (*each)(const char *name, bool is_live, void *context),
	void *context)
{
	char name[SETTINGS_CHANGE_SIZE];

	snprintf(name, sizeof(name), "[tls %.200s]", section);
	each(name, true, context);
}

void
tls_settings_changes(const struct server_settings *before,
	const struct server_settings *after,
	void (*each)(const char *name, bool is_live, void *context),
	void *context)
{
	for (size_t i = 0; i < after->tls_section_count; i++) {
		const struct tls_settings *now = &after->tls_sections[i];
		const struct tls_settings *was = find(before, now->name);

		if (!was ||
			!settings_is_same_text(
				was->certificate, now->certificate) ||
			!settings_is_same_text(was->key, now->key))
			tell_change(now->name, each, context);
	}
	for (size_t i = 0; i < before->tls_section_count; i++)
		if (!find(after, before->tls_sections[i].name))
			tell_change(
				before->tls_sections[i].name, each, context);
}

/* ---- what belongs together ---- */

static size_t
count_files(const char *list)
{
	struct bytes rest = bytes_of_string(list);
	size_t count = 0;

	for (; rest.octets > 0; count++)
		if (bytes_trim(bytes_cut(&rest, ',')).octets == 0)
			return SIZE_MAX;
	return count;
}

static bool
check(const char *name, const char *certificate, const char *key,
	char error[INI_ERROR_SIZE])
{
	size_t certificates = certificate ? count_files(certificate) : 0;
	size_t keys = key ? count_files(key) : 0;
	char section[80];

	snprintf(section, sizeof(section), "[tls%s%.60s]", *name ? " " : "",
		name);
	if (!certificates != !keys || (*name && !certificates))
		snprintf(error, INI_ERROR_SIZE,
			"%s certificate and key belong together: %s is missing",
			section, certificates ? "key" : "certificate");
	else if (certificates == SIZE_MAX || keys == SIZE_MAX)
		snprintf(error, INI_ERROR_SIZE,
			"%s certificate, key: a file's name is missing at a "
			"comma",
			section);
	else if (certificates != keys)
		snprintf(error, INI_ERROR_SIZE,
			"%s certificate names %zu files, key %zu: one key for "
			"each certificate, in the same order",
			section, certificates, keys);
	else if (certificates > TLS_SECTION_PAIRS_MAXIMUM)
		snprintf(error, INI_ERROR_SIZE,
			"%s certificate names %zu files: one with an EC key "
			"and one with an RSA key at most",
			section, certificates);
	else
		return true;
	return false;
}

bool
tls_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	if (!check("", settings->certificate, settings->key, error))
		return false;
	for (size_t i = 0; i < settings->tls_section_count; i++) {
		const struct tls_settings *at = &settings->tls_sections[i];

		if (!check(at->name, at->certificate, at->key, error))
			return false;
	}
	return true;
}

/* ---- pairs ---- */

static void
each_of(const char *name, const char *certificate, const char *key,
	void (*each)(const char *name, struct bytes certificate,
		struct bytes key, void *context),
	void *context)
{
	struct bytes certificates = bytes_of_string(certificate);
	struct bytes keys = bytes_of_string(key);

	while (certificates.octets > 0 && keys.octets > 0) {
		struct bytes one = bytes_trim(bytes_cut(&certificates, ','));

		each(name, one, bytes_trim(bytes_cut(&keys, ',')), context);
	}
}

void
server_settings_each_pair(const struct server_settings *settings,
	void (*each)(const char *name, struct bytes certificate,
		struct bytes key, void *context),
	void *context)
{
	each_of("", settings->certificate, settings->key, each, context);
	for (size_t i = 0; i < settings->tls_section_count; i++) {
		const struct tls_settings *at = &settings->tls_sections[i];

		if (at->certificate && at->key)
			each_of(at->name, at->certificate, at->key, each,
				context);
	}
}
