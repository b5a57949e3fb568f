/* SPDX-License-Identifier: ISC */
#include "programs/restante/command.h"
#include "base/clock.h"

#include <jansson.h>
#include <stdio.h>
#include <sysexits.h>

static json_t *
describe(const char *name, const struct ledger_run *run)
{
	if (!run)
		return json_pack("{s:s, s:n}", "account", name, "last_run");
	return json_pack("{s:s, s:{s:I, s:b, s:s, s:I, s:I, s:I, s:I}}",
		"account", name, "last_run", "at_seconds",
		(json_int_t)run->at_seconds, "is_good", (int)run->is_good,
		"detail", run->detail, "received_messages",
		(json_int_t)run->messages, "received_octets",
		(json_int_t)run->octets, "stored_messages",
		(json_int_t)run->stored, "on_server",
		(json_int_t)run->on_server);
}

static void
print(const char *name, const struct ledger_run *run)
{
	uint64_t now = clock_wall_seconds();
	char octets[16], ago[32];

	if (!run) {
		printf("%-30s never\n", name);
		return;
	}
	human_seconds(now > run->at_seconds ? now - run->at_seconds : 0, ago);
	printf("%-30s %-14s %6llu %10s %10llu  %s\n", name, ago,
		(unsigned long long)run->stored,
		human_octets(run->octets, octets),
		(unsigned long long)run->on_server,
		run->is_good ? "good" : run->detail);
}

int
show_status(struct arguments *arguments)
{
	const struct collect_settings *settings = &arguments->settings;
	struct ledger *ledger = open_ledger(arguments);
	json_t *list = json_array();

	if (!ledger) {
		json_decref(list);
		return EX_CANTCREAT;
	}
	if (!arguments->is_json)
		printf("%-30s %-14s %6s %10s %10s  %s\n", "ACCOUNT",
			"LAST RUN, AGO", "NEW", "SIZE", "ON SERVER", "RESULT");
	for (size_t i = 0; i < settings->count; i++) {
		const char *name = settings->accounts[i].name;
		struct ledger_run run;
		bool is_there = ledger_last_run(ledger, name, &run);

		if (arguments->is_json)
			json_array_append_new(
				list, describe(name, is_there ? &run : NULL));
		else
			print(name, is_there ? &run : NULL);
	}
	if (arguments->is_json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(list);
	ledger_close(&ledger);
	return EX_OK;
}
