/* SPDX-License-Identifier: ISC */
/* restantectl mailbox import-uidls: what another server called the messages. */
#include "base/file.h"
#include "programs/restantectl/mailbox.h"
#include "store/maildir/import.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#define LIST_MAXIMUM_OCTETS (1u << 30)

static int
read_list(const struct arguments *arguments, struct buffer *text,
	struct uidlist *list)
{
	const char *path = arguments->operands.at[1];
	const char *format =
		arguments->format ? arguments->format : UIDLIST_DOVECOT_FORMAT;
	char error[UIDLIST_ERROR_SIZE];
	enum outcome outcome;

	if (!file_read(path, text))
		return complain(EX_NOINPUT, "%s: %s", path, strerror(errno));
	outcome = uidlist_read(buffer_bytes(text), format, list, error);
	return outcome == OK
		       ? EX_OK
		       : complain(outcome == ERR_PEER ? EX_DATAERR : EX_OSERR,
				 "%s: %s", path, error);
}

static int
import(const struct arguments *arguments, const char *name,
	const struct uidlist *list, struct maildir_import *out)
{
	struct store_options options = {.mail_root = -1, .state_root = -1};
	int code = mailbox_open_mail(&arguments->settings, &options);
	enum outcome outcome;

	if (code == EX_OK)
		code = mailbox_lock_mail(&arguments->settings, &options);
	if (code != EX_OK)
		return code;
	outcome = maildir_import_uidls(&options, name, list, out);
	if (outcome == OK)
		return EX_OK;
	if (outcome == ERR_DENIED)
		return complain(EX_NOINPUT, "%s has no Maildir here", name);
	if (outcome == ERR_PEER)
		return complain(EX_DATAERR,
			"%s: another message has one of these UIDLs; nothing "
			"was noted",
			name);
	if (outcome == ERR_BROKEN)
		return complain(
			EX_DATAERR, "%s: what is there is no Maildir", name);
	return complain(EX_TEMPFAIL, "%s: it cannot be done now (%s)", name,
		outcome_name(outcome));
}

static void
print(const char *name, const struct maildir_import *done, bool is_json)
{
	if (is_json) {
		json_t *value = json_pack("{s:s, s:I, s:I, s:I, s:I}",
			"mailbox", name, "count", (json_int_t)done->messages,
			"given", (json_int_t)done->given, "kept",
			(json_int_t)done->kept, "absent",
			(json_int_t)done->absent);

		json_dumpf(value, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(value);
		return;
	}
	printf("%s: %u of %u messages have the UIDL that the list says\n", name,
		done->given, done->messages);
	if (done->kept > 0)
		printf("  %u keep one that was noted before\n", done->kept);
	if (done->absent > 0)
		printf("  %u in the list are not there any more\n",
			done->absent);
}

int
mailbox_import_uidls(struct arguments *arguments)
{
	struct buffer text;
	struct uidlist list = UIDLIST_EMPTY;
	struct maildir_import done;
	json_t *names = json_array();
	int code = EX_OK;

	buffer_init(&text, LIST_MAXIMUM_OCTETS);
	if (arguments->settings.store != STORE_MAILDIR)
		code = complain(EX_UNAVAILABLE,
			"only a Maildir can be given UIDLs, and the settings "
			"say store = %s",
			server_settings_store(&arguments->settings));
	if (code == EX_OK)
		code = read_list(arguments, &text, &list);
	if (code == EX_OK)
		code = mailbox_names(arguments, names);
	if (code == EX_OK) {
		const char *name = json_string_value(json_array_get(names, 0));

		code = import(arguments, name, &list, &done);
		if (code == EX_OK)
			print(name, &done, arguments->is_json);
	}
	uidlist_release(&list);
	buffer_release(&text);
	json_decref(names);
	return code;
}
