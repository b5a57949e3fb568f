/* SPDX-License-Identifier: ISC */
/* restantectl user: accounts and their main password. */
#include "programs/restantectl/accounts.h"
#include "config/value.h"
#include "programs/json_text.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* "user alice": for complaints. */
#define WHAT_SIZE (ACCOUNT_NAME_SIZE + 32)

static const char *
user_called(const char *name, char out[WHAT_SIZE])
{
	snprintf(out, WHAT_SIZE, "user %s", name);
	return out;
}

/* ---- user add, user passwd ---- */

int
ask_password(const struct arguments *arguments, const struct account *like,
	struct credential *credential)
{
	uint32_t iterations = (uint32_t)arguments->settings.scram_iterations;
	struct secret password = {0};
	int code = read_password(arguments->reads_stdin, true, &password);

	if (code == EX_OK && password_set(credential, secret_bytes(&password),
				     like, iterations) != OK)
		code = complain(EX_DATAERR, "a password has 1 to %d octets",
			PASSWORD_MAXIMUM_OCTETS);
	secret_release(&password);
	/* It is a new one, also in place of another. */
	credential->created_seconds = 0;
	return code;
}

/* Before a password is asked for in vain. */
static int
check_is_new(
	struct accounts *accounts, struct sources *sources, const char *name)
{
	char what[WHAT_SIZE], target[ACCOUNT_NAME_SIZE];
	struct account found;
	enum outcome outcome = sources_find(sources, name, &found);

	if (outcome != ERR_DENIED)
		return accounts_code(outcome == OK ? ERR_BUSY : outcome,
			user_called(name, what));
	outcome = accounts->ops->find_alias(accounts, name, target);
	if (outcome == OK)
		return complain(EX_CANTCREAT, "%s is an alias of %s already",
			name, target);
	return outcome == ERR_DENIED ? EX_OK : accounts_code(outcome, "alias");
}

static int
add_user(struct arguments *arguments, struct accounts *accounts,
	const char *name)
{
	struct credential main = {0};
	struct sources sources;
	char what[WHAT_SIZE];
	int code = sources_open(arguments, &sources);

	if (code == EX_OK) {
		code = check_is_new(accounts, &sources, name);
		sources_close(&sources);
	}
	if (code == EX_OK)
		code = ask_password(arguments, NULL, &main);
	if (code == EX_OK)
		code = accounts_code(
			accounts->ops->changes->add(accounts, name, &main),
			user_called(name, what));
	explicit_bzero(&main, sizeof(main));
	return code;
}

int
user_add(struct arguments *arguments)
{
	char name[ACCOUNT_NAME_SIZE];
	struct accounts *accounts;
	int code;

	if (!user_name(arguments, arguments->operands.at[0], name))
		return EX_DATAERR;
	accounts = open_accounts(arguments, true, &code);
	if (!accounts)
		return code;
	code = add_user(arguments, accounts, name);
	accounts->ops->close(&accounts);
	if (code == EX_OK)
		printf("%s: added\n", name);
	return code;
}

/* Its device's other properties stay. One without a main password gets one. */
static enum outcome
put_main(struct accounts *accounts, const struct account *account,
	const struct credential *main)
{
	const struct accounts_changes *changes = accounts->ops->changes;

	return account_credential(account, "")
		       ? changes->replace_credential(
				 accounts, account->name, main)
		       : changes->add_credential(accounts, account->name, main);
}

int
user_passwd(struct arguments *arguments)
{
	struct credential main = {0};
	struct account account = {0};
	struct accounts *accounts;
	int code;

	accounts = load_user(arguments, &account, &code);
	if (!accounts)
		return code;
	if (account_credential(&account, ""))
		main = *account_credential(&account, "");
	code = ask_password(arguments, &account, &main);
	if (code == EX_OK)
		code = accounts_code(
			put_main(accounts, &account, &main), "password");
	explicit_bzero(&main, sizeof(main));
	account_release(&account);
	accounts->ops->close(&accounts);
	if (code == EX_OK)
		printf("%s: password changed\n", account.name);
	if (code == EX_OK)
		end_sessions(arguments, account.name, "");
	return code;
}

/* ---- user remove ---- */

int
user_remove(struct arguments *arguments)
{
	char name[ACCOUNT_NAME_SIZE], what[WHAT_SIZE];
	struct accounts *accounts;
	int code;

	if (!user_name(arguments, arguments->operands.at[0], name))
		return EX_DATAERR;
	accounts = open_accounts(arguments, false, &code);
	if (!accounts)
		return code;
	code = accounts_code(accounts->ops->changes->remove(accounts, name),
		user_called(name, what));
	accounts->ops->close(&accounts);
	if (code == EX_OK)
		printf("%s: removed with its devices and aliases; the mail "
		       "stays where it is\n",
			name);
	if (code == EX_OK)
		end_sessions(arguments, name, NULL);
	return code;
}

/* ---- user disable, enable, limit ---- */

/* Loads, lets `change` have its way, stores. */
static int
change_user(struct arguments *arguments,
	int (*change)(
		const struct arguments *arguments, struct account *account),
	struct account *out)
{
	struct account account = {0};
	struct accounts *accounts;
	int code;

	accounts = load_user(arguments, &account, &code);
	if (!accounts)
		return code;
	account_release(&account);
	code = change(arguments, &account);
	if (code == EX_OK)
		code = accounts_code(
			accounts->ops->changes->set(accounts, &account),
			"user");
	accounts->ops->close(&accounts);
	*out = account;
	return code;
}

static int
disable(const struct arguments *arguments, struct account *account)
{
	account->is_disabled = true;
	return EX_OK;
}

static int
enable(const struct arguments *arguments, struct account *account)
{
	account->is_disabled = false;
	return EX_OK;
}

int
user_disable(struct arguments *arguments)
{
	struct account account = {0};
	int code = change_user(arguments, disable, &account);

	if (code == EX_OK)
		printf("%s: disabled; mail is still taken\n", account.name);
	if (code == EX_OK)
		end_sessions(arguments, account.name, NULL);
	return code;
}

int
user_enable(struct arguments *arguments)
{
	struct account account = {0};
	int code = change_user(arguments, enable, &account);

	if (code == EX_OK)
		printf("%s: enabled\n", account.name);
	return code;
}

/* More is no quota at all, and would overflow where it is compared. */
#define QUOTA_MAXIMUM_OCTETS (1ull << 47)

static int
set_limits(const struct arguments *arguments, struct account *account)
{
	struct account_limits *limits = &account->limits;

	if (!arguments->quota && !arguments->messages)
		return complain(EX_USAGE,
			"give --quota or --messages; 0 is what [quota] says");
	if (arguments->quota &&
		(!value_to_octets(arguments->quota, &limits->quota_octets) ||
			limits->quota_octets > QUOTA_MAXIMUM_OCTETS))
		return complain(EX_DATAERR,
			"--quota %s: expected a size like 500MiB or 2GiB",
			arguments->quota);
	if (arguments->messages &&
		!bytes_to_number(bytes_of_string(arguments->messages),
			UINT32_MAX, &limits->quota_messages))
		return complain(EX_DATAERR, "--messages %s: expected a number",
			arguments->messages);
	return EX_OK;
}

static void
limit_text(const struct account_limits *limits, char out[64])
{
	char octets[16] = "", messages[32] = "";

	if (limits->quota_octets)
		human_octets(limits->quota_octets, octets);
	if (limits->quota_messages)
		snprintf(messages, sizeof(messages), "%llu messages",
			(unsigned long long)limits->quota_messages);
	snprintf(out, 64, "%s%s%s", octets,
		octets[0] && messages[0] ? ", " : "", messages);
	if (!out[0])
		snprintf(out, 64, "-");
}

int
user_limit(struct arguments *arguments)
{
	struct account account = {0};
	int code = change_user(arguments, set_limits, &account);
	char text[64];

	if (code != EX_OK)
		return code;
	limit_text(&account.limits, text);
	printf("%s: %s\n", account.name,
		strcmp(text, "-") == 0 ? "what [quota] says" : text);
	return code;
}

/* ---- user list ---- */

struct listing {
	json_t *users, *rows;
	const char *backend;
};

static bool
collect(const struct account *account, void *context)
{
	const struct account_limits *limits = &account->limits;
	struct listing *listing = context;
	char date[16], limit[64];

	json_array_append_new(listing->users,
		json_pack("{s:o, s:I, s:b, s:s, s:I, s:I}", "name",
			json_text(account->name), "created_seconds",
			(json_int_t)account->created_seconds, "is_disabled",
			account->is_disabled, "backend", listing->backend,
			"quota_octets", (json_int_t)limits->quota_octets,
			"quota_messages", (json_int_t)limits->quota_messages));
	limit_text(limits, limit);
	json_array_append_new(listing->rows,
		json_pack("[o, s, s, s, s]", json_text(account->name),
			date_text(account->created_seconds, date),
			listing->backend, limit,
			account->is_disabled ? "disabled" : ""));
	return true;
}

int
user_list(struct arguments *arguments)
{
	static const char *const heads[] = {
		"USER", "CREATED", "BACKEND", "QUOTA", ""};
	struct listing listing = {json_array(), json_array(), NULL};
	struct sources sources;
	int code = sources_open(arguments, &sources);

	for (size_t i = 0; i < sources.count && code == EX_OK; i++) {
		struct accounts *source = sources.at[i];

		listing.backend = source->ops->name;
		code = accounts_code(
			source->ops->list(source, collect, &listing), "user");
	}
	sources_close(&sources);
	if (code == EX_OK) {
		print_data(arguments, listing.users, heads, 5, listing.rows);
		return code;
	}
	json_decref(listing.users);
	json_decref(listing.rows);
	return code;
}
