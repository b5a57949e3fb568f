/* SPDX-License-Identifier: ISC */
/* command - what restante can do; the rows stand in restante.c. */
#ifndef PROGRAMS_RESTANTE_COMMAND_H
#define PROGRAMS_RESTANTE_COMMAND_H

#include "collect/account.h"
#include "collect/engine.h"
#include "programs/command_line.h"
#include "programs/terminal.h"

#include <limits.h>
#include <stdio.h>

struct arguments {
	struct operands operands;
	char config[PATH_MAX / 2]; /* file */
	struct collect_settings settings;
	/* options; NULL or false without */
	const char *host, *port, *tls, *user, *maildir, *ca_file,
		*password_command, *account, *proxy, *dns_server, *connect_to,
		*from, *mailbox, *oauth, *client_id, *client_secret_file;
	bool by_device, by_browser;
	bool keeps, deletes, reads_stdin, is_untested, uses_keyring, is_sure;
	bool is_json, is_quiet, is_dry_run, is_retry, is_daemon;
	bool only_changed;
	bool observes, wants_bodies, wants_quarantined, accepts_new_uidls;
};

int account_add(struct arguments *arguments);
int account_authorize(struct arguments *arguments);
int account_list(struct arguments *arguments);
int config_sample(struct arguments *arguments);
int config_show(struct arguments *arguments);
int explain(struct arguments *arguments);
int show_discovery(struct arguments *arguments);
int examine_account(struct arguments *arguments);
int fetch(struct arguments *arguments);
int fetch_daemon(struct arguments *arguments);
int import_state(struct arguments *arguments);
int show_status(struct arguments *arguments);

/* The sysexits(3) code of an outcome, and the worse of two codes. */
int code_of_outcome(enum outcome outcome);
int worse_code(int a, int b);

/* With every default, and no account. Complains. */
int default_settings(struct collect_settings *settings);
/* Reads `arguments->config`, or takes the defaults when there is none; for a
 * program that reads them again too. Complains. */
int load_settings(
	const struct arguments *arguments, struct collect_settings *settings);

/* Of the operands, or all without. */
bool fetch_is_wanted(const struct arguments *arguments, const char *account);
/* Is each operand an account? Complains. */
int fetch_check_accounts(const struct arguments *arguments);
/* Empty when no person is to be asked, or none is there. */
void fetch_ask_password(
	const struct collect_account *account, struct secret *out);

/* Asks a person for the permission to read the mail; complains. */
int authorize(const struct arguments *arguments,
	const struct collect_account *account);

/* Having complained when NULL. */
struct ledger *open_ledger(const struct arguments *arguments);

#endif
