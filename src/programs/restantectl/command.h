/* SPDX-License-Identifier: ISC */
/* command - what restantectl can do; the rows stand in restantectl.c. */
#ifndef PROGRAMS_RESTANTECTL_COMMAND_H
#define PROGRAMS_RESTANTECTL_COMMAND_H

#include "config/server_settings.h"
#include "programs/command_line.h"
#include "programs/terminal.h"

#include <stdio.h>

struct arguments {
	struct operands operands;
	struct server_settings settings;
	bool is_json, reads_stdin, only_changed;
	bool is_read_only, is_read_write;	      /* device add, set */
	const char *expires, *networks, *certificate; /* the same */
	const char *quota, *messages;		      /* user limit */
	const char *sender;			      /* deliver -f */
	const char *format;			      /* mailbox import-uidls */
	const char *duration;			      /* trace */
	bool is_off;				      /* the same */
	const char *dns_server;			      /* dns */
};

int user_add(struct arguments *arguments);
int user_list(struct arguments *arguments);
int user_passwd(struct arguments *arguments);
int user_remove(struct arguments *arguments);
int user_disable(struct arguments *arguments);
int user_enable(struct arguments *arguments);
int user_limit(struct arguments *arguments);
int device_add(struct arguments *arguments);
int device_list(struct arguments *arguments);
int device_set(struct arguments *arguments);
int device_remove(struct arguments *arguments);
int alias_add(struct arguments *arguments);
int alias_list(struct arguments *arguments);
int alias_remove(struct arguments *arguments);
int deliver(struct arguments *arguments);
int mailbox_check(struct arguments *arguments);
int mailbox_import_uidls(struct arguments *arguments);
int mailbox_list(struct arguments *arguments);
int mailbox_rebuild(struct arguments *arguments);
int mailbox_repair(struct arguments *arguments);
int show_status(struct arguments *arguments);
int who(struct arguments *arguments);
int kick(struct arguments *arguments);
int forgive(struct arguments *arguments);
int reload(struct arguments *arguments);
int trace(struct arguments *arguments);
int tls_check(struct arguments *arguments);
int dns(struct arguments *arguments);
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
/* The same with a connection of its own. An exit code; having complained, and
   no reply, when it is not EX_OK. */
int ask_control_once(
	const struct arguments *arguments, const char *line, char **out_reply);

/* ---- who.c ---- */

/* Of a user who may not log in any more as he did; of one device ("": that of
   the main password) or of all (NULL). Says so when there were any. */
void end_sessions(const struct arguments *arguments, const char *user,
	const char *device);

#endif
