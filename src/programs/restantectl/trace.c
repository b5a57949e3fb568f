/* SPDX-License-Identifier: ISC */
/* restantectl trace: what a user's programs say, in the server's log. */
#include "config/value.h"
#include "programs/json_text.h"
#include "programs/restantectl/accounts.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define DEFAULT_SECONDS 600
#define MOST_SECONDS	86400
#define LINE_SIZE	1024

static int
print_traces(const struct arguments *arguments, const json_t *list)
{
	static const char *const heads[] = {"USER", "TIME LEFT"};
	json_t *rows = json_array(), *trace;
	char left[32];
	size_t index;

	json_array_foreach((json_t *)(uintptr_t)list, index, trace)
	{
		human_seconds((uint64_t)json_integer_value(
				      json_object_get(trace, "seconds_left")),
			left);
		json_array_append_new(
			rows, json_pack("[o, s]",
				      json_text(json_string_value(
					      json_object_get(trace, "user"))),
				      left));
	}
	print_data(arguments, json_incref((json_t *)(uintptr_t)list), heads, 2,
		rows);
	return EX_OK;
}

static int
refused(const char *error)
{
	if (!error)
		return complain(
			EX_UNAVAILABLE, "the server's answer is no JSON");
	return complain(
		strcmp(error, "no such user") == 0 ? EX_NOUSER : EX_UNAVAILABLE,
		"%s", error);
}

/* What the server is asked; false: not possible. */
static bool
put_line(const struct arguments *arguments, const char *user, uint64_t seconds,
	char line[LINE_SIZE])
{
	int octets;

	if (!user)
		octets = snprintf(line, LINE_SIZE, "traces");
	else if (arguments->is_off)
		octets = snprintf(line, LINE_SIZE, "untrace %s", user);
	else
		octets = snprintf(line, LINE_SIZE, "trace %llu %s",
			(unsigned long long)seconds, user);
	return octets < LINE_SIZE && !bytes_has(bytes_of_string(line), '\n');
}

static int
ask(const struct arguments *arguments, const char *line)
{
	json_t *answer, *list;
	char *reply;
	int code = ask_control_once(arguments, line, &reply);

	if (code != EX_OK)
		return code;
	answer = json_loads(reply, 0, NULL);
	list = json_object_get(answer, "traces");
	code = json_is_array(list) ? print_traces(arguments, list)
				   : refused(json_string_value(
					     json_object_get(answer, "error")));
	json_decref(answer);
	free(reply);
	return code;
}

int
trace(struct arguments *arguments)
{
	const char *user = arguments->operands.at[0];
	uint64_t seconds = DEFAULT_SECONDS;
	char line[LINE_SIZE];

	if (arguments->duration &&
		(!value_to_seconds(arguments->duration, &seconds) ||
			seconds == 0 || seconds > MOST_SECONDS))
		return complain(EX_USAGE,
			"--for %s: a time like 10m, a day at most",
			arguments->duration);
	if (!user && (arguments->duration || arguments->is_off))
		return complain(EX_USAGE, "--for and --off need a user");
	if (arguments->duration && arguments->is_off)
		return complain(EX_USAGE, "--for or --off, not both");
	if (!put_line(arguments, user, seconds, line))
		return complain(EX_USAGE, "not a user");
	return ask(arguments, line);
}
