/* SPDX-License-Identifier: ISC */
/* A message that restante explain is asked about by its UIDL: what the ledger
 * knows of it, its header on the server, its file here. */
#include "base/clock.h"
#include "collect/sinks/maildir.h"
#include "programs/json_text.h"
#include "programs/restante/explain.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* ---- the server ---- */

struct look {
	struct sought *sought;
	struct buffer *head;
};

static void
on_event(const struct engine_event *event, void *context)
{
	struct look *look = context;
	struct sought *sought = look->sought;
	const struct engine_message *message = event->message;

	if (event->kind == ENGINE_ENDED)
		snprintf(sought->text, sizeof(sought->text), "%s", event->text);
	/* The first of those that share the UIDL. */
	if (event->kind != ENGINE_MESSAGE || sought->is_on_server)
		return;
	sought->is_on_server = true;
	sought->number = message->number;
	sought->octets = message->octets;
	sought->has_header = message->has_header &&
			     buffer_append_bytes(look->head, message->header);
}

static void
ask_server(const struct arguments *arguments,
	const struct collect_account *account, struct ledger *ledger,
	struct sought *sought, struct buffer *head)
{
	struct look look = {sought, head};
	char state[PATH_MAX], error[ENGINE_TEXT_SIZE];
	struct secret password = {0};
	struct engine_options options = {
		.state = state,
		.is_observing = true,
		.only_uidl = sought->uidl,
		.rules = &arguments->settings.rules,
		.on_event = on_event,
		.context = &look,
	};
	struct engine_account one = {account, &password, &sought->outcome};

	fetch_ask_password(account, &password);
	account_expand(arguments->settings.state, state, sizeof(state));
	if (engine_run(&options, ledger, &one, 1, error) != OK) {
		sought->outcome = ERR_TRY_LATER;
		snprintf(sought->text, sizeof(sought->text), "%s", error);
	}
	secret_release(&password);
}

/* ---- the file ---- */

static void
find_file(const struct arguments *arguments,
	const struct collect_account *account, struct sought *sought)
{
	const struct rules *rules = &arguments->settings.rules;
	const struct message_key key = {sought->uidl, 0};
	char path[PATH_MAX];
	bool is_found = strcmp(account_sink_name(account), "maildir") == 0 &&
			account_maildir(account, path, sizeof(path)) &&
			maildir_find_message(path, account->name, &key,
				sought->file, sizeof(sought->file));

	for (size_t i = 0; i < rules->count && !is_found; i++)
		is_found = rules->rules[i].maildir[0] &&
			   account_expand(rules->rules[i].maildir, path,
				   sizeof(path)) &&
			   maildir_find_message(path, account->name, &key,
				   sought->file, sizeof(sought->file));
	if (!is_found)
		sought->file[0] = '\0';
}

/* ---- all of it ---- */

static int
seek(const struct arguments *arguments, const struct collect_account *account,
	struct ledger *ledger, struct sought *sought, struct buffer *head)
{
	const struct message_key key = {sought->uidl, 0};
	enum outcome outcome =
		ledger_find(ledger, account->name, &key, &sought->entry);

	if (outcome != OK)
		return complain(code_of_outcome(outcome),
			"the ledger cannot be read: %s", outcome_name(outcome));
	ask_server(arguments, account, ledger, sought, head);
	find_file(arguments, account, sought);
	if (sought->entry.state != LEDGER_UNKNOWN || sought->is_on_server ||
		sought->file[0])
		return EX_OK;
	if (sought->outcome != OK)
		return complain(code_of_outcome(sought->outcome), "%s: %s",
			account->name, sought->text);
	return complain(EX_NOINPUT,
		"%s: neither the server nor the ledger has a message of this "
		"UIDL; \"restante fetch --observe --json\" shows those of new "
		"ones",
		account->name);
}

int
explain_seek(const struct arguments *arguments,
	const struct collect_account *account, const char *uidl,
	struct sought *out, struct buffer *head)
{
	struct ledger *ledger = open_ledger(arguments);
	int code = EX_CANTCREAT;

	*out = (struct sought){.uidl = bytes_of_string(uidl)};
	if (out->uidl.octets == 0 ||
		out->uidl.octets > MESSAGE_KEY_UIDL_MAXIMUM_OCTETS)
		code = complain(EX_USAGE, "a UIDL has 1 to %d octets",
			MESSAGE_KEY_UIDL_MAXIMUM_OCTETS);
	else if (ledger)
		code = seek(arguments, account, ledger, out, head);
	ledger_close(&ledger);
	return code;
}

/* ---- what is said ---- */

static const char *
state_word(enum ledger_state state)
{
	static const char *const words[] = {"unknown", "seen", "stored",
		"deleted", "headers", "skipped", "imported", "quarantined"};

	return words[state];
}

static const char *
state_text(enum ledger_state state)
{
	static const char *const texts[] = {
		"not known",
		"began to arrive and broke",
		"collected",
		"collected, and deleted on the server",
		"collected by its header alone (see fetch --bodies)",
		"left on the server by a rule",
		"collected by another program (import-state)",
		"put into quarantine (see fetch --quarantined)",
	};

	return texts[state];
}

void
explain_print_sought(const struct sought *sought)
{
	uint64_t now = clock_wall_seconds();
	uint64_t at = (uint64_t)sought->entry.at_seconds;
	char ago[32];

	printf("  ledger: %s", state_text(sought->entry.state));
	if (sought->entry.state != LEDGER_UNKNOWN)
		printf(", %s ago", human_seconds(now > at ? now - at : 0, ago));
	if (sought->is_on_server)
		printf("\n  server: message %u%s\n", sought->number,
			sought->has_header ? ""
					   : ", whose header it does not give");
	else if (sought->outcome == OK)
		printf("\n  server: it is not there\n");
	else
		printf("\n  server: not asked: %s\n", sought->text);
	if (sought->file[0])
		printf("  file:   %s\n", sought->file);
}

static json_t *
describe_entry(const struct ledger_entry *entry)
{
	if (entry->state == LEDGER_UNKNOWN)
		return json_null();
	return json_pack("{s:s, s:I, s:I, s:I}", "state",
		state_word(entry->state), "at_seconds",
		(json_int_t)entry->at_seconds, "octets",
		(json_int_t)entry->octets, "attempts",
		(json_int_t)entry->attempts);
}

void
explain_describe_sought(const struct sought *sought, json_t *object)
{
	char uidl[MESSAGE_KEY_UIDL_MAXIMUM_OCTETS + 1];

	bytes_to_string(sought->uidl, uidl, sizeof(uidl));
	json_object_set_new(object, "uidl", json_text(uidl));
	json_object_set_new(object, "ledger", describe_entry(&sought->entry));
	json_object_set_new(object, "number",
		sought->is_on_server ? json_integer(sought->number)
				     : json_null());
	json_object_set_new(object, "server_error",
		sought->outcome != OK ? json_text(sought->text) : json_null());
	json_object_set_new(object, "file",
		sought->file[0] ? json_text(sought->file) : json_null());
}
