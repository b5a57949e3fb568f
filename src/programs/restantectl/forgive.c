/* SPDX-License-Identifier: ISC */
#include "programs/restantectl/command.h"

#include <jansson.h>
#include <stdlib.h>
#include <sysexits.h>

static int
print_forgiven(const char *what, const char *reply)
{
	json_t *answer = json_loads(reply, 0, NULL);
	json_t *count = json_object_get(answer, "forgiven");
	json_t *error = json_object_get(answer, "error");
	int code = EX_OK;

	if (!json_is_integer(count))
		code = complain(EX_UNAVAILABLE, "%s",
			error ? json_string_value(error)
			      : "the server's answer is no JSON");
	else if (json_integer_value(count) == 0)
		printf("nothing is held against %s\n", what);
	else
		printf("%s may try again at once\n", what);
	json_decref(answer);
	return code;
}

int
forgive(struct arguments *arguments)
{
	const char *what = arguments->operands.at[0];
	char line[1024], *reply;
	int code;

	if (snprintf(line, sizeof(line), "forgive %s", what) >=
			(int)sizeof(line) ||
		bytes_has(bytes_of_string(what), '\n'))
		return complain(EX_USAGE, "not an address or an account");
	code = ask_control_once(arguments, line, &reply);
	if (code == EX_OK)
		code = print_forgiven(what, reply);
	free(reply);
	return code;
}
