/* SPDX-License-Identifier: ISC */
#include "programs/columns.h"
#include "programs/restantectl/command.h"

#include <jansson.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

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

/* ---- the last day ---- */

/* A line has so many columns, each of the same time. */
#define COLUMNS	       48
#define COLUMN_SECONDS 1800

/* The column `at` of COLUMNS, of which the newest is the last. */
static unsigned long long
column_sum(const json_t *row, size_t at, size_t per_column)
{
	size_t count = json_array_size(row);
	size_t from_end = (COLUMNS - at) * per_column;
	unsigned long long sum = 0;

	for (size_t i = 0; i < per_column; i++)
		if (from_end - i <= count)
			sum += (unsigned long long)json_integer_value(
				json_array_get(row, count - from_end + i));
	return sum;
}

static void
print_row(const json_t *history, const char *key, const char *name,
	bool is_octets)
{
	static const char *const bars[] = {"\u2581", "\u2582", "\u2583",
		"\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
	static const char plain[] = ".:-=+*%#";
	bool is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	const json_t *row = json_object_get(history, key);
	unsigned long long step = number(history, "step_seconds");
	size_t per_column = step ? COLUMN_SECONDS / step : 1;
	unsigned long long most = 0;
	char text[16];

	for (size_t i = 0; i < COLUMNS; i++)
		if (column_sum(row, i, per_column) > most)
			most = column_sum(row, i, per_column);
	printf("%-13s ", name);
	for (size_t i = 0; i < COLUMNS; i++) {
		unsigned long long sum = column_sum(row, i, per_column);
		size_t bar = sum ? (size_t)((sum * 8 - 1) / most) : 0;

		if (sum == 0)
			putchar(' ');
		else if (is_utf8)
			fputs(bars[bar], stdout);
		else
			putchar(plain[bar]);
	}
	if (is_octets)
		printf("| %s at most\n", human_octets(most, text));
	else
		printf("| %llu at most\n", most);
}

static void
print_history(const json_t *history)
{
	setlocale(LC_CTYPE, "");
	printf("\n%-13s %-48s| now\n", "LAST DAY", "half an hour each");
	print_row(history, "logins", "logins", false);
	print_row(history, "failed_logins", "failed", false);
	print_row(history, "deliveries", "delivered", false);
	print_row(history, "retrieved_octets", "octets", true);
}

/* ---- mailboxes ---- */

static void
print_mailboxes(const char *title, const json_t *rows)
{
	unsigned long long now = (unsigned long long)time(NULL);
	char octets[16], age[32], name[COLUMNS_SIZE];
	size_t index;
	json_t *row;

	if (json_array_size(rows) == 0)
		return;
	printf("\n%-40s %10s %12s %13s\n", title, "MESSAGES", "SIZE",
		"UNCHANGED FOR");
	json_array_foreach(rows, index, row)
	{
		unsigned long long changed = number(row, "changed");

		printf("%s %10llu %12s %13s\n",
			in_columns(text(row, "mailbox"), 40, name),
			number(row, "messages"),
			human_octets(number(row, "octets"), octets),
			human_seconds(now > changed ? now - changed : 0, age));
	}
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
		char left_text[32], names[COLUMNS_SIZE];

		snprintf(left_text, sizeof(left_text), "%lld", days);
		printf("%s %-10s %9s\n",
			in_columns(text(row, "names"), 44, names),
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
		char name[COLUMNS_SIZE];

		printf("%-30s %s %8llu %4llu s\n", *from ? from : "anywhere",
			in_columns(*at ? at : "any account", 24, name),
			number(row, "failures"), number(row, "wait_seconds"));
	}
	left = (size_t)number(penalties, "count") - json_array_size(latest);
	if (left > 0)
		printf("and %zu more\n", left);
}

static void
print_traces(const json_t *traces)
{
	char left[32];
	size_t index;
	json_t *row;

	json_array_foreach((json_t *)(uintptr_t)traces, index, row)
		printf("%straced        %s, for %s more\n",
			index == 0 ? "\n" : "", text(row, "user"),
			human_seconds(number(row, "seconds_left"), left));
}

static int
print_status(const char *reply, bool is_json)
{
	json_t *status = json_loads(reply, 0, NULL), *mailboxes;
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
		print_history(json_object_get(status, "history"));
		mailboxes = json_object_get(status, "mailboxes");
		print_mailboxes("LARGEST MAILBOXES",
			json_object_get(mailboxes, "largest"));
		print_mailboxes("UNCHANGED FOR LONGEST",
			json_object_get(mailboxes, "unchanged_longest"));
		print_roles(json_object_get(status, "roles"));
		print_certificates(json_object_get(status, "certificates"));
		print_penalties(json_object_get(status, "penalties"));
		print_traces(json_object_get(status, "traces"));
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
