/* SPDX-License-Identifier: ISC */
/* The account's sink, opened as its settings say. */
#include "collect/collection.h"

#include <stdio.h>
#include <string.h>

/* What people call the place. */
static bool
set_paths(struct collection *c)
{
	const struct collect_account *account = c->account;
	const char *name = account_sink_name(account);
	bool is_file =
		strcmp(name, "maildir") == 0 || strcmp(name, "mbox") == 0;

	if (strcmp(name, "mbox") == 0 && !account->mbox[0]) {
		collection_fail(
			c, ERR_PEER, "deliver = mbox needs mbox = PATH");
		return false;
	}
	if (snprintf(c->spool_path, sizeof(c->spool_path), "%s/spool/%s",
		    c->options->state,
		    account->name) >= (int)sizeof(c->spool_path))
		return false;
	if (is_file)
		return account_maildir(
			account, c->sink_path, sizeof(c->sink_path));
	snprintf(c->sink_path, sizeof(c->sink_path), "%s",
		account->deliver_server[0] ? account->deliver_server
					   : account->deliver_command);
	return true;
}

bool
delivering_open(struct collection *c)
{
	const struct collect_account *account = c->account;
	const struct sink_ops *ops = sink_find(account_sink_name(account));
	char error[SINK_ERROR_SIZE] = "the path is too long";
	struct sink_options options = {
		.files = c->options->files,
		.account = account->name,
		.target = c->sink_path,
		.spool = c->spool_path,
		.command = account->deliver_command,
		.server = account->deliver_server,
		.user = account->deliver_user,
		.sender = account->deliver_sender,
		.recipient = account->deliver_recipient,
		.folder = account->deliver_folder,
		.password = secret_bytes(c->deliver_password),
		.tls = account->deliver_tls == ACCOUNT_TLS_NONE
			       ? NULL
			       : c->deliver_tls,
		.is_tls_first = account->deliver_tls == ACCOUNT_TLS_IMPLICIT,
		.timeout_seconds = account->deliver_timeout_seconds,
		.makes_lf = account->line_ends == LINE_ENDS_LF,
		.was_interrupted = c->is_behind,
	};
	enum outcome outcome = ERR_PEER;

	if (set_paths(c))
		outcome = ops->open(&options, &c->sink, error);
	if (outcome != OK)
		collection_fail(c, outcome, "%s", error);
	return outcome == OK;
}
