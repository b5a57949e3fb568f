/* SPDX-License-Identifier: ISC */
/* restantectl mailbox check: indexes against Maildirs, beside the server. */
#include "programs/progress.h"
#include "programs/restantectl/mailbox.h"
#include "store/maildir/check.h"

#include <sysexits.h>

struct teller {
	struct store_check_teller teller; /* first */
	const char *mailbox;
	struct progress *progress;
	json_t *wrong;
};

static void
tell_wrong(
	struct store_check_teller *teller, const char *name, const char *what)
{
	json_array_append_new(((struct teller *)teller)->wrong,
		json_pack("{s:s, s:s}", "file", name, "what", what));
}

static void
tell_progress(struct store_check_teller *base, uint32_t done, uint32_t total)
{
	struct teller *teller = (struct teller *)base;

	progress_set(teller->progress, 0, teller->mailbox, 0, 0, done, total);
}

static const char *
error_of(enum outcome outcome, const struct store_check *found)
{
	if (found->trouble[0])
		return found->trouble;
	return outcome == ERR_BROKEN
		       ? "the index is damaged; the next login rebuilds it"
		       : outcome_name(outcome);
}

static json_t *
check_one(const struct store_options *options, const char *name,
	struct progress *progress)
{
	struct teller teller = {.teller = {tell_wrong, tell_progress},
		.mailbox = name,
		.progress = progress,
		.wrong = json_array()};
	json_t *wrong = teller.wrong;
	struct store_check found;
	enum outcome outcome =
		maildir_check(options, name, &teller.teller, &found);

	progress_end(progress, 0);
	/* No mailbox yet is an empty one. */
	if (outcome != OK && outcome != ERR_DENIED) {
		json_decref(wrong);
		return json_pack("{s:s, s:s}", "mailbox", name, "error",
			error_of(outcome, &found));
	}
	return json_pack("{s:s, s:I, s:I, s:I, s:b, s:b, s:o}", "mailbox", name,
		"count", (json_int_t)found.messages, "octets",
		(json_int_t)found.octets, "new_files",
		(json_int_t)found.new_files, "has_index", found.has_index,
		"has_changed", found.has_changed, "wrong", wrong);
}

static const char *
text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* False when something is wrong. */
static bool
is_good(const json_t *mailbox)
{
	return !text_of(mailbox, "error") &&
	       (json_array_size(json_object_get(mailbox, "wrong")) == 0 ||
		       json_is_true(json_object_get(mailbox, "has_changed")));
}

static void
print_one(const json_t *mailbox)
{
	json_t *wrong = json_object_get(mailbox, "wrong"), *one;
	const char *error = text_of(mailbox, "error");
	long long new_files = (long long)json_integer_value(
		json_object_get(mailbox, "new_files"));
	size_t index;

	printf("%s: ", text_of(mailbox, "mailbox"));
	if (error) {
		printf("%s\n", error);
		return;
	}
	printf("%lld messages in the index, %zu wrong, %lld new files%s\n",
		(long long)json_integer_value(
			json_object_get(mailbox, "count")),
		json_array_size(wrong), new_files,
		json_is_true(json_object_get(mailbox, "has_changed"))
			? " (it changed meanwhile: check again)"
			: "");
	json_array_foreach(wrong, index, one)
		printf("  %s %s\n", text_of(one, "file"), text_of(one, "what"));
}

static void
print(const json_t *mailboxes, bool is_json)
{
	size_t index;
	json_t *mailbox;

	if (is_json) {
		json_dumpf(mailboxes, stdout, JSON_INDENT(2));
		putchar('\n');
		return;
	}
	json_array_foreach(mailboxes, index, mailbox) print_one(mailbox);
}

/* EX_DATAERR when something is wrong with any of them. */
static int
check_all(const struct store_options *options, const json_t *names,
	json_t *mailboxes, bool is_quiet)
{
	struct progress *progress = progress_new(1, is_quiet);
	int code = progress ? EX_OK : complain(EX_OSERR, "no memory");
	size_t index;
	json_t *name;

	if (!progress)
		return code;
	json_array_foreach(names, index, name)
	{
		json_t *mailbox =
			check_one(options, json_string_value(name), progress);

		if (!is_good(mailbox))
			code = EX_DATAERR;
		json_array_append_new(mailboxes, mailbox);
	}
	progress_free(&progress);
	return code;
}

int
mailbox_check(struct arguments *arguments)
{
	json_t *names = json_array(), *mailboxes = json_array();
	struct store_options options = {.mail_root = -1, .state_root = -1};
	int code = mailbox_names(arguments, names);

	/* Only a Maildir has an index that could be wrong. */
	if (code == EX_OK && arguments->settings.store != STORE_MAILDIR)
		code = complain(EX_UNAVAILABLE,
			"there is no index to check with store = %s",
			server_settings_store(&arguments->settings));
	if (code == EX_OK)
		code = mailbox_open_mail(&arguments->settings, &options);
	if (code == EX_OK) {
		code = check_all(
			&options, names, mailboxes, arguments->is_json);
		print(mailboxes, arguments->is_json);
	}
	json_decref(names);
	json_decref(mailboxes);
	return code;
}
