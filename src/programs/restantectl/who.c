/* SPDX-License-Identifier: ISC */
/* restantectl who, kick: sessions that are open. */
#include "programs/json_text.h"
#include "programs/restantectl/accounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 1024

/* ---- who ---- */

static const char *
text(const json_t *session, const char *key)
{
	const char *value = json_string_value(json_object_get(session, key));

	return value && *value ? value : "-";
}

static const char *
since_text(const json_t *session, char out[32])
{
	time_t since = (time_t)json_integer_value(
		json_object_get(session, "since_seconds"));
	struct tm utc;

	gmtime_r(&since, &utc);
	strftime(out, 32, "%Y-%m-%d %H:%M:%S", &utc);
	return out;
}

static json_t *
row_of(const json_t *session)
{
	uint64_t octets = (uint64_t)json_integer_value(
		json_object_get(session, "octets"));
	char since[32], messages[32], size[16];

	snprintf(messages, sizeof(messages), "%lld",
		(long long)json_integer_value(
			json_object_get(session, "messages")));
	return json_pack("[o, o, s, s, s, s, s, s]",
		json_text(text(session, "user")),
		json_text(text(session, "device")), text(session, "address"),
		since_text(session, since), text(session, "tls"), messages,
		human_octets(octets, size), text(session, "session"));
}

static int
print_who(const struct arguments *arguments, json_t *sessions, uint64_t count)
{
	static const char *const heads[] = {"USER", "DEVICE", "ADDRESS",
		"SINCE (UTC)", "TLS", "MESSAGES", "SIZE", "SESSION"};
	size_t told = json_array_size(sessions), index;
	json_t *rows = json_array(), *session;

	json_array_foreach(sessions, index, session)
		json_array_append_new(rows, row_of(session));
	print_data(arguments, json_incref(sessions), heads, 8, rows);
	if (!arguments->is_json && count > told)
		printf("and %zu more\n", (size_t)count - told);
	return EX_OK;
}

int
who(struct arguments *arguments)
{
	json_t *answer, *sessions;
	char *reply;
	int code = ask_control_once(arguments, "who", &reply);

	if (code != EX_OK)
		return code;
	answer = json_loads(reply, 0, NULL);
	sessions = json_object_get(answer, "sessions");
	if (json_is_array(sessions))
		code = print_who(arguments, sessions,
			(uint64_t)json_integer_value(
				json_object_get(answer, "count")));
	else
		code = complain(EX_UNAVAILABLE, "%s",
			answer ? text(answer, "error")
			       : "the server's answer is no JSON");
	json_decref(answer);
	free(reply);
	return code;
}

/* ---- kick ---- */

/* How many; -1 with what the server said in its place, to be freed. */
static long long
kicked(const char *reply, char **out_error)
{
	json_t *answer = json_loads(reply, 0, NULL);
	json_t *count = json_object_get(answer, "kicked");
	long long kicked =
		json_is_integer(count) ? json_integer_value(count) : -1;

	if (kicked < 0)
		*out_error = strdup(answer ? text(answer, "error")
					   : "the server's answer is no JSON");
	json_decref(answer);
	return kicked;
}

static int
print_kicked(const char *what, const char *reply)
{
	char *error = NULL;
	long long count = kicked(reply, &error);
	int code = EX_OK;

	if (count < 0)
		code = complain(EX_UNAVAILABLE, "%s", error ? error : "");
	else if (count == 0)
		code = complain(EX_NOUSER, "no session of %s is open", what);
	else
		printf("%s: %lld %s ended\n", what, count,
			count == 1 ? "session" : "sessions");
	free(error);
	return code;
}

int
kick(struct arguments *arguments)
{
	const char *what = arguments->operands.at[0];
	char line[LINE_SIZE], *reply;
	int code;

	if (snprintf(line, sizeof(line), "kick %s", what) >=
			(int)sizeof(line) ||
		bytes_has(bytes_of_string(what), '\n'))
		return complain(EX_USAGE, "not a user or a session");
	code = ask_control_once(arguments, line, &reply);
	if (code == EX_OK)
		code = print_kicked(what, reply);
	free(reply);
	return code;
}

void
end_sessions(
	const struct arguments *arguments, const char *user, const char *device)
{
	int fd = connect_control(&arguments->settings, "control.sock");
	char line[LINE_SIZE], *reply, *error = NULL;
	long long count;

	/* No server, no sessions. */
	if (fd < 0 && (errno == ENOENT || errno == ECONNREFUSED))
		return;
	snprintf(line, sizeof(line), "kick %s%s%s", user, device ? "%" : "",
		!device		    ? ""
		: device[0] == '\0' ? "main"
				    : device);
	reply = fd < 0 ? NULL : ask_control(fd, line);
	count = reply ? kicked(reply, &error) : -1;
	if (count > 0)
		printf("%s: %lld open %s ended\n", user, count,
			count == 1 ? "session" : "sessions");
	else if (count < 0)
		fprintf(stderr,
			"restantectl: the server did not end open sessions of "
			"%s: %s; try restantectl kick\n",
			user,
			error	 ? error
			: fd < 0 ? strerror(errno)
				 : "it does not answer");
	free(error);
	free(reply);
	if (fd >= 0)
		close(fd);
}
