/* SPDX-License-Identifier: ISC */
/* restante fetch */
#include "base/clock.h"
#include "base/log.h"
#include "collect/secret_source.h"
#include "programs/progress.h"
#include "programs/restante/command.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct run {
	const struct arguments *arguments;
	struct engine_account *accounts;
	struct secret *passwords, *deliver_passwords;
	size_t count;
	struct progress *progress;
	uint64_t began_ms;
	int code;
};

/* ---- what is printed ---- */

static void
print_json(const struct engine_event *event)
{
	static const char *const kinds[] = {"connected", "planned", "progress",
		"stored", "warning", "ended"};
	json_t *object = json_pack("{s:s, s:s}", "event", kinds[event->kind],
		"account", event->account);
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{"listed_messages", event->listed_messages},
		{"listed_octets", event->listed_octets},
		{"planned_messages", event->planned_messages},
		{"planned_octets", event->planned_octets},
		{"received_messages", event->received_messages},
		{"received_octets", event->received_octets},
		{"stored_messages", event->stored_messages},
		{"to_delete_messages", event->to_delete_messages},
		{"deleted_messages", event->deleted_messages},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		json_object_set_new(object, numbers[i].name,
			json_integer((json_int_t)numbers[i].value));
	if (event->kind == ENGINE_ENDED)
		json_object_set_new(object, "outcome",
			json_string(outcome_name(event->outcome)));
	/* A server's text need not be UTF-8: what is not is left out. */
	if (event->text[0])
		json_object_set_new(object, "text", json_string(event->text));
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(object);
}

static const char *
plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void
print_plan(const struct engine_event *event, bool keep)
{
	char octets[16];

	printf("%s: would collect %llu of %llu message%s (%s)", event->account,
		(unsigned long long)event->planned_messages,
		(unsigned long long)event->listed_messages,
		plural(event->listed_messages),
		human_octets(event->planned_octets, octets));
	if (keep)
		printf(" and delete none\n");
	else
		printf(" and delete %llu\n",
			(unsigned long long)event->to_delete_messages);
}

static void
print_result(const struct run *run, const struct engine_event *event)
{
	uint64_t left = event->listed_messages - event->deleted_messages;
	double seconds =
		(double)(clock_monotonic_ms() - run->began_ms) / 1000.0;
	char octets[16];

	if (event->stored_messages > 0)
		printf("%s: %llu message%s, %s in %.1f s", event->account,
			(unsigned long long)event->stored_messages,
			plural(event->stored_messages),
			human_octets(event->received_octets, octets), seconds);
	else
		printf("%s: nothing new", event->account);
	if (event->deleted_messages > 0)
		printf("; %llu deleted on the server",
			(unsigned long long)event->deleted_messages);
	printf("; %llu there now\n", (unsigned long long)left);
}

/* ---- the engine's events ---- */

static size_t
index_of(const struct run *run, const char *account)
{
	for (size_t i = 0; i < run->count; i++)
		if (run->accounts[i].account->name == account)
			return i;
	return 0;
}

static void
on_end(struct run *run, size_t index, const struct engine_event *event)
{
	const struct arguments *arguments = run->arguments;

	progress_end(run->progress, index);
	if (event->outcome != OK)
		complain(0, "%s: %s", event->account, event->text);
	if (arguments->is_quiet || arguments->is_json)
		return;
	if (arguments->is_dry_run && event->outcome == OK)
		print_plan(event, run->accounts[index].account->keep);
	else if (event->outcome == OK || event->stored_messages > 0)
		print_result(run, event);
	fflush(stdout);
}

static void
on_event(const struct engine_event *event, void *context)
{
	struct run *run = context;
	size_t index = index_of(run, event->account);

	if (run->arguments->is_json && event->kind != ENGINE_PROGRESS)
		print_json(event);
	switch (event->kind) {
	case ENGINE_WARNING:
		progress_hide(run->progress);
		complain(0, "%s: %s", event->account, event->text);
		return;
	case ENGINE_ENDED:
		on_end(run, index, event);
		return;
	case ENGINE_PLANNED:
	case ENGINE_PROGRESS:
	case ENGINE_STORED:
		progress_set(run->progress, index, event->account,
			event->received_octets, event->planned_octets,
			event->received_messages, event->planned_messages);
		return;
	case ENGINE_CONNECTED:
	default:
		return;
	}
}

/* ---- the accounts ---- */

/* One whose password cannot be had is left out; the others go on. */
static void
take(struct run *run, const struct collect_account *account)
{
	struct secret *password = &run->passwords[run->count];
	char error[INI_ERROR_SIZE];
	struct secret *deliver = &run->deliver_passwords[run->count];
	enum outcome outcome = secret_source_read(account, password, error);

	if (outcome == OK)
		outcome = secret_source_read_deliver(account, deliver, error);

	if (outcome != OK) {
		run->code = worse_code(
			run->code, complain(code_of_outcome(outcome), "%s: %s",
					   account->name, error));
		return;
	}
	run->accounts[run->count++] =
		(struct engine_account){account, password, deliver};
}

static int
choose(struct run *run)
{
	const struct arguments *arguments = run->arguments;
	const struct collect_settings *settings = &arguments->settings;

	if (settings->count == 0)
		return complain(EX_CONFIG,
			"there is no account in %s\nTry: restante account add "
			"you@example.org --host mail.example.org",
			arguments->config);
	for (int i = 0; i < arguments->operands.count; i++)
		if (!collect_settings_find(settings, arguments->operands.at[i]))
			return complain(EX_USAGE,
				"there is no account %s; \"restante account "
				"list\" shows what there is",
				arguments->operands.at[i]);
	for (size_t i = 0; i < settings->count; i++) {
		bool is_named = arguments->operands.count == 0;

		for (int k = 0; k < arguments->operands.count; k++)
			if (strcmp(settings->accounts[i].name,
				    arguments->operands.at[k]) == 0)
				is_named = true;
		if (is_named)
			take(run, &settings->accounts[i]);
	}
	return EX_OK;
}

static int
run_engine(struct run *run)
{
	char state[PATH_MAX], error[ENGINE_TEXT_SIZE];
	struct engine_options options = {
		.state = state,
		.is_dry_run = run->arguments->is_dry_run,
		.is_retry = run->arguments->is_retry,
		.on_event = on_event,
		.context = run,
	};
	enum outcome *outcomes = calloc(run->count + 1, sizeof(*outcomes));
	struct ledger *ledger = open_ledger(run->arguments);
	int code = ledger ? EX_OK : EX_CANTCREAT;

	account_expand(run->arguments->settings.state, state, sizeof(state));
	if (!outcomes)
		code = complain(EX_OSERR, "no memory");
	if (code == EX_OK && engine_run(&options, ledger, run->accounts,
				     run->count, outcomes, error) != OK)
		code = complain(EX_OSERR, "%s", error);
	for (size_t i = 0; i < run->count && code == EX_OK; i++)
		run->code = worse_code(run->code, code_of_outcome(outcomes[i]));
	free(outcomes);
	ledger_close(&ledger);
	return code == EX_OK ? run->code : code;
}

int
fetch(struct arguments *arguments)
{
	size_t most = arguments->settings.count + 1;
	struct run run = {
		.arguments = arguments,
		.accounts = calloc(most, sizeof(*run.accounts)),
		.passwords = calloc(most, sizeof(*run.passwords)),
		.deliver_passwords = calloc(most, sizeof(*run.passwords)),
		.progress = progress_new(
			most, arguments->is_quiet || arguments->is_json),
		.began_ms = clock_monotonic_ms(),
	};
	int code = EX_OSERR;

	if (run.accounts && run.passwords && run.deliver_passwords &&
		run.progress)
		code = choose(&run);
	if (code == EX_OK)
		code = run_engine(&run);
	for (size_t i = 0; i < run.count; i++)
		secret_release(&run.passwords[i]);
	for (size_t i = 0; i < run.count; i++)
		secret_release(&run.deliver_passwords[i]);
	free(run.deliver_passwords);
	free(run.accounts);
	free(run.passwords);
	progress_free(&run.progress);
	return code;
}
