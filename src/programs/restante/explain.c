/* SPDX-License-Identifier: ISC */
/* restante explain: which rule holds for a message, and why; of one that is known
 * by its UIDL also what became of it. */
#include "base/clock.h"
#include "collect/header.h"
#include "programs/json_text.h"
#include "programs/restante/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define HEAD_MAXIMUM_OCTETS 65536 /* as the engine keeps of a message */
#define PIECE_OCTETS	    16384

struct explanation {
	const struct collect_account *account;
	const struct sought *sought; /* NULL: it is a file */
	bool has_header;
	struct buffer head;
	uint64_t octets; /* as a server would list it: lines end in CRLF */
	struct rule_facts facts;
	json_t *rules, *conditions; /* NULL: for people */
	bool is_first_condition;
};

/* ---- the message ---- */

static void
take(struct explanation *e, struct bytes piece, bool *is_after_cr)
{
	size_t room = buffer_room(&e->head);

	buffer_append_bytes(&e->head,
		bytes_of(piece.at, piece.octets < room ? piece.octets : room));
	e->octets += piece.octets;
	for (size_t i = 0; i < piece.octets; i++) {
		e->octets += piece.at[i] == '\n' && !*is_after_cr;
		*is_after_cr = piece.at[i] == '\r';
	}
}

static int
read_message(struct explanation *e, const char *name)
{
	bool is_stdin = strcmp(name, "-") == 0, is_after_cr = false;
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	unsigned char piece[PIECE_OCTETS];
	ssize_t got = fd < 0 ? -1 : 1;

	while (got > 0) {
		got = read(fd, piece, sizeof(piece));
		if (got > 0)
			take(e, bytes_of(piece, (size_t)got), &is_after_cr);
	}
	if (got < 0)
		complain(0, "%s: %s", name, strerror(errno));
	if (fd >= 0 && !is_stdin)
		close(fd);
	return got < 0 ? EX_NOINPUT : EX_OK;
}

static void
set_facts(struct explanation *e)
{
	uint64_t arrived, now = clock_wall_seconds();
	struct bytes header = header_of(buffer_bytes(&e->head));

	e->facts = (struct rule_facts){
		.account = e->account->name,
		.envelope = e->account->envelope,
		.envelope_skip = e->account->envelope_skip,
		.header = header,
		.has_header = e->has_header,
		.octets = e->octets,
		.is_sure = true,
	};
	if (!header_arrived(header, &arrived) || arrived > now)
		return;
	e->facts.has_age = true;
	e->facts.age_seconds = now - arrived;
}

/* ---- what is said ---- */

static const char *
answer_name(enum rule_answer answer)
{
	static const char *const names[] = {"no", "yes", "unknown"};

	return names[answer];
}

static void
on_condition(const struct rule *rule, const char *condition,
	enum rule_answer answer, const char *why, void *context)
{
	struct explanation *e = context;

	if (e->conditions)
		json_array_append_new(e->conditions,
			json_pack("{s:o, s:s, s:o}", "condition",
				json_text(condition), "answer",
				answer_name(answer), "why", json_text(why)));
	else
		printf("    %-3s  %s: %s\n", answer_name(answer), condition,
			why);
}

/* Does it hold? */
static bool
explain_rule(struct explanation *e, const struct rule *rule)
{
	static const char *const ends[] = {"it does not hold", "it holds",
		"its header would be needed to know"};
	enum rule_answer answer = rule_test(rule, &e->facts, NULL, NULL);

	if (e->rules)
		e->conditions = json_array();
	else
		printf("rule %s, %s:%u: %s\n", rule->name, rule->file,
			rule->line, ends[answer]);
	rule_test(rule, &e->facts, on_condition, e);
	if (e->rules)
		json_array_append_new(e->rules,
			json_pack("{s:s, s:s, s:i, s:b, s:o}", "rule",
				rule->name, "file", rule->file, "line",
				(int)rule->line, "holds", answer == RULE_YES,
				"conditions", e->conditions));
	return answer == RULE_YES;
}

/* Where it goes: a path, a server or a command. `usual` has PATH_MAX octets. */
static const char *
place_of(const struct explanation *e, const struct rule *rule, char *usual)
{
	if (rule && rule->action == RULE_PIPE)
		return rule->command;
	if (rule && rule->maildir[0])
		return rule->maildir;
	if (rule && rule->mbox[0])
		return rule->mbox;
	if (e->account->deliver_server[0])
		return e->account->deliver_server;
	if (e->account->deliver_command[0])
		return e->account->deliver_command;
	account_maildir(e->account, usual, PATH_MAX);
	return usual;
}

static void
print_place(const struct explanation *e, const struct rule_verdict *verdict,
	const char *what)
{
	char usual[PATH_MAX];

	printf("%s goes to ", what);
	if (verdict->folder[0])
		printf("the folder %s of ", verdict->folder);
	printf("%s\n", place_of(e, verdict->rule, usual));
}

static void
print_verdict(const struct explanation *e, const struct rule_verdict *verdict)
{
	if (!verdict->is_known) {
		printf("without the header it cannot be told what becomes of "
		       "it\n");
		return;
	}
	if (!verdict->rule) {
		print_place(e, verdict, "no rule holds: it");
		return;
	}
	printf("%s: ", verdict->rule->name);
	switch ((enum rule_action)verdict->rule->action) {
	case RULE_SKIP:
		printf("it stays on the server and is not collected\n");
		return;
	case RULE_DELETE:
		printf("it is deleted on the server and not collected\n");
		return;
	case RULE_HEADERS:
		print_place(e, verdict, "its header alone");
		return;
	case RULE_FILE:
	case RULE_PIPE:
	default:
		print_place(e, verdict, "it");
		return;
	}
}

static void
print_json(struct explanation *e, const struct rule_verdict *verdict)
{
	const struct rule *rule = verdict->rule;
	char usual[PATH_MAX];
	json_t *object = json_pack("{s:s, s:I, s:O, s:s?, s:s, s:s, s:o}",
		"account", e->account->name, "octets", (json_int_t)e->octets,
		"rules", e->rules, "rule", rule ? rule->name : NULL, "action",
		!verdict->is_known ? "unknown"
		: rule		   ? rule_action_name(rule)
				   : "file",
		"folder", verdict->folder, "place",
		json_text(verdict->is_known ? place_of(e, rule, usual) : ""));

	if (e->sought)
		explain_describe_sought(e->sought, object);
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

static void
print_message(const struct explanation *e)
{
	char octets[16], age[32], recipient[256];

	printf("message for %s: %s", e->account->name,
		human_octets(e->octets, octets));
	if (e->facts.has_age)
		printf(", %s old", human_seconds(e->facts.age_seconds, age));
	if (rule_recipient(&e->facts, recipient, sizeof(recipient)))
		printf(", to %s", recipient);
	putchar('\n');
}

/* ---- the command ---- */

/* NULL: it complained. */
static const struct collect_account *
choose(const struct arguments *arguments, const char *name)
{
	const struct collect_settings *settings = &arguments->settings;
	const struct collect_account *found;

	if (name) {
		found = collect_settings_find(settings, name);
		if (!found)
			complain(0,
				"there is no account %s; \"restante account "
				"list\" shows what there is",
				name);
		return found;
	}
	if (settings->count == 1)
		return &settings->accounts[0];
	complain(0, settings->count == 0
			    ? "there is no account in the settings"
			    : "of which account? --account NAME; \"restante "
			      "account list\" shows them");
	return NULL;
}

static void
run(struct explanation *e, const struct rules *rules)
{
	struct rule_verdict verdict;
	bool has_ended = false;

	set_facts(e);
	if (!e->rules)
		print_message(e);
	if (!e->rules && e->sought)
		explain_print_sought(e->sought);
	for (size_t i = 0; i < rules->count && !has_ended; i++)
		has_ended = explain_rule(e, &rules->rules[i]);
	rules_judge(rules, &e->facts, &verdict);
	if (e->rules)
		print_json(e, &verdict);
	else
		print_verdict(e, &verdict);
}

static int
explain_file(struct explanation *e, const struct arguments *arguments)
{
	int code = read_message(e, arguments->operands.at[0]);

	if (code == EX_OK)
		run(e, &arguments->settings.rules);
	return code;
}

/* Its header is on the server, or in the file that was made of it, or nowhere. */
static int
explain_uidl(struct explanation *e, const struct arguments *arguments,
	struct sought *sought)
{
	int code = explain_seek(arguments, e->account,
		arguments->operands.at[1], sought, &e->head);

	if (code != EX_OK)
		return code;
	e->sought = sought;
	e->has_header = sought->has_header;
	if (!sought->has_header && sought->file[0] &&
		read_message(e, sought->file) == EX_OK)
		e->has_header = true;
	if (sought->is_on_server)
		e->octets = sought->octets;
	else if (!e->has_header)
		e->octets = sought->entry.octets;
	run(e, &arguments->settings.rules);
	return EX_OK;
}

int
explain(struct arguments *arguments)
{
	bool is_uidl = arguments->operands.count == 2;
	struct explanation e = {.has_header = true};
	struct sought sought;
	int code;

	if (is_uidl && arguments->account)
		return complain(EX_USAGE,
			"ACCOUNT UIDL, or MESSAGE with --account: which?");
	e.account = choose(arguments,
		is_uidl ? arguments->operands.at[0] : arguments->account);
	if (!e.account)
		return EX_USAGE;
	buffer_init(&e.head, HEAD_MAXIMUM_OCTETS);
	if (arguments->is_json)
		e.rules = json_array();
	code = is_uidl ? explain_uidl(&e, arguments, &sought)
		       : explain_file(&e, arguments);
	json_decref(e.rules);
	buffer_release(&e.head);
	return code;
}
