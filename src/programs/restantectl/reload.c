/* SPDX-License-Identifier: ISC */
#include "programs/json_text.h"
#include "programs/restantectl/command.h"

#include <stdlib.h>
#include <sysexits.h>

static void
print_changes(const json_t *changed, const json_t *restart)
{
	size_t index;
	json_t *name;

	if (json_array_size(changed) + json_array_size(restart) == 0)
		puts("no setting changed; certificates were read anew");
	json_array_foreach(changed, index, name)
		printf("%s changed\n", json_string_value(name));
	json_array_foreach(restart, index, name) printf(
		"%s changed: needs a restart\n", json_string_value(name));
}

static int
print_reloaded(const struct arguments *arguments, const char *reply)
{
	json_t *answer = json_loads(reply, 0, NULL);
	const char *error = json_string_value(json_object_get(answer, "error"));
	const json_t *changed = json_object_get(answer, "changed");
	int code = EX_OK;

	/* An answer without the lists: it was not even tried. */
	if (!json_is_array(changed))
		code = complain(EX_UNAVAILABLE, "%s",
			error ? error : "the server's answer is no JSON");
	else if (arguments->is_json)
		fputs(reply, stdout);
	else if (!error)
		print_changes(changed, json_object_get(answer, "restart"));
	else
		code = complain(EX_CONFIG, "nothing changed: %s", error);
	if (arguments->is_json && error && code == EX_OK)
		code = EX_CONFIG;
	json_decref(answer);
	return code;
}

int
reload(struct arguments *arguments)
{
	char *reply;
	int code = ask_control_once(arguments, "reload", &reply);

	if (code == EX_OK)
		code = print_reloaded(arguments, reply);
	free(reply);
	return code;
}
