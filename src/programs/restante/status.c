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

struct rest {
	uint64_t quarantined, headers, skipped;
	char quarantine[PATH_MAX];
};

/* What a person may have to look after. */
static void
print_rest(const struct rest *rest)
{
	if (rest->quarantined > 0)
		printf("  %llu in quarantine, %s: refused where %s should go; "
		       "fetch --quarantined tries again\n",
			(unsigned long long)rest->quarantined, rest->quarantine,
			rest->quarantined == 1 ? "it" : "they");
	if (rest->headers > 0)
		printf("  %llu by the header alone; fetch --bodies brings the "
		       "rest\n",
			(unsigned long long)rest->headers);
	if (rest->skipped > 0)
		printf("  %llu left on the server by rules\n",
			(unsigned long long)rest->skipped);
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

static struct rest
rest_of(const struct arguments *arguments, struct ledger *ledger,
	const char *name)
{
	struct rest rest = {
		.quarantined = ledger_count(ledger, name, LEDGER_QUARANTINED),
		.headers = ledger_count(ledger, name, LEDGER_HEADERS),
		.skipped = ledger_count(ledger, name, LEDGER_SKIPPED),
	};
	char state[PATH_MAX];

	if (account_expand(arguments->settings.state, state, sizeof(state)))
		engine_quarantine_path(
			state, name, rest.quarantine, sizeof(rest.quarantine));
	return rest;
}

static void
add_rest(json_t *object, const struct rest *rest)
{
	json_object_update_new(object,
		json_pack("{s:I, s:s, s:I, s:I}", "quarantined_messages",
			(json_int_t)rest->quarantined, "quarantine",
			rest->quarantine, "header_messages",
			(json_int_t)rest->headers, "skipped_messages",
			(json_int_t)rest->skipped));
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
		struct rest rest = rest_of(arguments, ledger, state.name);
		json_t *object;

		state.was_run = ledger_last_run(ledger, state.name, &state.run);
		state.has_turn = schedule_read(folder, state.name, &state.turn);
		if (!arguments->is_json) {
			print(&state);
			print_rest(&rest);
			continue;
		}
		object = describe(&state);
		add_rest(object, &rest);
		json_array_append_new(list, object);
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
