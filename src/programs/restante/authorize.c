/* SPDX-License-Identifier: ISC */
/* restante account authorize */
#include "collect/oauth/grant.h"
#include "programs/restante/command.h"

#include <stdio.h>
#include <sysexits.h>

static void
show(const char *url, const char *code, void *context)
{
	(void)context;
	if (code)
		printf("Open this page, on any device:\n\n  %s\n\nand type the "
		       "code\n\n  %s\n\nWaiting until that is done ...\n",
			url, code);
	else
		printf("Open this page in a browser on this machine:\n\n  "
		       "%s\n\nWaiting until it comes back ...\n",
			url);
	fflush(stdout);
}

int
authorize(const struct arguments *arguments,
	const struct collect_account *account)
{
	enum oauth_way way = OAUTH_ANY;
	char error[INI_ERROR_SIZE];
	enum outcome outcome;

	if (arguments->by_device && arguments->by_browser)
		return complain(EX_USAGE, "--device and --browser: which?");
	if (arguments->by_device)
		way = OAUTH_DEVICE;
	else if (arguments->by_browser)
		way = OAUTH_BROWSER;
	outcome = oauth_authorize(account, way, show, NULL, error);
	if (outcome == OK)
		return EX_OK;
	return complain(
		outcome == ERR_PEER ? EX_CONFIG : code_of_outcome(outcome),
		"%s: %s", account->name, error);
}

int
account_authorize(struct arguments *arguments)
{
	const char *name = arguments->operands.at[0];
	const struct collect_account *account =
		collect_settings_find(&arguments->settings, name);
	int code;

	if (!account)
		return complain(EX_USAGE,
			"there is no account %s; \"restante account list\" "
			"shows what there is",
			name);
	if (account->oauth == ACCOUNT_OAUTH_NONE)
		return complain(EX_CONFIG,
			"%s: it has no oauth in %s:%u, and so needs no "
			"permission",
			name, account->file, account->line);
	code = authorize(arguments, account);
	if (code == EX_OK)
		printf("%s: permission given and saved. Collect its mail:\n  "
		       "restante fetch %s\n",
			name, name);
	return code;
}
