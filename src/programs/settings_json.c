/* SPDX-License-Identifier: ISC */
#include "programs/settings_json.h"
#include "config/ini.h"
#include "programs/terminal.h"

#include <stdio.h>
#include <sysexits.h>

#include <jansson.h>

#define SECTION_OCTETS 512

/* Beside what is there already: then both are an array. Steals `value`. */
static bool
add(json_t *object, const char *key, json_t *value)
{
	json_t *before = json_object_get(object, key), *both;

	if (!before)
		return json_object_set_new(object, key, value) == 0;
	if (json_is_array(before))
		return json_array_append_new(before, value) == 0;
	both = json_array();
	return json_array_append(both, before) == 0 &&
	       json_array_append_new(both, value) == 0 &&
	       json_object_set_new(object, key, both) == 0;
}

/* The last one of that name. */
static json_t *
section_of(json_t *sections, const char *name)
{
	json_t *found = json_object_get(sections, name);

	return json_is_array(found)
		       ? json_array_get(found, json_array_size(found) - 1)
		       : found;
}

/* ini_handler: into an object for each section, "listener pop3s" too. */
static bool
collect(const struct ini_entry *entry, char error[INI_ERROR_SIZE],
	void *context)
{
	char section[SECTION_OCTETS];

	snprintf(section, sizeof(section), "%s%s%s", entry->section,
		*entry->name ? " " : "", entry->name);
	if (entry->key ? add(section_of(context, section), entry->key,
				 json_string(entry->value))
		       : add(context, section, json_object()))
		return true;
	snprintf(error, INI_ERROR_SIZE, "cannot be said as JSON");
	return false;
}

static int
print_json(const struct buffer *text)
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

int
print_settings(struct buffer *text, bool is_whole, bool is_json)
{
	struct bytes bytes = buffer_bytes(text);
	int code = EX_OK;

	if (!is_whole)
		code = complain(EX_OSERR, "no memory");
	else if (is_json)
		code = print_json(text);
	else
		fwrite(bytes.at, 1, bytes.octets, stdout);
	buffer_release(text);
	return code;
}
