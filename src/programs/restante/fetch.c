/* SPDX-License-Identifier: ISC */
/* restante fetch */
#include "programs/restante/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct one_run {
	const struct arguments *arguments;
	struct report report;
	struct engine_account *accounts;
	struct secret *passwords;
	enum outcome *outcomes;
	size_t count;
};

/* ---- the accounts ---- */

bool
fetch_is_wanted(const struct arguments *arguments, const char *account)
{
	for (int i = 0; i < arguments->operands.count; i++)
		if (strcmp(account, arguments->operands.at[i]) == 0)
			return true;
	return arguments->operands.count == 0;
}

int
fetch_check_accounts(const struct arguments *arguments)
{
	const struct collect_settings *settings = &arguments->settings;

	if (settings->count == 0)
		return complain(EX_CONFIG,
			"there is no account in %s\nTry: restante account add "
			"you@example.org",
			arguments->config);
	for (int i = 0; i < arguments->operands.count; i++)
		if (!collect_settings_find(settings, arguments->operands.at[i]))
			return complain(EX_USAGE,
				"there is no account %s; \"restante account "
				"list\" shows what there is",
				arguments->operands.at[i]);
	return EX_OK;
}

void
fetch_ask_password(const struct collect_account *account, struct secret *out)
{
	/* Without a terminal the run says what is missing. */
	if (account_asks_password(account) && has_terminal())
		ask_password_of(account->name, out);
}

static void
take(struct one_run *run, const struct collect_account *account)
{
	size_t i = run->count++;

	fetch_ask_password(account, &run->passwords[i]);
	report_begin(&run->report, account);
	run->accounts[i] = (struct engine_account){
		account, &run->passwords[i], &run->outcomes[i]};
}

/* ---- once ---- */

static void
on_event(const struct engine_event *event, void *context)
{
	struct one_run *run = context;

	report_event(&run->report, event);
}

static int
run_engine(struct one_run *run)
{
	char state[PATH_MAX], error[ENGINE_TEXT_SIZE];
	struct engine_options options = {
		.state = state,
		.is_dry_run = run->arguments->is_dry_run,
		.is_retry = run->arguments->is_retry,
		.is_observing = run->arguments->observes,
		.wants_bodies = run->arguments->wants_bodies,
		.wants_quarantined = run->arguments->wants_quarantined,
		.accepts_new_uidls = run->arguments->accepts_new_uidls,
		.rules = &run->arguments->settings.rules,
		.on_event = on_event,
		.context = run,
	};
	struct ledger *ledger = open_ledger(run->arguments);
	int code = EX_OK;

	if (!ledger)
		return EX_CANTCREAT;
	account_expand(run->arguments->settings.state, state, sizeof(state));
	if (engine_run(&options, ledger, run->accounts, run->count, error) !=
		OK)
		code = complain(EX_OSERR, "%s", error);
	for (size_t i = 0; i < run->count && code != EX_OSERR; i++)
		code = worse_code(code, code_of_outcome(run->outcomes[i]));
	ledger_close(&ledger);
	return code;
}

static int
run_once(struct one_run *run)
{
	const struct collect_settings *settings = &run->arguments->settings;

	for (size_t i = 0; i < settings->count; i++)
		if (fetch_is_wanted(run->arguments, settings->accounts[i].name))
			take(run, &settings->accounts[i]);
	return run_engine(run);
}

static int
fetch_once(const struct arguments *arguments)
{
	size_t most = arguments->settings.count + 1;
	struct one_run run = {
		.arguments = arguments,
		.accounts = calloc(most, sizeof(*run.accounts)),
		.passwords = calloc(most, sizeof(*run.passwords)),
		.outcomes = calloc(most, sizeof(*run.outcomes)),
	};
	int code;

	if (report_init(&run.report, arguments, &arguments->settings) &&
		run.accounts && run.passwords && run.outcomes)
		code = run_once(&run);
	else
		code = complain(EX_OSERR, "no memory");
	for (size_t i = 0; i < run.count; i++)
		secret_release(&run.passwords[i]);
	free(run.accounts);
	free(run.passwords);
	free(run.outcomes);
	report_release(&run.report);
	return code;
}

int
fetch(struct arguments *arguments)
{
	int code = fetch_check_accounts(arguments);

	if (code != EX_OK)
		return code;
	if (!arguments->is_daemon)
		return fetch_once(arguments);
	/* All of them are for one run. */
	if (arguments->is_dry_run || arguments->observes ||
		arguments->wants_bodies || arguments->wants_quarantined ||
		arguments->accepts_new_uidls)
		return complain(EX_USAGE,
			"--daemon goes with --retry, --json and -q alone");
	return fetch_daemon(arguments);
}
