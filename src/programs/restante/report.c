/* SPDX-License-Identifier: ISC */
#include "programs/restante/report.h"
#include "base/clock.h"
#include "programs/json_text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

bool
report_init(struct report *report, const struct arguments *arguments,
	const struct collect_settings *settings)
{
	bool is_silent = arguments->is_quiet || arguments->is_json;

	*report = (struct report){
		.settings = settings,
		.is_json = arguments->is_json,
		.is_dry_run = arguments->is_dry_run || arguments->observes,
		.is_quiet = arguments->is_quiet,
		.says_news = arguments->is_daemon,
		.began_ms = calloc(settings->count + 1, sizeof(uint64_t)),
		.progress = progress_new(settings->count + 1, is_silent),
	};
	return report->began_ms && report->progress;
}

void
report_release(struct report *report)
{
	free(report->began_ms);
	report->began_ms = NULL;
	progress_free(&report->progress);
}

/* ---- JSON ---- */

static void
print_object(json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(object);
}

static json_t *
describe_message(const struct engine_message *message)
{
	const struct {
		const char *name, *value;
	} texts[] = {
		{"uidl", message->uidl},
		{"from", message->from},
		{"subject", message->subject},
		{"date", message->date},
		{"rule", message->rule},
		{"action", message->action},
		{"folder", message->folder},
	};
	json_t *object = json_pack("{s:i, s:I}", "number", (int)message->number,
		"octets", (json_int_t)message->octets);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		json_object_set_new(
			object, texts[i].name, json_text(texts[i].value));
	return object;
}

static void
print_json(const struct engine_event *event)
{
	static const char *const kinds[] = {"connected", "planned", "message",
		"progress", "stored", "warning", "ended"};
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
		{"skipped_messages", event->skipped_messages},
		{"header_messages", event->header_messages},
		{"discarded_messages", event->discarded_messages},
		{"quarantined_messages", event->quarantined_messages},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		json_object_set_new(object, numbers[i].name,
			json_integer((json_int_t)numbers[i].value));
	if (event->kind == ENGINE_ENDED)
		json_object_set_new(object, "outcome",
			json_string(outcome_name(event->outcome)));
	if (event->message)
		json_object_set_new(
			object, "message", describe_message(event->message));
	/* A server's text need not be UTF-8: what is not is left out. */
	if (event->text[0])
		json_object_set_new(object, "text", json_string(event->text));
	print_object(object);
}

void
report_next(
	const struct report *report, const char *account, uint64_t at_seconds)
{
	if (report->is_json)
		print_object(
			json_pack("{s:s, s:s, s:I}", "event", "next", "account",
				account, "at_seconds", (json_int_t)at_seconds));
}

/* ---- for people ---- */

static const char *
plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* What rules do with the others. */
static void
print_by_rules(const struct engine_event *event)
{
	const struct {
		uint64_t count;
		const char *what;
	} rows[] = {
		{event->header_messages, "by the header alone"},
		{event->skipped_messages, "skipped"},
		{event->discarded_messages, "deleted unseen"},
	};
	const char *before = "; by rules ";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].count == 0)
			continue;
		printf("%s%llu %s", before, (unsigned long long)rows[i].count,
			rows[i].what);
		before = ", ";
	}
	if (event->quarantined_messages > 0)
		printf("; %llu put into quarantine",
			(unsigned long long)event->quarantined_messages);
}

static void
print_message(const struct engine_message *message)
{
	char octets[16];

	printf("%6u %10s  %.40s  %s", message->number,
		human_octets(message->octets, octets), message->from,
		message->subject);
	if (message->rule[0])
		printf("  (rule %s: %s%s%s)", message->rule, message->action,
			message->folder[0] ? " into " : "", message->folder);
	putchar('\n');
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
	if (keep && event->to_delete_messages == 0)
		printf(" and delete none");
	else
		printf(" and delete %llu",
			(unsigned long long)event->to_delete_messages);
	print_by_rules(event);
	putchar('\n');
}

static void
print_result(const struct engine_event *event, uint64_t began_ms)
{
	uint64_t left = event->listed_messages - event->deleted_messages;
	double seconds = (double)(clock_monotonic_ms() - began_ms) / 1000.0;
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
	print_by_rules(event);
	printf("; %llu there now\n", (unsigned long long)left);
}

/* ---- events ---- */

size_t
report_index(const struct report *report, const char *name)
{
	size_t index = 0;

	while (index < report->settings->count &&
		report->settings->accounts[index].name != name)
		index++;
	return index;
}

void
report_begin(struct report *report, const struct collect_account *account)
{
	report->began_ms[report_index(report, account->name)] =
		clock_monotonic_ms();
}

static void
on_end(struct report *report, size_t index, const struct engine_event *event)
{
	const struct collect_account *account =
		&report->settings->accounts[index];
	bool has_news = event->stored_messages + event->deleted_messages > 0;

	progress_end(report->progress, index);
	if (event->outcome != OK)
		complain(0, "%s: %s", event->account, event->text);
	if (report->is_quiet || report->is_json)
		return;
	if ((report->is_dry_run || account->observe) && event->outcome == OK)
		print_plan(event, account->keep);
	else if (has_news || (event->outcome == OK && !report->says_news))
		print_result(event, report->began_ms[index]);
	fflush(stdout);
}

void
report_event(struct report *report, const struct engine_event *event)
{
	size_t index = report_index(report, event->account);

	if (report->is_json && event->kind != ENGINE_PROGRESS)
		print_json(event);
	switch (event->kind) {
	case ENGINE_WARNING:
		progress_hide(report->progress);
		complain(0, "%s: %s", event->account, event->text);
		return;
	case ENGINE_ENDED:
		on_end(report, index, event);
		return;
	case ENGINE_MESSAGE:
		if (report->is_json || report->is_quiet)
			return;
		progress_hide(report->progress);
		print_message(event->message);
		return;
	case ENGINE_PLANNED:
	case ENGINE_PROGRESS:
	case ENGINE_STORED:
		progress_set(report->progress, index, event->account,
			event->received_octets, event->planned_octets,
			event->received_messages, event->planned_messages);
		return;
	case ENGINE_CONNECTED:
	default:
		return;
	}
}
