/* SPDX-License-Identifier: ISC */
/* restante account list */
#include "programs/restante/command.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <sysexits.h>

static json_t *
describe(const struct collect_account *account)
{
	char maildir[PATH_MAX] = "";

	account_maildir(account, maildir, sizeof(maildir));
	return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:b}", "account",
		account->name, "host", account->host, "port",
		(int)account_port(account), "tls", account_tls_name(account),
		"user", account_user(account), "maildir", maildir, "keep",
		(int)account->keep);
}

static void
print_account(const struct collect_account *account)
{
	char maildir[PATH_MAX] = "", server[300];

	account_maildir(account, maildir, sizeof(maildir));
	snprintf(server, sizeof(server), "%.250s:%u", account->host,
		account_port(account));
	printf("%-30s %-30s %-9s %-6s %s\n", account->name, server,
		account_tls_name(account), account->keep ? "keep" : "delete",
		maildir);
}

int
account_list(struct arguments *arguments)
{
	const struct collect_settings *settings = &arguments->settings;
	json_t *list = json_array();

	if (!arguments->is_json)
		printf("%-30s %-30s %-9s %-6s %s\n", "ACCOUNT", "SERVER", "TLS",
			"MAIL", "MAILDIR");
	for (size_t i = 0; i < settings->count; i++) {
		if (arguments->is_json)
			json_array_append_new(
				list, describe(&settings->accounts[i]));
		else
			print_account(&settings->accounts[i]);
	}
	if (arguments->is_json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(list);
	return EX_OK;
}
