/* SPDX-License-Identifier: ISC */
/* restante config show, config sample */
#include "programs/restante/command.h"
#include "programs/settings_json.h"

#include <stdio.h>
#include <sysexits.h>

#define TEXT_MAXIMUM_OCTETS (16u << 20)

static int
print(struct buffer *text, bool is_whole, bool is_json)
{
	struct bytes bytes = buffer_bytes(text);
	int code = EX_OK;

	if (!is_whole)
		code = complain(EX_OSERR, "no memory");
	else if (is_json)
		code = print_settings_json(text);
	else
		fwrite(bytes.at, 1, bytes.octets, stdout);
	buffer_release(text);
	return code;
}

int
config_show(struct arguments *arguments)
{
	struct collect_settings initial;
	struct buffer text;
	int code = default_settings(&initial);

	if (code != EX_OK)
		return code;
	buffer_init(&text, TEXT_MAXIMUM_OCTETS);
	code = print(&text,
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
	return print(&text, collect_settings_sample(&text), false);
}
