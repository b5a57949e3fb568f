/* SPDX-License-Identifier: ISC */
#include "programs/restantectl/command.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static unsigned long long
number(const json_t *object, const char *key)
{
	return (unsigned long long)json_integer_value(
		json_object_get(object, key));
}

static const char *
text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "?";
}

static void
print_counters(const json_t *counters)
{
	char octets[16];

	printf("\nsessions      %llu open, %llu connections since the start\n",
		number(counters, "sessions"), number(counters, "connections"));
	printf("logins        %llu, %llu failed\n", number(counters, "logins"),
		number(counters, "failed_logins"));
	printf("retrieved     %llu messages, %s\n",
		number(counters, "retrieved_messages"),
		human_octets(number(counters, "retrieved_octets"), octets));
	printf("deleted       %llu messages\n",
		number(counters, "deleted_messages"));
	printf("delivered     %llu messages, %llu refused\n",
		number(counters, "deliveries"),
		number(counters, "rejected_deliveries"));
}

static void
print_roles(const json_t *roles)
{
	char uptime[32];
	size_t index;
	json_t *role;

	printf("\n%-12s %8s %12s %9s\n", "ROLE", "PID", "UPTIME", "RESTARTS");
	json_array_foreach(roles, index, role)
	{
		bool is_session = strcmp(text(role, "role"), "session") == 0;
		char name[32];

		snprintf(name, sizeof(name),
			is_session ? "%.16s %llu" : "%.16s", text(role, "role"),
			number(role, "number"));
		printf("%-12s %8llu %12s %9llu\n", name, number(role, "pid"),
			human_seconds(number(role, "uptime_seconds"), uptime),
			number(role, "restarts"));
	}
}

static int
print_status(const char *reply, bool is_json)
{
	json_t *status = json_loads(reply, 0, NULL);
	char uptime[32];

	if (!status)
		return complain(EX_PROTOCOL, "the server's answer is no JSON");
	if (is_json) {
		json_dumpf(status, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		printf("restanted %s on %s, up %s\n", text(status, "version"),
			text(status, "hostname"),
			human_seconds(
				number(status, "uptime_seconds"), uptime));
		print_counters(json_object_get(status, "counters"));
		print_roles(json_object_get(status, "roles"));
	}
	json_decref(status);
	return EX_OK;
}

int
show_status(struct arguments *arguments)
{
	int fd = connect_control(&arguments->settings, "control.sock");
	char *reply;
	int code;

	if (fd < 0)
		return complain(errno == EACCES ? EX_NOPERM : EX_UNAVAILABLE,
			"no server answers on %s/control/control.sock: %s",
			arguments->settings.state, strerror(errno));
	reply = ask_control(fd, "status");
	code = reply ? print_status(reply, arguments->is_json)
		     : complain(EX_UNAVAILABLE, "the server does not answer");
	free(reply);
	close(fd);
	return code;
}
