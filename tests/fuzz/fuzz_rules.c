/* SPDX-License-Identifier: ISC */
/*
 * Rules of the collector and the messages that they are for. A pattern matches
 * what a slow and plain matcher says it does; what is said without the header
 * is not taken back when it comes; why a rule holds adds up to whether it does;
 * the name of a folder stays one whatever the recipient is called.
 */
#include "fuzz.h"

#include "collect/pattern.h"
#include "collect/rule.h"

#include <stdlib.h>

enum { FLAG_PATTERN = 1, FLAG_AGE = 2, FLAG_SURE = 4 };

#define PATTERN_OCTETS 64
#define TEXT_OCTETS    96

/* ---- patterns: ASCII, so that a character is an octet ---- */

static bool
is_same(char a, char b)
{
	return bytes_equal_ignoring_case(bytes_of(&a, 1), bytes_of(&b, 1));
}

/* Row by row: can[t] says whether the pattern so far can take t octets. */
static bool
plain_match(const char *pattern, const char *text)
{
	bool can[TEXT_OCTETS + 1] = {true}, next[TEXT_OCTETS + 1];
	size_t octets = strlen(text);

	for (; *pattern; pattern++) {
		bool is_star = *pattern == '*', is_any = *pattern == '?';

		if (*pattern == '\\' && pattern[1])
			pattern++;
		next[0] = is_star && can[0];
		for (size_t t = 1; t <= octets; t++)
			next[t] =
				is_star ? can[t] || next[t - 1]
					: can[t - 1] &&
						  (is_any ||
							  is_same(*pattern,
								  text[t - 1]));
		memcpy(can, next, sizeof(can));
	}
	return can[octets];
}

static void
take_ascii(struct bytes in, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < in.octets && used + 1 < size; i++) {
		char octet = (char)(in.at[i] & 0x7f);

		/* Alternatives and blanks at the ends are tested elsewhere. */
		if (octet > ' ' && octet != '|')
			out[used++] = octet;
	}
	out[used] = '\0';
}

static void
check_pattern(struct bytes in)
{
	char pattern[PATTERN_OCTETS], text[TEXT_OCTETS];
	struct bytes front = bytes_cut(&in, '\n');

	take_ascii(front, pattern, sizeof(pattern));
	take_ascii(in, text, sizeof(text));
	assert_int_equal(pattern_matches(pattern, bytes_of_string(text)),
		plain_match(pattern, text));
	/* Octets of any kind: no more is asked than that it ends. */
	(void)pattern_matches(pattern, in);
}

/* ---- rules ---- */

struct told {
	enum rule_answer answer;
};

static void
on_condition(const struct rule *rule, const char *condition,
	enum rule_answer answer, const char *why, void *context)
{
	struct told *told = context;

	assert_true(condition[0] && why[0]);
	if (answer == RULE_NO || told->answer == RULE_YES)
		told->answer = answer;
}

static void
check_reasons(const struct rules *rules, const struct rule_facts *facts)
{
	for (size_t i = 0; i < rules->count; i++) {
		struct told told = {RULE_YES};
		enum rule_answer answer =
			rule_test(&rules->rules[i], facts, on_condition, &told);

		assert_int_equal(
			rule_test(&rules->rules[i], facts, NULL, NULL), answer);
		if (answer == RULE_YES || told.answer != RULE_UNKNOWN)
			assert_int_equal(told.answer, answer);
		if (facts->has_header)
			assert_int_not_equal(answer, RULE_UNKNOWN);
	}
}

static void
check_folder(const struct rule_verdict *verdict)
{
	size_t octets = strnlen(verdict->folder, RULE_FOLDER_SIZE);

	assert_in_range(octets, 0, RULE_FOLDER_SIZE - 1);
	assert_null(strstr(verdict->folder, ".."));
	assert_true(verdict->folder[0] != '/' && verdict->folder[0] != '.');
}

static void
check_judgement(const struct rules *rules, struct bytes message, uint8_t flags)
{
	struct rule_facts facts = {
		.account = "alice@example.org",
		.envelope = "X-Original-To, Delivered-To",
		.header = message,
		.octets = message.octets * 100,
		.has_age = flags & FLAG_AGE,
		.is_sure = flags & FLAG_SURE,
		.age_seconds = message.octets * 3600,
	};
	struct rule_verdict early, late;

	rules_judge(rules, &facts, &early);
	check_reasons(rules, &facts);
	facts.has_header = true;
	rules_judge(rules, &facts, &late);
	check_reasons(rules, &facts);
	assert_true(late.is_known && !late.needs_header);
	check_folder(&late);
	if (early.is_known) {
		assert_ptr_equal(early.rule, late.rule);
		assert_false(early.needs_header);
	} else
		assert_null(early.rule);
	/* What saves a download is found before there is one. */
	if (late.rule && late.rule->action != RULE_FILE &&
		late.rule->action != RULE_PIPE)
		assert_true(early.is_known || early.needs_header);
}

static bool
on_entry(const struct ini_entry *entry, char error[INI_ERROR_SIZE],
	void *context)
{
	if (strcmp(entry->section, "rule") == 0)
		return rules_take(context, entry, error);
	snprintf(error, INI_ERROR_SIZE, "no rule");
	return false;
}

static void
check_rules(struct bytes in, uint8_t flags)
{
	struct bytes settings = bytes_cut(&in, '\0');
	char error[INI_ERROR_SIZE] = "";
	struct rules rules;

	assert_true(rules_init(&rules));
	if (ini_parse("file", settings, on_entry, &rules, error) == OK &&
		rules_check(&rules, error))
		check_judgement(&rules, in, flags);
	else
		assert_in_range(
			strnlen(error, INI_ERROR_SIZE), 1, INI_ERROR_SIZE - 1);
	rules_mark(&rules, "alice@example.org");
	rules_release(&rules);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);

	if (head.flags & FLAG_PATTERN)
		check_pattern(in);
	else
		check_rules(in, head.flags);
	return 0;
}
