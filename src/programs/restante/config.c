/* SPDX-License-Identifier: ISC */
/* restante config show, config sample */
#include "programs/restante/command.h"
#include "programs/settings_json.h"

#include <sysexits.h>

#define TEXT_MAXIMUM_OCTETS (16u << 20)

int
config_show(struct arguments *arguments)
{
	struct collect_settings initial;
	struct buffer text;
	int code = default_settings(&initial);

	if (code != EX_OK)
		return code;
	buffer_init(&text, TEXT_MAXIMUM_OCTETS);
	code = print_settings(&text,
		collect_settings_write(&arguments->settings,
			arguments->only_changed ? &initial : NULL, &text),
		arguments->is_json);
	collect_settings_release(&initial);
	return code;
}

int
config_sample(struct arguments *arguments)
{
	struct buffer text;

	(void)arguments;
	buffer_init(&text, TEXT_MAXIMUM_OCTETS);
	return print_settings(&text, collect_settings_sample(&text), false);
}
