/* SPDX-License-Identifier: ISC */
/* restantectl alias: other names of accounts, and who takes all of a domain. */
#include "programs/json_text.h"
#include "programs/restantectl/accounts.h"

#include <string.h>
#include <sysexits.h>

#define WHAT_SIZE (ACCOUNT_NAME_SIZE + 32)

/* A name, or "@domain". */
static bool
alias_name(const struct arguments *arguments, const char *given,
	char out[ACCOUNT_NAME_SIZE])
{
	if (given[0] != '@')
		return user_name(arguments, given, out);
	if (accounts_catch_all(bytes_of_string(given), out))
		return true;
	complain(EX_DATAERR, "%s: expected @ and a domain", given);
	return false;
}

/* ---- alias add ---- */

/* Who PAM knows cannot be looked for here. */
static int
check_account(const struct arguments *arguments, struct sources *sources,
	const char *name)
{
	char what[WHAT_SIZE];
	struct account found;
	enum outcome outcome = sources_find(sources, name, &found);

	if (outcome == ERR_DENIED &&
		server_settings_has_backend(&arguments->settings, "pam"))
		return EX_OK;
	snprintf(what, sizeof(what), "user %s", name);
	return accounts_code(outcome, what);
}

static int
check_name(struct sources *sources, const char *name)
{
	char what[WHAT_SIZE];
	struct account found;
	enum outcome outcome = sources_find(sources, name, &found);

	snprintf(what, sizeof(what), "user %s", name);
	if (outcome == ERR_DENIED)
		return EX_OK;
	return accounts_code(outcome == OK ? ERR_BUSY : outcome, what);
}

static int
store_alias(struct accounts *accounts, const struct account_alias *alias)
{
	enum outcome outcome =
		accounts->ops->changes->add_alias(accounts, alias);
	char target[ACCOUNT_NAME_SIZE] = "", what[WHAT_SIZE];

	if (outcome == ERR_PEER) {
		accounts->ops->find_alias(accounts, alias->account, target);
		return complain(EX_DATAERR,
			"%s is an alias itself; an alias stands for a user: "
			"restantectl alias add %s %s",
			alias->account, alias->name, target);
	}
	snprintf(what, sizeof(what), "alias %s", alias->name);
	return accounts_code(outcome, what);
}

static int
add_alias(const struct arguments *arguments, struct accounts *accounts,
	const struct account_alias *alias)
{
	char target[ACCOUNT_NAME_SIZE];
	struct sources sources;
	int code = sources_open(arguments, &sources);

	if (code != EX_OK)
		return code;
	code = check_name(&sources, alias->name);
	/* Of an alias store_alias has more to say. */
	if (code == EX_OK && accounts->ops->find_alias(accounts, alias->account,
				     target) == ERR_DENIED)
		code = check_account(arguments, &sources, alias->account);
	sources_close(&sources);
	return code == EX_OK ? store_alias(accounts, alias) : code;
}

int
alias_add(struct arguments *arguments)
{
	struct account_alias alias;
	struct accounts *accounts;
	int code;

	if (!alias_name(arguments, arguments->operands.at[0], alias.name) ||
		!user_name(arguments, arguments->operands.at[1], alias.account))
		return EX_DATAERR;
	accounts = open_accounts(arguments, true, &code);
	if (!accounts)
		return code;
	code = add_alias(arguments, accounts, &alias);
	accounts->ops->close(&accounts);
	if (code == EX_OK)
		printf("%s: alias of %s added\n", alias.name, alias.account);
	return code;
}

/* ---- alias remove ---- */

int
alias_remove(struct arguments *arguments)
{
	char name[ACCOUNT_NAME_SIZE], what[WHAT_SIZE];
	struct accounts *accounts;
	int code;

	if (!alias_name(arguments, arguments->operands.at[0], name))
		return EX_DATAERR;
	accounts = open_accounts(arguments, false, &code);
	if (!accounts)
		return code;
	snprintf(what, sizeof(what), "alias %s", name);
	code = accounts_code(
		accounts->ops->changes->remove_alias(accounts, name), what);
	accounts->ops->close(&accounts);
	if (code == EX_OK)
		printf("%s: alias removed\n", name);
	return code;
}

/* ---- alias list ---- */

struct listing {
	json_t *data, *rows;
	const char *account; /* NULL: all */
};

static bool
collect(const struct account_alias *alias, void *context)
{
	struct listing *listing = context;

	if (listing->account && strcmp(listing->account, alias->account) != 0)
		return true;
	json_array_append_new(listing->data,
		json_pack("{s:o, s:o}", "name", json_text(alias->name),
			"account", json_text(alias->account)));
	json_array_append_new(
		listing->rows, json_pack("[o, o]", json_text(alias->name),
				       json_text(alias->account)));
	return true;
}

int
alias_list(struct arguments *arguments)
{
	static const char *const heads[] = {"ALIAS", "USER"};
	struct listing listing = {0};
	char name[ACCOUNT_NAME_SIZE];
	struct accounts *accounts;
	int code;

	if (arguments->operands.count > 0) {
		if (!user_name(arguments, arguments->operands.at[0], name))
			return EX_DATAERR;
		listing.account = name;
	}
	accounts = open_accounts(arguments, false, &code);
	if (!accounts)
		return code;
	listing.data = json_array();
	listing.rows = json_array();
	code = accounts_code(accounts->ops->changes->list_aliases(
				     accounts, collect, &listing),
		"alias");
	accounts->ops->close(&accounts);
	if (code == EX_OK) {
		print_data(arguments, listing.data, heads, 2, listing.rows);
		return code;
	}
	json_decref(listing.data);
	json_decref(listing.rows);
	return code;
}
