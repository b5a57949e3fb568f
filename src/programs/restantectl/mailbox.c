/* SPDX-License-Identifier: ISC */
/* restantectl mailbox list: asks the running server, or, when there is none,
 * the store itself. */
#include "process/privileges.h"
#include "programs/columns.h"
#include "programs/progress.h"
#include "programs/restantectl/accounts.h"
#include "programs/restantectl/mailbox.h"
#include "store/registry.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- names ---- */

static bool
collect(const struct account *account, void *context)
{
	json_array_append_new(context, json_string(account->name));
	return true;
}

static enum outcome
list_all(struct sources *sources, json_t *names)
{
	enum outcome outcome = OK;

	for (size_t i = 0; i < sources->count && outcome == OK; i++)
		outcome = sources->at[i]->ops->list(
			sources->at[i], collect, names);
	return outcome;
}

int
mailbox_names(struct arguments *arguments, json_t *names)
{
	char name[ACCOUNT_NAME_SIZE] = "", what[ACCOUNT_NAME_SIZE + 32];
	struct sources sources;
	struct account found;
	enum outcome outcome;
	int code;

	if (arguments->operands.count > 0 &&
		!user_name(arguments, arguments->operands.at[0], name))
		return EX_DATAERR;
	code = sources_open(arguments, &sources);
	if (code != EX_OK)
		return code;
	outcome = name[0] ? sources_find(&sources, name, &found)
			  : list_all(&sources, names);
	sources_close(&sources);
	if (outcome == OK && name[0])
		json_array_append_new(names, json_string(name));
	snprintf(what, sizeof(what), "user %s", name);
	return accounts_code(outcome, what);
}

/* ---- asking the server ---- */

static json_t *
ask_server(int fd, const char *name)
{
	char line[ACCOUNT_NAME_SIZE + 16];
	json_t *mailbox = NULL;
	char *reply;

	snprintf(line, sizeof(line), "mailbox %s", name);
	reply = ask_control(fd, line);
	if (reply)
		mailbox = json_loads(reply, 0, NULL);
	free(reply);
	return mailbox;
}

/* ---- asking the store ---- */

static void
stat_done(struct store_call *call)
{
}

static json_t *
ask_store(struct store *store, const char *name)
{
	struct store_stat_call call = {
		.call = {.done = stat_done}, .mailbox = name};

	assert(store); /* it was opened, or nobody would ask */
	store->ops->stat(store, &call);
	if (call.call.outcome != OK && call.call.outcome != ERR_DENIED)
		return json_pack("{s:s, s:s}", "mailbox", name, "error",
			outcome_name(call.call.outcome));
	return json_pack("{s:s, s:I, s:I, s:b}", "mailbox", name, "count",
		(json_int_t)call.count, "octets", (json_int_t)call.octets,
		"is_open", false);
}

static int
become_mail_user(const struct server_settings *settings)
{
	struct privileges privileges = {
		.is_root = geteuid() == 0, .root_fd = -1};
	char error[256];

	if (!privileges.is_root)
		return EX_OK;
	if (privileges_find_user(settings->user, &privileges.uid,
		    &privileges.gid, error, sizeof(error)) != OK)
		return complain(EX_NOUSER, "%s", error);
	return privileges_drop(&privileges) == OK
		       ? EX_OK
		       : complain(EX_OSERR, "cannot become %s", settings->user);
}

static int
open_directory(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int
mailbox_open_mail(
	const struct server_settings *settings, struct store_options *options)
{
	char root[PATH_MAX], state[PATH_MAX];

	options->hostname = settings->hostname;
	server_settings_split_mail(
		settings->mail, root, sizeof(root), &options->mail_template);
	snprintf(state, sizeof(state), "%s/store", settings->state);
	options->mail_root = open_directory(root);
	options->state_root = open_directory(state);
	if (options->mail_root < 0 || options->state_root < 0)
		return complain(EX_NOINPUT, "cannot open %s: %s",
			options->mail_root < 0 ? root : state, strerror(errno));
	return become_mail_user(settings);
}

int
mailbox_lock_mail(const struct server_settings *settings,
	const struct store_options *options)
{
	int lock = openat(options->state_root, "lock",
		O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
		return EX_OK;
	return complain(EX_TEMPFAIL,
		"another program holds %s/store/lock: does the server run?",
		settings->state);
}

static void
tell_notice(const char *mailbox, const char *text)
{
	complain(EX_OK, "%s: %s", mailbox, text);
}

static int
open_store(const struct server_settings *settings, struct store **out)
{
	struct store_options options = {.kind = server_settings_store(settings),
		.is_shared = settings->is_shared,
		.notice = tell_notice,
		.executor = &executor_inline};
	int code = mailbox_open_mail(settings, &options);

	if (code == EX_OK)
		code = mailbox_lock_mail(settings, &options);
	if (code != EX_OK)
		return code;
	return store_open(&options, out) == OK
		       ? EX_OK
		       : complain(EX_NOINPUT, "cannot open the mail in %s",
				 settings->mail);
}

/* ---- printing ---- */

#define NAME_COLUMNS 40

static const char *
name_of(const json_t *mailbox)
{
	return json_string_value(json_object_get(mailbox, "mailbox"));
}

/* Names are told whole. */
static size_t
name_columns(const json_t *mailboxes)
{
	size_t most = NAME_COLUMNS, index;
	json_t *mailbox;

	json_array_foreach(mailboxes, index, mailbox)
	{
		size_t columns = columns_of(name_of(mailbox));

		most = columns > most ? columns : most;
	}
	return most;
}

static void
print_mailbox(const json_t *mailbox, size_t columns)
{
	const char *name = name_of(mailbox),
		   *error =
			   json_string_value(json_object_get(mailbox, "error"));
	char octets[16];

	printf("%s%*s ", name, (int)(columns - columns_of(name)), "");
	if (error) {
		printf("%s\n", error);
		return;
	}
	printf("%10lld %12s  %s\n",
		(long long)json_integer_value(
			json_object_get(mailbox, "count")),
		human_octets((uint64_t)json_integer_value(
				     json_object_get(mailbox, "octets")),
			octets),
		json_is_true(json_object_get(mailbox, "is_open")) ? "open"
								  : "free");
}

static int
query(int fd, struct store *store, const json_t *names, json_t *mailboxes,
	struct progress *progress)
{
	size_t index;
	json_t *name;

	json_array_foreach(names, index, name)
	{
		const char *text = json_string_value(name);
		json_t *mailbox;

		progress_set(
			progress, 0, text, 0, 0, index, json_array_size(names));
		mailbox =
			fd >= 0 ? ask_server(fd, text) : ask_store(store, text);
		if (!mailbox)
			return complain(
				EX_UNAVAILABLE, "the server does not answer");
		json_array_append_new(mailboxes, mailbox);
	}
	return EX_OK;
}

static int
query_all(int fd, struct store *store, const json_t *names, json_t *mailboxes,
	bool is_quiet)
{
	struct progress *progress = progress_new(1, is_quiet);
	int code = progress ? query(fd, store, names, mailboxes, progress)
			    : complain(EX_OSERR, "no memory");

	progress_free(&progress);
	return code;
}

static void
print(const json_t *mailboxes, bool is_json)
{
	size_t columns = name_columns(mailboxes), index;
	json_t *mailbox;

	if (is_json) {
		json_dumpf(mailboxes, stdout, JSON_INDENT(2));
		putchar('\n');
		return;
	}
	printf("%-*s %10s %12s  %s\n", (int)columns, "MAILBOX", "MESSAGES",
		"SIZE", "STATE");
	json_array_foreach(mailboxes, index, mailbox)
		print_mailbox(mailbox, columns);
}

int
mailbox_list(struct arguments *arguments)
{
	json_t *names = json_array(), *mailboxes = json_array();
	int fd = connect_control(&arguments->settings, "control.sock");
	struct store *store = NULL;
	int code = mailbox_names(arguments, names);

	if (code == EX_OK && fd < 0)
		code = open_store(&arguments->settings, &store);
	if (code == EX_OK)
		code = query_all(
			fd, store, names, mailboxes, arguments->is_json);
	if (code == EX_OK)
		print(mailboxes, arguments->is_json);
	if (store)
		store->ops->free(&store);
	if (fd >= 0)
		close(fd);
	json_decref(names);
	json_decref(mailboxes);
	return code;
}
