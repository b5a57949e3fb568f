/* SPDX-License-Identifier: ISC */
/* Patterns, rules as they are written, and which of them holds. */
#include "../check.h"

#include "base/clock.h"
#include "collect/pattern.h"
#include "collect/rule.h"

#include <stdlib.h>

/* ---- patterns ---- */

static const struct {
	const char *pattern, *text;
	bool does_match;
} patterns[] = {
	{"", "", true},
	{"", "a", false},
	{"*", "", true},
	{"*", "anything at all", true},
	{"?", "", false},
	{"?", "x", true},
	{"?", "\xc3\xbc", true}, /* one character of two octets */
	{"??", "\xc3\xbc", false},
	{"?", "\xff", true}, /* an octet that is none is one, too */
	{"\xff", "\xfe", false},
	{"abc", "abc", true},
	{"abc", "ABC", true},
	{"ABC", "abc", true},
	{"abc", "abcd", false},
	{"abc", "xabc", false},
	{"a*c", "ac", true},
	{"a*c", "abbbc", true},
	{"a*c", "abbbcd", false},
	{"*a*b*c*", "xxaxxbxxcxx", true},
	{"*a*b*c*", "xxaxxcxxbxx", false},
	{"*abab", "ababab", true}, /* the star has to take more */
	{"*aab", "aaaab", true},
	{"*aab*aab", "aaab", false},
	{"***a***", "a", true},
	{"*?", "", false},
	{"*?*?", "ab", true},
	{"\\*", "*", true},
	{"\\*", "x", false},
	{"a\\?b", "a?b", true},
	{"a\\?b", "axb", false},
	{"\\\\", "\\", true},
	{"a\\", "a\\", true},
	{"[a]", "[a]", true}, /* no other character means anything */
	{"[a]", "a", false},
	{"a.c", "abc", false},
	{"gr\xc3\xbc\xc3\x9f*",
		"GR\xc3\x9c\xc3\x9f"
		"E",
		true},
	{"one | two", "two", true},
	{"one | two", "one", true},
	{"one | two", "one | two", false},
	{"one|two", "one|two", true},
	{"one | *", "three", true},
};

static void
patterns_match(void **state)
{
	for (size_t i = 0; i < COUNT(patterns); i++) {
		print_message(
			"%s: %s\n", patterns[i].pattern, patterns[i].text);
		assert_int_equal(pattern_matches(patterns[i].pattern,
					 bytes_of_string(patterns[i].text)),
			patterns[i].does_match);
	}
}

#define HOSTILE_STARS  200
#define HOSTILE_OCTETS 4096
/* 2 x 512 x 4096 steps are a few milliseconds; what doubles with each star
 * would not end. */
#define HOSTILE_MS 5000

static void
a_hostile_text_costs_little(void **state)
{
	char pattern[2 * HOSTILE_STARS + 2] = "", text[HOSTILE_OCTETS];
	uint64_t began_ms = clock_monotonic_ms();

	for (int i = 0; i < HOSTILE_STARS; i++)
		strcat(pattern, "*a");
	strcat(pattern, "b");
	memset(text, 'a', sizeof(text));
	assert_false(pattern_matches(pattern, bytes_of(text, sizeof(text))));
	assert_true(clock_monotonic_ms() - began_ms < HOSTILE_MS);
}

/* ---- rules as they are written ---- */

static bool
on_entry(const struct ini_entry *entry, char error[INI_ERROR_SIZE],
	void *context)
{
	return rules_take(context, entry, error);
}

static bool
parse(struct rules *rules, const char *text, char error[INI_ERROR_SIZE])
{
	assert_true(rules_init(rules));
	return ini_parse("file", bytes_of_string(text), on_entry, rules,
		       error) == OK &&
	       rules_check(rules, error);
}

static const struct {
	const char *text, *error;
} mistakes[] = {
	{"[rule]\n", "file:1: [rule ]: a name is made of"},
	{"[rule a/b]\n", "file:1: [rule a/b]: a name is made of"},
	{"[rule a]\n[rule a]\n", "file:2: [rule a] stands twice"},
	{"[rule a]\nfoldr = x\n",
		"file:2: unknown key \"foldr\" in [rule]; did you mean "
		"\"folder\"?"},
	{"[rule a]\nheadr = x\n",
		"file:2: unknown key \"headr\" in [rule]; did you mean "
		"\"header\"?"},
	{"[rule a]\naction = fil\n", "file:2: action = fil: must be one of"},
	{"[rule a]\nfolder = x\nfolder = y\n", "file:3: "},
	{"[rule a]\nheader = Subject\n",
		"file:2: header = Subject: expected FIELD: PATTERN"},
	{"[rule a]\nheader = My subject: x\n",
		"file:2: header = My subject: x: expected FIELD: PATTERN"},
	{"[rule a]\nheader = : x\n", "file:2: header = : x: expected"},
	{"[rule a]\nheader = Subject:\n", "file:2: header needs a pattern"},
	{"[rule a]\nrecipient =\n", "file:2: recipient needs a pattern"},
	{"[rule a]\nlarger-than = big\n",
		"file:2: larger-than = big: expected a value like 50MiB"},
	{"\n[rule a]\naction = pipe\n",
		"file:2: [rule a]: action = pipe needs command"},
	{"[rule a]\naction = pipe\ncommand = x \"y\n",
		"file:1: [rule a]: command has a quote that is not closed, or "
		"too many words"},
	{"[rule a]\ncommand = x\n",
		"file:1: [rule a]: command needs action = pipe"},
	{"[rule a]\naction = skip\nfolder = x\n",
		"file:1: [rule a]: folder, maildir and mbox go with"},
	{"[rule a]\nmaildir = x\nmbox = x\n",
		"file:1: [rule a]: maildir and mbox cannot both"},
	{"[rule a]\nfolder = ../x\n", "file:1: [rule a]: folder must be"},
	{"[rule a]\nfolder = /x\n", "file:1: [rule a]: folder must be"},
	{"[rule a]\nfolder = a/../x\n", "file:1: [rule a]: folder must be"},
	{"[rule a]\nfolder = %x\n", "file:1: [rule a]: folder must be"},
	{"[rule a]\nfolder = x%\n", "file:1: [rule a]: folder must be"},
	{"[rule a]\nlarger-than = 2\nsmaller-than = 2\n",
		"file:1: [rule a]: nothing is larger"},
	{"[rule a]\nolder-than = 2d\nnewer-than = 1d\n",
		"file:1: [rule a]: nothing is older"},
	{"[rule a]\naction = delete\n",
		"file:1: [rule a]: it would delete all mail unseen"},
};

static void
mistakes_are_named(void **state)
{
	for (size_t i = 0; i < COUNT(mistakes); i++) {
		char error[INI_ERROR_SIZE] = "";
		struct rules rules;

		print_message("%s\n", mistakes[i].text);
		assert_false(parse(&rules, mistakes[i].text, error));
		error[strlen(mistakes[i].error)] = '\0';
		assert_string_equal(error, mistakes[i].error);
		rules_release(&rules);
	}
}

static void
there_are_so_many_and_no_more(void **state)
{
	char error[INI_ERROR_SIZE] = "";
	struct buffer text;
	struct rules rules;

	buffer_init(&text, 1u << 20);
	for (int i = 0; i <= RULES_MAXIMUM; i++)
		assert_true(buffer_printf(&text, "[rule r%d]\n", i));
	assert_true(buffer_append(&text, "", 1));
	assert_false(parse(&rules, (const char *)text.memory, error));
	assert_string_equal(error, "file:1001: more than 1000 rules");
	assert_int_equal(rules.count, RULES_MAXIMUM);
	rules_release(&rules);
	buffer_release(&text);
}

/* ---- which one holds ---- */

static const char header[] =
	"Delivered-To: <box@isp.example>\r\n"
	"Delivered-To: Bob@Family.example\r\n"
	"Received: from x; Mon, 02 Nov 2026 10:00:00 +0000\r\n"
	"From: Eve <eve@example.org>\r\n"
	"To: a@example.org,\r\n b@example.org\r\n"
	"X-Twice: one\r\n"
	"X-Twice: two\r\n"
	"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
	"\r\n"
	"Subject: not this\r\n";

/* rule "" is none; action and folder follow from it. */
static const struct {
	const char *settings, *rule, *folder;
} rows[] = {
	{"", "", ""},
	{"[rule a]\n", "a", ""},
	{"[rule a]\nfolder = x/y\n", "a", "x/y"},
	{"[rule a]\nheader = Subject: gr\xc3\xbc\xc3\x9f?\n", "a", ""},
	{"[rule a]\nheader = SUBJECT: not*\n[rule b]\n", "b", ""},
	/* with and without the name */
	{"[rule a]\nheader = From: eve@*\n", "a", ""},
	{"[rule a]\nheader = From: Eve <*\n", "a", ""},
	{"[rule a]\nheader = From: ve@*\n", "", ""},
	/* folded */
	{"[rule a]\nheader = To: *a@example.org, b@example.org\n", "a", ""},
	/* any of the fields of one name; all conditions of a rule */
	{"[rule a]\nheader = X-Twice: two\n", "a", ""},
	{"[rule a]\nheader = X-Twice: one\nheader = X-Twice: two\n", "a", ""},
	{"[rule a]\nheader = X-Twice: one\nheader = X-Twice: three\n", "", ""},
	{"[rule a]\nnot-header = X-Twice: two\n", "", ""},
	{"[rule a]\nnot-header = X-Twice: three\n", "a", ""},
	{"[rule a]\nheader = X-None: *\n", "", ""},
	{"[rule a]\nnot-header = X-None: *\n", "a", ""},
	/* the first that holds */
	{"[rule a]\nlarger-than = 1GiB\n[rule b]\nsmaller-than = 1GiB\n"
	 "[rule c]\n",
		"b", ""},
	{"[rule a]\nlarger-than = 1000\n", "", ""},
	{"[rule a]\nlarger-than = 999\nsmaller-than = 1001\n", "a", ""},
	{"[rule a]\nsmaller-than = 1000\n", "", ""},
	/* the account */
	{"[rule a]\naccount = bob* | carol*\n", "", ""},
	{"[rule a]\naccount = bob* | alice@example.org\n", "a", ""},
	/* the age: 10 days */
	{"[rule a]\nolder-than = 9d\n", "a", ""},
	{"[rule a]\nolder-than = 11d\n", "", ""},
	{"[rule a]\nnewer-than = 11d\nolder-than = 9d\n", "a", ""},
	{"[rule a]\nnewer-than = 9d\n", "", ""},
	/* the recipient is the second of its fields here */
	{"[rule a]\nrecipient = box@isp.example\n", "", ""},
	{"[rule a]\nrecipient = *@family.example\nfolder = %d/%n\n", "a",
		"family_example/bob"},
	{"[rule a]\nfolder = 100%%-%u\n", "a", "100%-bob@family_example"},
	{"[rule a]\nnot-recipient = bob@*\n", "", ""},
};

static struct rule_facts
facts_of(void)
{
	return (struct rule_facts){
		.account = "alice@example.org",
		.envelope = "X-None, Delivered-To",
		.envelope_skip = 1,
		.header = TEXT(header),
		.has_header = true,
		.octets = 1000,
		.has_age = true,
		.is_sure = true,
		.age_seconds = 10 * 86400,
	};
}

static void
judge(const char *settings, const struct rule_facts *facts, const char *rule,
	const char *folder)
{
	char error[INI_ERROR_SIZE] = "";
	struct rule_verdict verdict;
	struct rules rules;

	print_message("%s\n", settings);
	assert_true(parse(&rules, settings, error));
	rules_judge(&rules, facts, &verdict);
	assert_true(verdict.is_known);
	assert_string_equal(verdict.rule ? verdict.rule->name : "", rule);
	assert_string_equal(verdict.folder, folder);
	rules_release(&rules);
}

static void
the_first_that_holds_decides(void **state)
{
	struct rule_facts facts = facts_of();

	for (size_t i = 0; i < COUNT(rows); i++)
		judge(rows[i].settings, &facts, rows[i].rule, rows[i].folder);
}

static void
a_recipient_is_no_path(void **state)
{
	static const char *const names[][2] = {
		{"../../etc/passwd@x", "______etc_passwd"},
		{".@x", "_"},
		{"a.b@x", "a_b"},
		{"a/b@x", "a_b"},
		{"A B@x", "a_b"},
		{"\xc3\xbc@x", "__"},
	};
	struct rule_facts facts = facts_of();
	char text[128];

	facts.envelope_skip = 0;
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(text, sizeof(text), "Delivered-To: %s\r\n\r\n",
			names[i][0]);
		facts.header = bytes_of_string(text);
		judge("[rule a]\nfolder = %n\n", &facts, "a", names[i][1]);
	}
	/* The folder would begin with its "/". */
	facts.header = bytes_of_string("Delivered-To: bob\r\n\r\n");
	judge("[rule a]\nfolder = %d/%n\n", &facts, "", "");
	judge("[rule a]\nfolder = %n\n", &facts, "a", "bob");
	facts.header = bytes_of_string("Subject: nobody's\r\n\r\n");
	judge("[rule a]\nfolder = %n\n", &facts, "", "");
	judge("[rule a]\nrecipient = *\n", &facts, "", "");
	judge("[rule a]\nnot-recipient = *\n", &facts, "a", "");
}

/* A date that nobody can vouch for deletes nothing. */
static void
age_needs_a_clock(void **state)
{
	static const char deletes[] =
		"[rule a]\nolder-than = 1d\naction = delete\n";
	static const char skips[] =
		"[rule a]\nolder-than = 1d\naction = skip\n";
	struct rule_facts facts = facts_of();

	judge(deletes, &facts, "a", "");
	facts.is_sure = false;
	judge(deletes, &facts, "", "");
	judge(skips, &facts, "a", "");
	facts.has_age = false;
	judge(skips, &facts, "", "");
}

/* ---- before the header is here ---- */

static const struct {
	const char *settings, *rule;
	bool is_known, needs_header;
} early[] = {
	{"", "", true, false},
	{"[rule a]\nlarger-than = 10\naction = skip\n", "a", true, false},
	{"[rule a]\nheader = A: b\nfolder = x\n", "", false, false},
	{"[rule a]\nheader = A: b\naction = skip\n", "", false, true},
	{"[rule a]\nheader = A: b\naction = headers\n", "", false, true},
	{"[rule a]\nheader = A: b\naction = delete\n", "", false, true},
	{"[rule a]\nolder-than = 1d\naction = skip\n", "", false, true},
	{"[rule a]\nrecipient = b\naction = skip\n", "", false, true},
	/* known not to hold, whatever the header says */
	{"[rule a]\nlarger-than = 1MiB\nheader = A: b\naction = skip\n", "",
		true, false},
	/* behind one that may hold, and before one that does */
	{"[rule a]\nheader = A: b\n[rule b]\nlarger-than = 10\n"
	 "action = skip\n",
		"", false, true},
	{"[rule a]\n[rule b]\nheader = A: b\naction = skip\n", "a", true,
		false},
	{"[rule a]\nheader = A: b\n[rule b]\n[rule c]\nheader = A: b\n"
	 "action = skip\n",
		"", false, false},
};

static void
a_header_is_asked_for_when_it_saves_something(void **state)
{
	struct rule_facts facts = facts_of();

	facts.has_header = false;
	for (size_t i = 0; i < COUNT(early); i++) {
		char error[INI_ERROR_SIZE] = "";
		struct rule_verdict verdict;
		struct rules rules;

		print_message("%s\n", early[i].settings);
		assert_true(parse(&rules, early[i].settings, error));
		rules_judge(&rules, &facts, &verdict);
		assert_string_equal(
			verdict.rule ? verdict.rule->name : "", early[i].rule);
		assert_int_equal(verdict.is_known, early[i].is_known);
		assert_int_equal(verdict.needs_header, early[i].needs_header);
		rules_release(&rules);
	}
}

static uint64_t
mark_of(const char *settings, const char *account)
{
	char error[INI_ERROR_SIZE] = "";
	struct rules rules;
	uint64_t mark;

	assert_true(parse(&rules, settings, error));
	mark = rules_mark(&rules, account);
	rules_release(&rules);
	return mark;
}

static void
a_mark_changes_with_the_account_s_rules(void **state)
{
	uint64_t mark = mark_of("[rule a]\nheader = A: b\n", "alice");

	assert_int_not_equal(mark, 0);
	assert_int_equal(mark_of("", "alice"), 0);
	assert_int_equal(mark_of("[rule a]\naccount = bob\n", "alice"), 0);
	/* its name and its place in the file are nobody's business */
	assert_int_equal(
		mark_of("\n[rule other]\nheader = A: b\n", "alice"), mark);
	assert_int_not_equal(
		mark_of("[rule a]\nheader = A: c\n", "alice"), mark);
	assert_int_not_equal(
		mark_of("[rule a]\nnot-header = A: b\n", "alice"), mark);
	assert_int_not_equal(
		mark_of("[rule a]\nheader = A: b\naction = skip\n", "alice"),
		mark);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match),
		cmocka_unit_test(a_hostile_text_costs_little),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(there_are_so_many_and_no_more),
		cmocka_unit_test(the_first_that_holds_decides),
		cmocka_unit_test(a_recipient_is_no_path),
		cmocka_unit_test(age_needs_a_clock),
		cmocka_unit_test(a_header_is_asked_for_when_it_saves_something),
		cmocka_unit_test(a_mark_changes_with_the_account_s_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
