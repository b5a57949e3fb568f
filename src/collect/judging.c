/* SPDX-License-Identifier: ISC */
/* Which rule holds for a message. */
#include "collect/header.h"
#include "collect/pattern.h"
#include "collect/rule.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VALUE_SIZE 4096
#define NAME_SIZE  128

/* What a test says goes here; trace NULL: nobody listens. */
struct asked {
	const struct rule *rule;
	const struct rule_facts *facts;
	rule_trace *trace;
	void *context;
	enum rule_answer answer;
};

/* The answers of all conditions together: no, before unknown, before yes. */
__attribute__((format(printf, 4, 5))) static void
note(struct asked *asked, const char *condition, enum rule_answer answer,
	const char *why, ...)
{
	char text[RULE_TEXT_SIZE];
	va_list arguments;

	if (answer == RULE_NO)
		asked->answer = RULE_NO;
	else if (answer == RULE_UNKNOWN && asked->answer == RULE_YES)
		asked->answer = RULE_UNKNOWN;
	if (!asked->trace)
		return;
	va_start(arguments, why);
	vsnprintf(text, sizeof(text), why, arguments);
	va_end(arguments);
	asked->trace(asked->rule, condition, answer, text, asked->context);
}

/* ---- patterns ---- */

/* All of the value, or what stands in <> in it: the address without the name. */
static bool
fits(const char *pattern, const char *value)
{
	const char *from = value, *to;

	if (pattern_matches(pattern, bytes_of_string(value)))
		return true;
	while ((from = strchr(from, '<')) && (to = strchr(from, '>'))) {
		if (pattern_matches(pattern,
			    bytes_of(from + 1, (size_t)(to - from - 1))))
			return true;
		from = to;
	}
	return false;
}

/* value: that of the field that fits, or of the first; "" when there is none. */
static bool
fits_field(const struct rule_condition *condition, struct bytes header,
	char *value, bool *out_is_there)
{
	char one[VALUE_SIZE];

	value[0] = '\0';
	*out_is_there = false;
	while (header_next(&header, condition->field, one, sizeof(one))) {
		bool does_fit = fits(condition->pattern, one);

		if (does_fit || !*out_is_there)
			memcpy(value, one, sizeof(one));
		*out_is_there = true;
		if (does_fit)
			return true;
	}
	return false;
}

/* The n-th of the field, without <>. */
static bool
take_recipient(struct bytes header, const char *field, uint64_t skip, char *out,
	size_t size)
{
	char value[VALUE_SIZE];
	struct bytes text;

	do {
		if (!header_next(&header, field, value, sizeof(value)))
			return false;
	} while (skip-- > 0);
	text = bytes_trim(bytes_of_string(value));
	if (text.octets > 1 && text.at[0] == '<' &&
		text.at[text.octets - 1] == '>')
		text = bytes_of(text.at + 1, text.octets - 2);
	return text.octets > 0 && bytes_to_string(text, out, size);
}

bool
rule_recipient(const struct rule_facts *facts, char *out, size_t size)
{
	struct bytes fields =
		bytes_of_string(facts->envelope ? facts->envelope : "");
	char field[NAME_SIZE];

	while (fields.octets > 0) {
		struct bytes name = bytes_trim(bytes_cut(&fields, ','));

		if (bytes_to_string(name, field, sizeof(field)) && field[0] &&
			take_recipient(facts->header, field,
				facts->envelope_skip, out, size))
			return true;
	}
	return false;
}

static void
describe(const struct rule_condition *condition, char out[RULE_TEXT_SIZE])
{
	snprintf(out, RULE_TEXT_SIZE, "%s%s = %s%s%.500s",
		condition->is_not ? "not-" : "",
		condition->field ? "header" : "recipient",
		condition->field ? condition->field : "",
		condition->field ? ": " : "", condition->pattern);
}

static void
test_pattern(struct asked *asked, const struct rule_condition *condition)
{
	char text[RULE_TEXT_SIZE], value[VALUE_SIZE] = "";
	bool is_there, does_fit;

	describe(condition, text);
	if (!asked->facts->has_header) {
		note(asked, text, RULE_UNKNOWN, "the header is not here yet");
		return;
	}
	if (condition->field)
		does_fit = fits_field(
			condition, asked->facts->header, value, &is_there);
	else {
		is_there = rule_recipient(asked->facts, value, sizeof(value));
		does_fit = is_there && fits(condition->pattern, value);
	}
	if (is_there)
		note(asked, text,
			does_fit != condition->is_not ? RULE_YES : RULE_NO,
			"it is \"%.200s\"", value);
	else
		note(asked, text, condition->is_not ? RULE_YES : RULE_NO, "%s",
			condition->field ? "there is no such field"
					 : "the header names no recipient");
}

/* ---- numbers ---- */

static void
test_size(struct asked *asked)
{
	const struct rule *rule = asked->rule;
	uint64_t octets = asked->facts->octets;
	char text[RULE_TEXT_SIZE];

	if (rule->larger_octets > 0) {
		snprintf(text, sizeof(text), "larger-than = %llu",
			(unsigned long long)rule->larger_octets);
		note(asked, text,
			octets > rule->larger_octets ? RULE_YES : RULE_NO,
			"it has %llu octets", (unsigned long long)octets);
	}
	if (rule->smaller_octets > 0) {
		snprintf(text, sizeof(text), "smaller-than = %llu",
			(unsigned long long)rule->smaller_octets);
		note(asked, text,
			octets < rule->smaller_octets ? RULE_YES : RULE_NO,
			"it has %llu octets", (unsigned long long)octets);
	}
}

static void
test_age_of(struct asked *asked, const char *key, uint64_t seconds, bool is_old)
{
	const struct rule_facts *facts = asked->facts;
	char text[RULE_TEXT_SIZE];

	if (seconds == 0)
		return;
	snprintf(text, sizeof(text), "%s = %llus", key,
		(unsigned long long)seconds);
	if (!facts->has_header)
		note(asked, text, RULE_UNKNOWN, "the header is not here yet");
	else if (!facts->has_age)
		note(asked, text, RULE_NO,
			"the header has no date that is not in the future");
	else if (!facts->is_sure && asked->rule->action == RULE_DELETE)
		note(asked, text, RULE_NO,
			"the clock was set since the last run, or this is the "
			"first");
	else
		note(asked, text,
			(facts->age_seconds > seconds) == is_old ? RULE_YES
								 : RULE_NO,
			"it is %llu s old",
			(unsigned long long)facts->age_seconds);
}

/* ---- the folder ---- */

/* A stranger's text becomes a name: letters, digits, _ + - stay. */
static size_t
put_part(struct bytes part, char *out, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < part.octets && used < room; i++) {
		unsigned char octet = part.at[i];
		bool is_plain = (octet >= 'a' && octet <= 'z') ||
				(octet >= '0' && octet <= '9') ||
				octet == '-' || octet == '+' || octet == '@';

		if (octet >= 'A' && octet <= 'Z')
			out[used++] = (char)(octet - 'A' + 'a');
		else
			out[used++] = (char)(is_plain ? octet : '_');
	}
	return used;
}

/* The part of the recipient that %u, %n or %d is; empty: there is none. */
static struct bytes
part_of(char letter, const char *recipient)
{
	struct bytes domain = bytes_of_string(recipient);
	struct bytes local = bytes_cut(&domain, '@');

	if (letter == 'n')
		return local;
	return letter == 'd' ? domain : bytes_of_string(recipient);
}

static bool
expand_folder(const struct rule *rule, const struct rule_facts *facts,
	char out[RULE_FOLDER_SIZE])
{
	char recipient[VALUE_SIZE] = "";
	size_t used = 0;

	if (strchr(rule->folder, '%') &&
		!rule_recipient(facts, recipient, sizeof(recipient)))
		return false;
	for (const char *at = rule->folder; *at; at++) {
		size_t room = RULE_FOLDER_SIZE - 1 - used, put;

		if (room == 0)
			return false;
		if (at[0] != '%' || *++at == '%') {
			out[used++] = *at;
			continue;
		}
		put = put_part(part_of(*at, recipient), out + used, room);
		if (put == 0)
			return false;
		used += put;
	}
	out[used] = '\0';
	return true;
}

/* A folder named by the recipient needs one. */
static void
test_folder(struct asked *asked)
{
	char folder[RULE_FOLDER_SIZE], text[RULE_TEXT_SIZE];

	if (!strchr(asked->rule->folder, '%'))
		return;
	snprintf(text, sizeof(text), "folder = %s", asked->rule->folder);
	if (!asked->facts->has_header)
		note(asked, text, RULE_UNKNOWN, "the header is not here yet");
	else if (!expand_folder(asked->rule, asked->facts, folder))
		note(asked, text, RULE_NO,
			"the header names no recipient, or no whole address");
	else
		note(asked, text, RULE_YES, "it is \"%s\"", folder);
}

/* ---- all together ---- */

enum rule_answer
rule_test(const struct rule *rule, const struct rule_facts *facts,
	rule_trace *trace, void *context)
{
	struct asked asked = {rule, facts, trace, context, RULE_YES};
	char text[RULE_TEXT_SIZE];

	if (strcmp(rule->account, "*") != 0) {
		snprintf(text, sizeof(text), "account = %.500s", rule->account);
		note(&asked, text,
			pattern_matches(
				rule->account, bytes_of_string(facts->account))
				? RULE_YES
				: RULE_NO,
			"it is %s", facts->account);
	}
	test_size(&asked);
	for (size_t i = 0; i < rule->condition_count; i++) {
		/* What is known not to hold need not be asked more. */
		if (asked.answer == RULE_NO && !trace)
			return RULE_NO;
		test_pattern(&asked, &rule->conditions[i]);
	}
	test_age_of(&asked, "older-than", rule->older_seconds, true);
	test_age_of(&asked, "newer-than", rule->newer_seconds, false);
	test_folder(&asked);
	return asked.answer;
}

static bool
saves_download(const struct rule *rule)
{
	return rule->action == RULE_SKIP || rule->action == RULE_HEADERS ||
	       rule->action == RULE_DELETE;
}

void
rules_judge(const struct rules *rules, const struct rule_facts *facts,
	struct rule_verdict *out)
{
	*out = (struct rule_verdict){.is_known = true};
	for (size_t i = 0; rules && i < rules->count; i++) {
		const struct rule *rule = &rules->rules[i];
		enum rule_answer answer = rule_test(rule, facts, NULL, NULL);

		if (answer == RULE_NO)
			continue;
		if (answer == RULE_UNKNOWN)
			out->is_known = false;
		/* Behind one that is unknown, others may hold as well. */
		if (!out->is_known && saves_download(rule))
			out->needs_header = true;
		if (answer == RULE_YES && out->is_known)
			out->rule = rule;
		if (answer == RULE_YES)
			break;
	}
	if (out->rule)
		expand_folder(out->rule, facts, out->folder);
}
