/* SPDX-License-Identifier: ISC */
/* Rules as they stand in the settings. */
#include "collect/rule.h"
#include "base/buffer.h"
#include "collect/pattern.h"
#include "collect/words.h"
#include "config/value.h"
#include "store/uidl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK_MAXIMUM_OCTETS (16u << 20)
#define ACTION_WORDS	    "file|skip|headers|delete|pipe"
#define AT(member)	    offsetof(struct rule, member)
#define AGE_MAXIMUM	    (100ull * 366 * 86400)

static const struct setting rule_keys[] = {
	{"rule", "account", SETTING_STRING, AT(account), "*", 0, 0, NULL,
		"the accounts that it holds for"},
	/* These may stand more than once. */
	{"rule", "header", SETTING_STRING, AT(unused), "", 0, 0, NULL,
		"FIELD: PATTERN"},
	{"rule", "not-header", SETTING_STRING, AT(unused), "", 0, 0, NULL,
		"FIELD: PATTERN that must not match"},
	{"rule", "recipient", SETTING_STRING, AT(unused), "", 0, 0, NULL,
		"pattern of the envelope's recipient"},
	{"rule", "not-recipient", SETTING_STRING, AT(unused), "", 0, 0, NULL,
		"pattern that must not match it"},
	{"rule", "larger-than", SETTING_OCTETS, AT(larger_octets), "0", 0,
		1ull << 50, NULL, "octets of the message"},
	{"rule", "smaller-than", SETTING_OCTETS, AT(smaller_octets), "0", 0,
		1ull << 50, NULL, "octets of the message"},
	{"rule", "older-than", SETTING_SECONDS, AT(older_seconds), "0", 0,
		AGE_MAXIMUM, NULL, "since it came to its first mailbox"},
	{"rule", "newer-than", SETTING_SECONDS, AT(newer_seconds), "0", 0,
		AGE_MAXIMUM, NULL, "since it came to its first mailbox"},
	{"rule", "action", SETTING_WORD, AT(action), "file", 0, 0, ACTION_WORDS,
		"what is done with it"},
	{"rule", "folder", SETTING_STRING, AT(folder), "", 0, 0, NULL,
		"the folder that it is filed in"},
	{"rule", "maildir", SETTING_STRING, AT(maildir), "", 0, 0, NULL,
		"another Maildir than the account's"},
	{"rule", "mbox", SETTING_STRING, AT(mbox), "", 0, 0, NULL,
		"a file of the kind mboxrd"},
	{"rule", "command", SETTING_STRING, AT(command), "", 0, 0, NULL,
		"program and arguments for pipe, run without a shell"},
};

static const struct settings rule_table = {
	rule_keys, sizeof(rule_keys) / sizeof(rule_keys[0])};

const char *
rule_action_name(const struct rule *rule)
{
	static const char *const names[] = {
		"file", "skip", "headers", "delete", "pipe"};

	return names[rule->action];
}

bool
rules_init(struct rules *rules)
{
	*rules = (struct rules){
		.rules = calloc(RULES_MAXIMUM, sizeof(struct rule))};
	return rules->rules != NULL;
}

static void
release(struct rule *rule)
{
	settings_release(&rule_table, rule);
	for (size_t i = 0; i < rule->condition_count; i++) {
		free(rule->conditions[i].field);
		free(rule->conditions[i].pattern);
	}
	free(rule->name);
	free(rule->file);
}

void
rules_release(struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		release(&rules->rules[i]);
	free(rules->rules);
	*rules = (struct rules){0};
}

/* ---- reading ---- */

/* It becomes part of a file name. */
static bool
is_name(const char *name)
{
	size_t octets = strlen(name);

	return octets > 0 && octets <= RULE_NAME_MAXIMUM &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == octets;
}

static bool
begin(struct rules *rules, const struct ini_entry *entry,
	char error[INI_ERROR_SIZE])
{
	struct rule *rule;

	if (!is_name(entry->name)) {
		snprintf(error, INI_ERROR_SIZE,
			"[rule %.60s]: a name is made of letters, digits, _ "
			"and -, %d at most",
			entry->name, RULE_NAME_MAXIMUM);
		return false;
	}
	for (size_t i = 0; i < rules->count; i++)
		if (strcmp(rules->rules[i].name, entry->name) == 0) {
			snprintf(error, INI_ERROR_SIZE,
				"[rule %.60s] stands twice", entry->name);
			return false;
		}
	if (rules->count == RULES_MAXIMUM) {
		snprintf(error, INI_ERROR_SIZE, "more than %d rules",
			RULES_MAXIMUM);
		return false;
	}
	rule = &rules->rules[rules->count++];
	settings_init(&rule_table, rule);
	rule->name = strdup(entry->name);
	rule->file = strdup(entry->file);
	rule->line = entry->line;
	rules->seen = (struct settings_seen){0};
	return rule->name && rule->file;
}

/* RFC 5322 section 2.2: printable, no colon, no blank. */
static bool
is_field_name(struct bytes name)
{
	for (size_t i = 0; i < name.octets; i++)
		if (name.at[i] <= ' ' || name.at[i] > '~')
			return false;
	return name.octets > 0;
}

static char *
copy(struct bytes text)
{
	return strndup((const char *)text.at, text.octets);
}

static bool
add_condition(struct rule *rule, const struct ini_entry *entry,
	char error[INI_ERROR_SIZE])
{
	bool is_not = strncmp(entry->key, "not-", 4) == 0;
	bool has_field = strstr(entry->key, "header") != NULL;
	struct bytes pattern = bytes_of_string(entry->value),
		     field = BYTES_NONE;
	struct rule_condition *condition;

	if (has_field)
		field = bytes_trim(bytes_cut(&pattern, ':'));
	pattern = bytes_trim(pattern);
	if (has_field && (!is_field_name(field) || !strchr(entry->value, ':')))
		snprintf(error, INI_ERROR_SIZE,
			"%s = %.100s: expected FIELD: PATTERN, like "
			"Subject: *invoice*",
			entry->key, entry->value);
	else if (pattern.octets == 0)
		snprintf(error, INI_ERROR_SIZE,
			"%s needs a pattern; * is any text", entry->key);
	else if (pattern.octets > PATTERN_MAXIMUM_OCTETS)
		snprintf(error, INI_ERROR_SIZE,
			"%s: the pattern is longer than %d octets", entry->key,
			PATTERN_MAXIMUM_OCTETS);
	else if (rule->condition_count == RULE_CONDITIONS_MAXIMUM)
		snprintf(error, INI_ERROR_SIZE,
			"a rule has at most %d patterns: make two of it",
			RULE_CONDITIONS_MAXIMUM);
	else {
		condition = &rule->conditions[rule->condition_count++];
		*condition = (struct rule_condition){
			.field = has_field ? copy(field) : NULL,
			.pattern = copy(pattern),
			.is_not = is_not,
		};
		return condition->pattern && (!has_field || condition->field);
	}
	return false;
}

bool
rules_take(struct rules *rules, const struct ini_entry *entry,
	char error[INI_ERROR_SIZE])
{
	static const char *const repeatable[] = {
		"header", "not-header", "recipient", "not-recipient"};
	struct rule *rule;

	snprintf(error, INI_ERROR_SIZE, "no memory");
	if (!entry->key)
		return begin(rules, entry, error);
	rule = &rules->rules[rules->count - 1];
	for (size_t i = 0; i < sizeof(repeatable) / sizeof(*repeatable); i++)
		if (strcmp(entry->key, repeatable[i]) == 0)
			return add_condition(rule, entry, error);
	return settings_take(&rule_table, rule, &rules->seen, entry, error);
}

/* ---- checking ---- */

static bool
has_condition(const struct rule *rule)
{
	return rule->condition_count > 0 || rule->larger_octets > 0 ||
	       rule->smaller_octets > 0 || rule->older_seconds > 0 ||
	       rule->newer_seconds > 0;
}

/* As a folder of a Maildir must be; what fits it fits the others. */
static bool
is_folder(const char *folder)
{
	for (const char *at = strchr(folder, '%'); at; at = strchr(at + 2, '%'))
		if (!at[1] || !strchr("und%", at[1]))
			return false;
	return folder[0] != '.' && folder[0] != '/' && !strstr(folder, "..") &&
	       !strstr(folder, "//") && strlen(folder) < RULE_FOLDER_SIZE;
}

/* NULL: it is good. */
static const char *
problem_of(const struct rule *rule)
{
	bool has_place = rule->folder[0] || rule->maildir[0] || rule->mbox[0];

	if (rule->action == RULE_PIPE && !rule->command[0])
		return "action = pipe needs command";
	if (rule->action == RULE_PIPE && !words_can_cut(rule->command))
		return "command has a quote that is not closed, or too many "
		       "words";
	if (rule->action != RULE_PIPE && rule->command[0])
		return "command needs action = pipe";
	if (rule->action != RULE_FILE && rule->action != RULE_HEADERS &&
		has_place)
		return "folder, maildir and mbox go with action = file or "
		       "headers alone";
	if (rule->maildir[0] && rule->mbox[0])
		return "maildir and mbox cannot both be given";
	if (!is_folder(rule->folder))
		return "folder must be a name like lists/debian: no . or / at "
		       "its front, no .. in it, and of % only %u, %n, %d, %%";
	if (rule->smaller_octets > 0 &&
		rule->larger_octets >= rule->smaller_octets)
		return "nothing is larger than larger-than and smaller than "
		       "smaller-than";
	if (rule->newer_seconds > 0 &&
		rule->older_seconds >= rule->newer_seconds)
		return "nothing is older than older-than and newer than "
		       "newer-than";
	if (rule->action == RULE_DELETE && !has_condition(rule))
		return "it would delete all mail unseen: give it a condition";
	return NULL;
}

bool
rules_check(const struct rules *rules, char error[INI_ERROR_SIZE])
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->rules[i];
		const char *problem = problem_of(rule);

		if (!problem)
			continue;
		snprintf(error, INI_ERROR_SIZE, "%.200s:%u: [rule %.60s]: %s",
			rule->file, rule->line, rule->name, problem);
		return false;
	}
	return true;
}

/* ---- writing ---- */

static bool
put_condition(const struct rule_condition *condition, struct buffer *out)
{
	return buffer_printf(out, "%s%s = %s%s%s\n",
		condition->is_not ? "not-" : "",
		condition->field ? "header" : "recipient",
		condition->field ? condition->field : "",
		condition->field ? ": " : "", condition->pattern);
}

static bool
write_rule(
	const struct rule *rule, const struct rule *initial, struct buffer *out)
{
	bool is_good = buffer_printf(out, "\n[rule %s]\n", rule->name);

	for (size_t i = 0; i < rule->condition_count && is_good; i++)
		is_good = put_condition(&rule->conditions[i], out);
	for (size_t i = 0; i < rule_table.count && is_good; i++) {
		const struct settings one = {&rule_keys[i], 1};

		if (rule_keys[i].offset != AT(unused))
			is_good = settings_put_keys(&one, rule, initial, out);
	}
	return is_good;
}

bool
rules_write(const struct rules *rules, bool only_changed, struct buffer *out)
{
	struct rule initial = {.name = NULL};
	bool is_good = true;

	settings_init(&rule_table, &initial);
	for (size_t i = 0; i < rules->count && is_good; i++)
		is_good = write_rule(
			&rules->rules[i], only_changed ? &initial : NULL, out);
	settings_release(&rule_table, &initial);
	return is_good;
}

bool
rules_sample(struct buffer *out)
{
	bool is_good = buffer_append_string(out, "\n;[rule NAME]\n");

	for (size_t i = 0; i < rule_table.count && is_good; i++)
		is_good = settings_put_sample(&rule_keys[i], false, out);
	return is_good;
}

/* ---- what changes with them ---- */

static bool
put(struct buffer *out, const struct rule *rule)
{
	bool is_good = true;

	for (size_t i = 0; i < rule_table.count && is_good; i++)
		is_good = settings_put_value(&rule_keys[i], rule, out) &&
			  buffer_append(out, "", 1);
	for (size_t i = 0; i < rule->condition_count && is_good; i++) {
		const struct rule_condition *one = &rule->conditions[i];

		is_good = buffer_printf(out, "%d%s:%s\n", one->is_not,
			one->field ? one->field : "", one->pattern);
	}
	return is_good;
}

uint64_t
rules_mark(const struct rules *rules, const char *account)
{
	unsigned char digest[UIDL_DIGEST_OCTETS] = {0};
	uint64_t mark = 0;
	struct buffer text;

	buffer_init(&text, MARK_MAXIMUM_OCTETS);
	for (size_t i = 0; rules && i < rules->count; i++)
		if (pattern_matches(
			    rules->rules[i].account, bytes_of_string(account)))
			put(&text, &rules->rules[i]);
	if (text.octets > 0 && uidl_digest(buffer_bytes(&text), digest))
		memcpy(&mark, digest, sizeof(mark));
	buffer_release(&text);
	return mark >> 1; /* the ledger's numbers have a sign */
}

bool
rules_have_age(const struct rules *rules, const char *account)
{
	for (size_t i = 0; rules && i < rules->count; i++)
		if ((rules->rules[i].older_seconds > 0 ||
			    rules->rules[i].newer_seconds > 0) &&
			pattern_matches(rules->rules[i].account,
				bytes_of_string(account)))
			return true;
	return false;
}
