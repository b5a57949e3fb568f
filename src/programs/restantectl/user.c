/* SPDX-License-Identifier: ISC */
#include "accounts/accounts.h"
#include "accounts/password.h"
#include "process/privileges.h"
#include "programs/restantectl/command.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* ---- the data base ---- */

/* Made aside: a server that starts now must not meet a file of root's. */
static bool
put_file(const char *file, uid_t uid, gid_t gid)
{
	char aside[PATH_MAX + 32];
	bool is_put;
	int fd;

	snprintf(aside, sizeof(aside), "%s.%d", file, (int)getpid());
	fd = open(aside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	is_put = fchown(fd, uid, gid) == 0 &&
		 (link(aside, file) == 0 || errno == EEXIST);
	unlink(aside);
	close(fd);
	return is_put;
}

/*
 * Made by root it must still be the auth role's: SQLite gives the files it
 * makes beside it to the owner of this one.
 */
static int
make_file(const struct server_settings *settings, const char *directory,
	const char *file)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char error[256];

	if (geteuid() == 0 && privileges_find_user(settings->auth_user, &uid,
				      &gid, error, sizeof(error)) != OK)
		return complain(EX_NOUSER, "%s", error);
	if ((mkdir(settings->state, 0755) < 0 && errno != EEXIST) ||
		(mkdir(directory, 0700) < 0 && errno != EEXIST) ||
		chown(directory, uid, gid) < 0)
		return complain(EX_CANTCREAT, "cannot make %s: %s", directory,
			strerror(errno));
	if (!put_file(file, uid, gid))
		return complain(EX_CANTCREAT, "cannot make %s: %s", file,
			strerror(errno));
	return EX_OK;
}

struct accounts *
open_accounts(const struct arguments *arguments, bool may_create, int *out_code)
{
	const struct server_settings *settings = &arguments->settings;
	char directory[PATH_MAX], file[PATH_MAX + 16];
	struct accounts *accounts = NULL;
	enum outcome outcome;

	snprintf(directory, sizeof(directory), "%s/accounts", settings->state);
	snprintf(file, sizeof(file), "%s/accounts.db", directory);
	*out_code = EX_OK;
	if (!server_settings_has_backend(settings, "sqlite")) {
		*out_code = complain(EX_CONFIG,
			"users are not kept here: [auth] backends = %s has no "
			"sqlite",
			settings->backends);
		return NULL;
	}
	if (access(file, F_OK) < 0) {
		if (!may_create)
			*out_code = complain(EX_NOINPUT,
				"there are no accounts yet (%s): %s", file,
				strerror(errno));
		else
			*out_code = make_file(settings, directory, file);
	}
	if (*out_code != EX_OK)
		return NULL;
	outcome = accounts_open("sqlite", file, may_create, &accounts);
	if (outcome != OK)
		*out_code = complain(
			outcome == ERR_BROKEN ? EX_NOPERM : EX_TEMPFAIL,
			"cannot use %s: %s (are you the user that owns it, or "
			"root?)",
			file, outcome_name(outcome));
	return accounts;
}

/* ---- answers ---- */

static int
code_of(enum outcome outcome, const char *name)
{
	switch (outcome) {
	case OK:
		return EX_OK;
	case ERR_DENIED:
		return complain(EX_NOUSER, "there is no user %s", name);
	case ERR_BUSY:
		return complain(
			EX_CANTCREAT, "there is a user %s already", name);
	case ERR_NO_SPACE:
		return complain(EX_TEMPFAIL, "the disk is full");
	case ERR_TRY_LATER:
		return complain(EX_TEMPFAIL,
			"the accounts cannot be changed now, try again");
	case ERR_PEER:
	case ERR_TOO_SOON:
	case ERR_OVER_QUOTA:
	case ERR_SOFT_QUOTA:
	case ERR_BROKEN:
	case ERR_GONE:
	default:
		return complain(EX_SOFTWARE, "the accounts are damaged (%s)",
			outcome_name(outcome));
	}
}

static bool
canonical(const char *given, char name[ACCOUNT_NAME_SIZE])
{
	if (accounts_canonical_name(bytes_of_string(given), name))
		return true;
	complain(EX_DATAERR,
		"%s cannot be a user's name: 1 to 254 octets, no blanks, no "
		"slash, not beginning with - or .",
		given);
	return false;
}

/* ---- user add, user passwd ---- */

/* Fills `credential`; `like`: the account, unless it is a new one. */
static int
ask_password(const struct arguments *arguments, const struct account *like,
	struct credential *credential)
{
	struct secret password = {0};
	int code = read_password(arguments->reads_stdin, true, &password);

	if (code == EX_OK && password_set(credential, secret_bytes(&password),
				     like, SCRAM_ITERATIONS_DEFAULT) != OK)
		code = complain(EX_DATAERR, "a password has 1 to %d octets",
			PASSWORD_MAXIMUM_OCTETS);
	secret_release(&password);
	return code;
}

static enum outcome
put(struct accounts *accounts, const char *name, bool is_new,
	const struct credential *main)
{
	const struct accounts_changes *changes = accounts->ops->changes;

	return is_new ? changes->add(accounts, name, main)
		      : changes->replace_credential(accounts, name, main);
}

static int
set_password(struct arguments *arguments, bool is_new)
{
	struct credential main = {0};
	struct account found = {0};
	char name[ACCOUNT_NAME_SIZE];
	struct accounts *accounts;
	enum outcome outcome;
	int code;

	if (!canonical(arguments->operands.at[0], name))
		return EX_DATAERR;
	accounts = open_accounts(arguments, is_new, &code);
	if (!accounts)
		return code;
	/* Before a password is asked for in vain. */
	outcome = accounts->ops->load(accounts, name, &found);
	if (is_new && outcome == OK)
		code = code_of(ERR_BUSY, name);
	else if (outcome != OK && !(is_new && outcome == ERR_DENIED))
		code = code_of(outcome, name);
	if (code == EX_OK && account_credential(&found, ""))
		main = *account_credential(&found, "");
	if (code == EX_OK)
		code = ask_password(arguments, &found, &main);
	if (code == EX_OK)
		code = code_of(put(accounts, name, is_new, &main), name);
	explicit_bzero(&main, sizeof(main));
	account_release(&found);
	accounts->ops->close(&accounts);
	if (code == EX_OK)
		printf("%s: %s\n", name, is_new ? "added" : "password changed");
	return code;
}

int
user_add(struct arguments *arguments)
{
	return set_password(arguments, true);
}

int
user_passwd(struct arguments *arguments)
{
	return set_password(arguments, false);
}

/* ---- user remove ---- */

int
user_remove(struct arguments *arguments)
{
	char name[ACCOUNT_NAME_SIZE];
	struct accounts *accounts;
	int code;

	if (!canonical(arguments->operands.at[0], name))
		return EX_DATAERR;
	accounts = open_accounts(arguments, false, &code);
	if (!accounts)
		return code;
	code = code_of(accounts->ops->changes->remove(accounts, name), name);
	accounts->ops->close(&accounts);
	if (code == EX_OK)
		printf("%s: removed; the mail stays where it is\n", name);
	return code;
}

/* ---- user list ---- */

static bool
collect(const struct account *account, void *context)
{
	json_array_append_new(context,
		json_pack("{s:s, s:I, s:b}", "name", account->name,
			"created_seconds", (json_int_t)account->created_seconds,
			"is_disabled", account->is_disabled));
	return true;
}

static void
print_user(const json_t *user)
{
	time_t created = (time_t)json_integer_value(
		json_object_get(user, "created_seconds"));
	char date[32];
	struct tm utc;

	gmtime_r(&created, &utc);
	strftime(date, sizeof(date), "%Y-%m-%d", &utc);
	printf("%-40s %-12s %s\n",
		json_string_value(json_object_get(user, "name")), date,
		json_is_true(json_object_get(user, "is_disabled")) ? "disabled"
								   : "");
}

int
user_list(struct arguments *arguments)
{
	json_t *users = json_array();
	struct accounts *accounts;
	size_t index;
	json_t *user;
	int code;

	accounts = open_accounts(arguments, false, &code);
	if (!accounts) {
		json_decref(users);
		return code;
	}
	code = code_of(accounts->ops->list(accounts, collect, users), "");
	accounts->ops->close(&accounts);
	if (code == EX_OK && arguments->is_json) {
		json_dumpf(users, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (code == EX_OK) {
		printf("%-40s %-12s\n", "USER", "CREATED");
		json_array_foreach(users, index, user) print_user(user);
	}
	json_decref(users);
	return code;
}
