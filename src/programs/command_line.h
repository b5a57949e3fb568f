/* SPDX-License-Identifier: ISC */
/*
 * command_line - programs with commands: one row a command, one row an option.
 * Reading the command line and every --help derive from the rows.
 *
 *	program [-c FILE] WORD [WORD] [OPERAND...] [OPTION...]
 *
 * Each program has a `struct arguments` of its own, which options put their
 * values into; here it has no members.
 */
#ifndef PROGRAMS_COMMAND_LINE_H
#define PROGRAMS_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>

struct arguments;

struct operands {
	const char *config; /* -c; NULL when not given */
	const char **at;    /* what stands behind the command's words */
	int count;
};

struct command_option {
	char letter; /* what names it in a command's row */
	const char *name, *short_name;
	const char *value; /* what it takes, for the help; NULL: nothing */
	size_t offset; /* in struct arguments: a const char * when it takes a
			      value, else a bool */
	const char *help;
};

struct command {
	const char *words; /* "account add" */
	const char *usage; /* what follows them */
	const char *help;
	const char *options; /* letters */
	int least, most;     /* operands */
	bool needs_no_config;
	int (*run)(struct arguments *arguments); /* sysexits(3) */
};

struct command_line {
	const char *program;
	const char *default_config; /* for the help */
	const char *codes;	    /* what its exit codes mean, for the help */
	const struct command *commands;
	size_t command_count;
	const struct command_option *options;
	size_t option_count;
	/* Before and after a command; load returns an exit code. */
	int (*load)(struct arguments *arguments, const struct command *command);
	void (*unload)(struct arguments *arguments);
};

/* Returns the exit code. operands: a member of `arguments`, filled here. */
int command_line_run(const struct command_line *line, int argc, char **argv,
	struct operands *operands, struct arguments *arguments);

#endif
