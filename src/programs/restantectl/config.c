/* SPDX-License-Identifier: ISC */
#include "programs/restantectl/command.h"

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
	struct buffer text;
	bool is_whole;

	buffer_init(&text, TEXT_MAXIMUM_OCTETS);
	is_whole = server_settings_show(
		&arguments->settings, arguments->only_changed, &text);
	return print(&text, is_whole);
}

int
config_sample(struct arguments *arguments)
{
	struct buffer text;

	buffer_init(&text, TEXT_MAXIMUM_OCTETS);
	return print(&text, server_settings_sample(&text));
}
