/* SPDX-License-Identifier: ISC */
/*
 * command - what restante can do: one row a command, one row an option;
 * dispatch and --help derive from the tables in restante.c.
 */
#ifndef PROGRAMS_RESTANTE_COMMAND_H
#define PROGRAMS_RESTANTE_COMMAND_H

#include "collect/account.h"
#include "collect/engine.h"
#include "programs/terminal.h"

#include <limits.h>

struct arguments {
	char config[PATH_MAX / 2]; /* file */
	bool is_config_given;
	struct collect_settings settings;
	const char **operands;
	int operand_count;
	/* options; NULL or false without */
	const char *host, *port, *tls, *user, *maildir, *ca_file,
		*password_command;
	bool keeps, deletes, reads_stdin, is_untested;
	bool is_json, is_quiet, is_dry_run;
};

struct command {
	const char *words; /* "account add" */
	const char *usage; /* what follows them */
	const char *help;
	const char *options; /* letters of the rows in restante.c */
	int least, most;     /* operands */
	int (*run)(struct arguments *arguments); /* sysexits(3) */
};

int account_add(struct arguments *arguments);
int account_list(struct arguments *arguments);
int fetch(struct arguments *arguments);
int show_status(struct arguments *arguments);

/* The sysexits(3) code of an outcome, and the worse of two codes. */
int code_of_outcome(enum outcome outcome);
int worse_code(int a, int b);

/* Having complained when NULL. */
struct ledger *open_ledger(const struct arguments *arguments);

#endif
