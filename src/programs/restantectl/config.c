/* SPDX-License-Identifier: ISC */
#include "programs/restantectl/command.h"
#include "programs/settings_json.h"

#include <sysexits.h>

#define TEXT_MAXIMUM_OCTETS (1u << 20)

static int
print(struct buffer *text, bool is_whole)
{
	struct bytes bytes = buffer_bytes(text);

	if (is_whole)
		fwrite(bytes.at, 1, bytes.octets, stdout);
	buffer_release(text);
	return is_whole ? EX_OK : complain(EX_OSERR, "no memory");
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
		       ? print_settings_json(&text)
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
