/* SPDX-License-Identifier: ISC */
#include "programs/restantectl/accounts.h"
#include "config/settings.h"
#include "process/privileges.h"
#include "programs/columns.h"

#include <errno.h>
#include <fcntl.h>
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
		if (errno == EACCES)
			*out_code = complain(EX_NOPERM,
				"cannot look into %s: %s (are you the user "
				"that "
				"owns it, or root?)",
				directory, strerror(errno));
		else if (!may_create)
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

/* ---- every source ---- */

static void
notice(const char *text)
{
	complain(EX_OK, "%s", text);
}

static bool
open_source(const struct arguments *arguments, const char *kind,
	struct accounts **out, int *out_code)
{
	const struct server_settings *settings = &arguments->settings;
	struct accounts_options options = {.kind = kind,
		.directory = AT_FDCWD,
		.location = settings->passwd_file,
		.scheme = settings->passwd_file_scheme,
		.naming = naming_of(settings),
		.notice = notice};

	if (strcmp(kind, "sqlite") == 0) {
		*out = open_accounts(arguments, false, out_code);
		return *out != NULL;
	}
	if (accounts_open_with(&options, out) == OK)
		return true;
	*out_code = complain(EX_OSERR, "no memory");
	return false;
}

int
sources_open(const struct arguments *arguments, struct sources *out)
{
	struct bytes rest = bytes_of_string(arguments->settings.backends);
	struct bytes word;
	int code = EX_OK;
	char kind[32];

	*out = (struct sources){0};
	while (code == EX_OK && settings_next_word(&rest, &word)) {
		if (!bytes_to_string(word, kind, sizeof(kind)) ||
			strcmp(kind, "pam") == 0)
			continue;
		if (open_source(arguments, kind, &out->at[out->count], &code))
			out->count++;
	}
	if (code != EX_OK)
		sources_close(out);
	else if (out->count == 0)
		code = complain(EX_CONFIG,
			"users are not kept here: [auth] backends = %s",
			arguments->settings.backends);
	return code;
}

void
sources_close(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		sources->at[i]->ops->close(&sources->at[i]);
	sources->count = 0;
}

enum outcome
sources_find(struct sources *sources, const char *name, struct account *out)
{
	enum outcome outcome = ERR_DENIED;

	for (size_t i = 0; i < sources->count && outcome == ERR_DENIED; i++)
		outcome = sources->at[i]->ops->find(sources->at[i], name, out);
	return outcome;
}

/* ---- names and answers ---- */

struct accounts_naming
naming_of(const struct server_settings *settings)
{
	return (struct accounts_naming){
		settings->default_domain, !settings->folds_case};
}

bool
user_name(const struct arguments *arguments, const char *given,
	char out[ACCOUNT_NAME_SIZE])
{
	struct accounts_naming naming = naming_of(&arguments->settings);

	if (accounts_name(&naming, bytes_of_string(given), out))
		return true;
	complain(EX_DATAERR,
		"%s cannot be a user's name: 1 to 254 octets, no blanks, no "
		"slash, not beginning with - or .",
		given);
	return false;
}

bool
device_name(const char *given, char out[ACCOUNT_DEVICE_SIZE])
{
	if (accounts_canonical_device(bytes_of_string(given), out)) {
		if (strcmp(out, ACCOUNT_MAIN_DEVICE) == 0)
			out[0] = '\0';
		return true;
	}
	complain(EX_DATAERR,
		"%s cannot be a device's name: 1 to 64 of a to z, 0 to 9, "
		"\".\", \"_\" and \"-\", the first one a letter or digit",
		given);
	return false;
}

int
accounts_code(enum outcome outcome, const char *what)
{
	switch (outcome) {
	case OK:
		return EX_OK;
	case ERR_DENIED:
		return complain(EX_NOUSER, "there is no %s", what);
	case ERR_BUSY:
		return complain(EX_CANTCREAT, "there is %s %s already",
			what[0] == 'a' ? "an" : "a", what);
	case ERR_NO_SPACE:
		return complain(EX_TEMPFAIL, "the disk is full");
	case ERR_OVER_QUOTA:
		return complain(EX_CANTCREAT,
			"there are %d passwords and certificates already, "
			"remove one that is not needed",
			ACCOUNT_CREDENTIALS_MAXIMUM);
	case ERR_TRY_LATER:
		return complain(EX_TEMPFAIL,
			"the accounts cannot be used now, try again");
	case ERR_PEER:
	case ERR_TOO_SOON:
	case ERR_SOFT_QUOTA:
	case ERR_BROKEN:
	case ERR_GONE:
	default:
		return complain(EX_SOFTWARE, "the accounts are damaged (%s)",
			outcome_name(outcome));
	}
}

struct accounts *
load_user(const struct arguments *arguments, struct account *out, int *out_code)
{
	char name[ACCOUNT_NAME_SIZE], what[ACCOUNT_NAME_SIZE + 32];
	struct accounts *accounts;

	*out_code = EX_DATAERR;
	if (!user_name(arguments, arguments->operands.at[0], name))
		return NULL;
	accounts = open_accounts(arguments, false, out_code);
	if (!accounts)
		return NULL;
	snprintf(what, sizeof(what), "user %s in the data base", name);
	*out_code =
		accounts_code(accounts->ops->load(accounts, name, out), what);
	if (*out_code != EX_OK)
		accounts->ops->close(&accounts);
	return accounts;
}

/* ---- tables ---- */

static const char *
cell(const json_t *row, size_t column)
{
	return json_string_value(json_array_get(row, column));
}

/* Nothing stands behind the last word of a line. */
static void
print_row(const json_t *row, const size_t *widths, size_t columns)
{
	while (columns > 1 && !cell(row, columns - 1)[0])
		columns--;
	for (size_t i = 0; i + 1 < columns; i++)
		printf("%s%*s", cell(row, i),
			(int)(widths[i] - columns_of(cell(row, i)) + 2), "");
	printf("%s\n", cell(row, columns - 1));
}

void
print_table(const char *const *heads, size_t columns, const json_t *rows)
{
	json_t *head = json_array();
	size_t widths[8] = {0}, index;
	json_t *row;

	for (size_t i = 0; i < columns; i++) {
		json_array_append_new(head, json_string(heads[i]));
		widths[i] = strlen(heads[i]);
		json_array_foreach(rows, index, row)
		{
			size_t width = columns_of(cell(row, i));

			widths[i] = width > widths[i] ? width : widths[i];
		}
	}
	print_row(head, widths, columns);
	json_array_foreach(rows, index, row) print_row(row, widths, columns);
	json_decref(head);
}

const char *
date_text(uint64_t seconds, char out[16])
{
	time_t time = (time_t)seconds;
	struct tm utc;

	if (seconds == 0 || !gmtime_r(&time, &utc) ||
		strftime(out, 16, "%Y-%m-%d", &utc) == 0)
		snprintf(out, 16, "-");
	return out;
}

void
print_data(const struct arguments *arguments, json_t *data,
	const char *const *heads, size_t columns, json_t *rows)
{
	if (arguments->is_json) {
		json_dumpf(data, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_table(heads, columns, rows);
	}
	json_decref(data);
	json_decref(rows);
}
