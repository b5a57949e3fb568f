/* SPDX-License-Identifier: ISC */
/*
 * command - what restantectl can do: one row a command; dispatch, --help and
 * later completions and manual derive from the table in restantectl.c.
 */
#ifndef PROGRAMS_RESTANTECTL_COMMAND_H
#define PROGRAMS_RESTANTECTL_COMMAND_H

#include "config/server_settings.h"
#include "programs/terminal.h"

#include <stdio.h>

struct arguments {
	struct server_settings settings;
	const char *config;	 /* file */
	const char *operands[4]; /* behind the command's words */
	int operand_count;
	bool is_json, reads_stdin, only_changed;
	const char *sender; /* deliver -f */
};

struct command {
	const char *words; /* "user add" */
	const char *usage; /* what follows them */
	const char *help;
	int least, most;     /* operands */
	const char *options; /* of "j" --json, "p" --password-stdin, "f" -f,
				"c" --changed */
	bool needs_no_config;
	int (*run)(struct arguments *arguments); /* sysexits(3) */
};

int user_add(struct arguments *arguments);
int user_list(struct arguments *arguments);
int user_passwd(struct arguments *arguments);
int user_remove(struct arguments *arguments);
int deliver(struct arguments *arguments);
int mailbox_list(struct arguments *arguments);
int show_status(struct arguments *arguments);
int config_show(struct arguments *arguments);
int config_sample(struct arguments *arguments);

/* ---- accounts ---- */

struct accounts;

/* The running data base; NULL having complained, *out_code then says how. */
struct accounts *open_accounts(
	const struct arguments *arguments, bool may_create, int *out_code);

/* ---- control.c ---- */

/* A socket of the running server below state/control; -1 with errno. */
int connect_control(const struct server_settings *settings, const char *name);
/* One line there, one line of JSON back (to be freed), or NULL. */
char *ask_control(int fd, const char *line);

#endif
