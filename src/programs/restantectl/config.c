/* SPDX-License-Identifier: ISC */
#include "programs/restantectl/command.h"
#include "programs/settings_json.h"

#include <sysexits.h>

#define TEXT_MAXIMUM_OCTETS (1u << 20)

int
config_show(struct arguments *arguments)
{
	const struct server_settings *settings = &arguments->settings;
	bool is_changed = arguments->only_changed, is_json = arguments->is_json;
	struct buffer text;

	buffer_init(&text, TEXT_MAXIMUM_OCTETS);
	return print_settings(&text,
		is_json ? server_settings_write(settings, is_changed, &text)
			: server_settings_show(settings, is_changed, &text),
		is_json);
}

int
config_sample(struct arguments *arguments)
{
	struct buffer text;

	buffer_init(&text, TEXT_MAXIMUM_OCTETS);
	return print_settings(&text, server_settings_sample(&text), false);
}
