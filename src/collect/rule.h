/* SPDX-License-Identifier: ISC */
/*
 * rule - what is done with which mail.
 *
 *	[rule lists]
 *	header = List-Id: *debian.org*
 *	folder = lists
 *
 * The first rule all of whose conditions hold decides; without one a message is
 * filed as its account says. Conditions on a header that is not here yet are
 * unknown, and a rule is then known to hold or not only by its others.
 *
 * Pure but for rules_*: header, size and age go in, a verdict comes out.
 */
#ifndef COLLECT_RULE_H
#define COLLECT_RULE_H

#include "config/settings.h"

#define RULES_MAXIMUM		1000
#define RULE_CONDITIONS_MAXIMUM 32 /* with a pattern */
#define RULE_NAME_MAXIMUM	60
#define RULE_FOLDER_SIZE	256
#define RULE_TEXT_SIZE		640

enum rule_action {
	RULE_FILE,
	RULE_SKIP,    /* it stays on the server and is not collected */
	RULE_HEADERS, /* its header alone is filed */
	RULE_DELETE,  /* deleted on the server, not collected */
	RULE_PIPE,
};

struct rule_condition {
	char *field;   /* NULL: the envelope's recipient */
	char *pattern; /* as pattern.h has it */
	bool is_not;
};

struct rule {
	char *name, *file;
	unsigned line;
	char *account; /* pattern of the accounts that it holds for */
	uint64_t action;
	char *folder; /* %u, %n, %d: the recipient, its two parts */
	char *maildir, *mbox, *command;
	uint64_t larger_octets, smaller_octets; /* 0: any */
	uint64_t older_seconds, newer_seconds;
	struct rule_condition conditions[RULE_CONDITIONS_MAXIMUM];
	size_t condition_count;
	char *unused; /* the rows of keys that may stand more than once */
};

struct rules {
	struct rule *rules;
	size_t count;
	struct settings_seen seen; /* of the one that is being read */
};

struct rule_facts {
	const char *account;
	const char *envelope;	/* fields with the recipient, the first first */
	uint64_t envelope_skip; /* so many of them stand above it */
	struct bytes header;
	bool has_header;
	uint64_t octets; /* of the whole message */
	bool has_age;	 /* else no condition on the age holds */
	bool is_sure;	 /* of the age: what deletes asks for it */
	uint64_t age_seconds;
};

enum rule_answer { RULE_NO, RULE_YES, RULE_UNKNOWN };

struct rule_verdict {
	const struct rule *rule; /* NULL: none holds, or it is not known */
	bool is_known;
	bool needs_header; /* not known, and it could save the download */
	char folder[RULE_FOLDER_SIZE];
};

/* ---- settings ---- */

bool rules_init(struct rules *rules);
void rules_release(struct rules *rules);
/* A line of a [rule NAME] section; error without file and line. */
bool rules_take(struct rules *rules, const struct ini_entry *entry,
	char error[INI_ERROR_SIZE]);
/* What is wrong, with file and line, for people; false then. */
bool rules_check(const struct rules *rules, char error[INI_ERROR_SIZE]);
/* A number that changes with any of the rules that hold for the account; 0: none
 * do. */
uint64_t rules_mark(const struct rules *rules, const char *account);
/* Does one of the account's rules look at the age? */
bool rules_have_age(const struct rules *rules, const char *account);
/* Appends a section for each; only_changed: without what is as by default. */
bool rules_write(
	const struct rules *rules, bool only_changed, struct buffer *out);
/* Appends every key, as comments. */
bool rules_sample(struct buffer *out);
const char *rule_action_name(const struct rule *rule);

/* ---- judging ---- */

/* Of one condition: what it is, and why it holds or not; for people. */
typedef void rule_trace(const struct rule *rule, const char *condition,
	enum rule_answer answer, const char *why, void *context);

/* trace may be NULL; with one every condition is looked at. */
enum rule_answer rule_test(const struct rule *rule,
	const struct rule_facts *facts, rule_trace *trace, void *context);
void rules_judge(const struct rules *rules, const struct rule_facts *facts,
	struct rule_verdict *out);
/* The envelope's recipient as the header has it. False: it names none. */
bool rule_recipient(const struct rule_facts *facts, char *out, size_t size);

#endif
