/* SPDX-License-Identifier: ISC */
#include "programs/restantectl/command.h"

#include <sysexits.h>

#include <jansson.h>

#define TEXT_MAXIMUM_OCTETS (1u << 20)
#define SECTION_OCTETS	    512

static int
print(struct buffer *text, bool is_whole)
{
	struct bytes bytes = buffer_bytes(text);

	if (is_whole)
		fwrite(bytes.at, 1, bytes.octets, stdout);
	buffer_release(text);
	return is_whole ? EX_OK : complain(EX_OSERR, "no memory");
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
	if (keys && (!entry->key || json_object_set_new(keys, entry->key,
					    json_string(entry->value)) == 0))
		return true;
	snprintf(error, INI_ERROR_SIZE, "cannot be said as JSON");
	return false;
}

static int
print_json(struct buffer *text)
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
config_show(struct arguments *arguments)
{
	bool is_changed = arguments->only_changed;
	struct buffer text;
	int code;

	buffer_init(&text, TEXT_MAXIMUM_OCTETS);
	if (!arguments->is_json)
		return print(&text, server_settings_show(&arguments->settings,
					    is_changed, &text));
	code = server_settings_write(&arguments->settings, is_changed, &text)
		       ? print_json(&text)
		       : complain(EX_OSERR, "no memory");
	buffer_release(&text);
	return code;
}

int
config_sample(struct arguments *arguments)
{
	struct buffer text;

	buffer_init(&text, TEXT_MAXIMUM_OCTETS);
	return print(&text, server_settings_sample(&text));
}
