/* SPDX-License-Identifier: ISC */
#include "programs/restantectl/command.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

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

static void
print_certificates(const json_t *certificates)
{
	json_t *soonest = json_object_get(certificates, "soonest");
	size_t index, left;
	json_t *row;

	printf("\n%-44s %-10s %s\n", "CERTIFICATE FOR", "KEY", "DAYS LEFT");
	json_array_foreach(soonest, index, row)
	{
		long long days =
			json_integer_value(json_object_get(row, "days_left"));
		char left_text[32];

		snprintf(left_text, sizeof(left_text), "%lld", days);
		printf("%-44.44s %-10s %9s\n", text(row, "names"),
			text(row, "key"), days < 0 ? "expired" : left_text);
	}
	left = (size_t)number(certificates, "count") - json_array_size(soonest);
	if (left > 0)
		printf("and %zu that last longer\n", left);
}

static void
print_penalties(const json_t *penalties)
{
	json_t *latest = json_object_get(penalties, "latest");
	size_t index, left;
	json_t *row;

	if (json_array_size(latest) == 0)
		return;
	printf("\n%-30s %-24s %8s %6s\n", "FAILED LOGINS FROM", "AT", "COUNT",
		"WAITS");
	json_array_foreach(latest, index, row)
	{
		const char *from = text(row, "address");
		const char *at = text(row, "account");

		printf("%-30s %-24s %8llu %4llu s\n", *from ? from : "anywhere",
			*at ? at : "any account", number(row, "failures"),
			number(row, "wait_seconds"));
	}
	left = (size_t)number(penalties, "count") - json_array_size(latest);
	if (left > 0)
		printf("and %zu more\n", left);
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
		print_certificates(json_object_get(status, "certificates"));
		print_penalties(json_object_get(status, "penalties"));
	}
	json_decref(status);
	return EX_OK;
}

int
show_status(struct arguments *arguments)
{
	char *reply;
	int code = ask_control_once(arguments, "status", &reply);

	if (code == EX_OK)
		code = print_status(reply, arguments->is_json);
	free(reply);
	return code;
}
