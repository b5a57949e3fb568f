/* SPDX-License-Identifier: ISC */
#include "programs/settings_json.h"
#include "config/ini.h"
#include "programs/terminal.h"

#include <stdio.h>
#include <sysexits.h>

#include <jansson.h>

#define SECTION_OCTETS 512

/* Steals `value`. False: no memory. */
static bool
add(json_t *keys, const char *key, json_t *value)
{
	json_t *before = json_object_get(keys, key), *both;

	if (!before)
		return json_object_set_new(keys, key, value) == 0;
	if (json_is_array(before))
		return json_array_append_new(before, value) == 0;
	both = json_array();
	return json_array_append(both, before) == 0 &&
	       json_array_append_new(both, value) == 0 &&
	       json_object_set_new(keys, key, both) == 0;
}

/* ini_handler: into an object for each section, "listener pop3s" too. */
static bool
collect(const struct ini_entry *entry, char error[INI_ERROR_SIZE],
	void *context)
{
	char section[SECTION_OCTETS];
	json_t *keys;

	snprintf(section, sizeof(section), "%s%s%s", entry->section,
		*entry->name ? " " : "", entry->name);
	keys = json_object_get(context, section);
	if (!keys && json_object_set_new(
			     context, section, keys = json_object()) != 0)
		keys = NULL;
	if (keys && (!entry->key ||
			    add(keys, entry->key, json_string(entry->value))))
		return true;
	snprintf(error, INI_ERROR_SIZE, "cannot be said as JSON");
	return false;
}

int
print_settings_json(struct buffer *text)
{
	char error[INI_ERROR_SIZE] = "no memory";
	json_t *sections = json_object();
	int code = EX_OSERR;

	if (sections && ini_parse("settings", buffer_bytes(text), collect,
				sections, error) == OK) {
		json_dumpf(sections, stdout, JSON_INDENT(2));
		putchar('\n');
		code = EX_OK;
	}
	json_decref(sections);
	return code == EX_OK ? code : complain(code, "%s", error);
}
