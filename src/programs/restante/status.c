/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "collect/schedule.h"
#include "programs/restante/command.h"

#include <jansson.h>
#include <stdio.h>
#include <sysexits.h>

/* What is known of one account. */
struct state_of_account {
	const char *name;
	bool was_run, has_turn; /* the daemon collects it */
	struct ledger_run run;
	struct schedule_entry turn;
};

static json_t *
describe(const struct state_of_account *state)
{
	const struct ledger_run *run = &state->run;
	json_t *object = json_pack("{s:s, s:n, s:n}", "account", state->name,
		"last_run", "next_run_at_seconds");

	if (state->was_run)
		json_object_set_new(object, "last_run",
			json_pack("{s:I, s:b, s:s, s:I, s:I, s:I, s:I}",
				"at_seconds", (json_int_t)run->at_seconds,
				"is_good", (int)run->is_good, "detail",
				run->detail, "received_messages",
				(json_int_t)run->messages, "received_octets",
				(json_int_t)run->octets, "stored_messages",
				(json_int_t)run->stored, "on_server",
				(json_int_t)run->on_server));
	json_object_set_new(object, "is_running",
		json_boolean(state->has_turn && state->turn.is_running));
	if (state->has_turn && state->turn.next_seconds > 0)
		json_object_set_new(object, "next_run_at_seconds",
			json_integer((json_int_t)state->turn.next_seconds));
	return object;
}

static const char *
next_run(const struct state_of_account *state, char out[40])
{
	uint64_t now = clock_wall_seconds(), at = state->turn.next_seconds;
	char text[32];

	if (!state->has_turn || (at == 0 && !state->turn.is_running))
		return "-";
	if (state->turn.is_running)
		return "now";
	snprintf(
		out, 40, "in %s", human_seconds(at > now ? at - now : 0, text));
	return out;
}

static void
print(const struct state_of_account *state)
{
	const struct ledger_run *run = &state->run;
	uint64_t now = clock_wall_seconds();
	char octets[16], ago[32], next[40];

	if (!state->was_run) {
		printf("%-30s %-13s %-13s\n", state->name, "never",
			next_run(state, next));
		return;
	}
	human_seconds(now > run->at_seconds ? now - run->at_seconds : 0, ago);
	printf("%-30s %-13s %-13s %6llu %10s %9llu  %s\n", state->name, ago,
		next_run(state, next), (unsigned long long)run->stored,
		human_octets(run->octets, octets),
		(unsigned long long)run->on_server,
		run->is_good ? "good" : run->detail);
}

static void
show(const struct arguments *arguments, struct ledger *ledger, json_t *list)
{
	const struct collect_settings *settings = &arguments->settings;
	char folder[PATH_MAX];

	account_expand(settings->state, folder, sizeof(folder));
	for (size_t i = 0; i < settings->count; i++) {
		struct state_of_account state = {
			.name = settings->accounts[i].name};

		state.was_run = ledger_last_run(ledger, state.name, &state.run);
		state.has_turn = schedule_read(folder, state.name, &state.turn);
		if (arguments->is_json)
			json_array_append_new(list, describe(&state));
		else
			print(&state);
	}
}

int
show_status(struct arguments *arguments)
{
	struct ledger *ledger = open_ledger(arguments);
	json_t *list = json_array();

	if (!ledger) {
		json_decref(list);
		return EX_CANTCREAT;
	}
	if (!arguments->is_json)
		printf("%-30s %-13s %-13s %6s %10s %9s  %s\n", "ACCOUNT",
			"LAST RUN, AGO", "NEXT RUN", "NEW", "SIZE", "ON SERVER",
			"RESULT");
	show(arguments, ledger, list);
	if (arguments->is_json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(list);
	ledger_close(&ledger);
	return EX_OK;
}
