/* SPDX-License-Identifier: ISC */
/* restante import-state: what another program collected is not collected again. */
#include "base/buffer.h"
#include "collect/importing.h"
#include "programs/restante/command.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define PIECE_OCTETS 65536
#define SHOWN	     5 /* mailboxes of a file that has not the right one */

struct import {
	const struct arguments *arguments;
	const struct collect_account *account;
	enum import_program program;
	const char *file;
	struct buffer text;
	char mailbox[IMPORT_MAILBOX_SIZE]; /* what is taken; "": the only one */
	char others[SHOWN][IMPORT_MAILBOX_SIZE];
	size_t other_count, candidates;
	bool has_wanted; /* --mailbox is one of them */
	struct message_key *keys;
	size_t count, room;
};

static int
read_file(struct import *import)
{
	int fd = open(import->file, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : 1;
	bool has_room = true;

	while (got > 0) {
		unsigned char *to = buffer_reserve(&import->text, PIECE_OCTETS);

		has_room = to != NULL;
		got = to ? read(fd, to, PIECE_OCTETS) : 0;
		if (got > 0)
			buffer_grow(&import->text, (size_t)got);
	}
	if (got < 0)
		complain(0, "%s: %s", import->file, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (!has_room)
		return complain(EX_DATAERR, "%s is larger than %u MiB",
			import->file, IMPORT_FILE_MAXIMUM_OCTETS >> 20);
	return got < 0 ? EX_NOINPUT : EX_OK;
}

/* ---- whose ---- */

/* The account's user, at a host without an "@". */
static bool
is_candidate(const struct import *import, const char *mailbox)
{
	const char *user = account_user(import->account);
	size_t octets = strlen(user);

	return strncmp(mailbox, user, octets) == 0 && mailbox[octets] == '@' &&
	       !strchr(mailbox + octets + 1, '@');
}

static bool
has_host(const struct import *import, const char *mailbox)
{
	return strcmp(strrchr(mailbox, '@') + 1, import->account->host) == 0;
}

/* One of the account's user; that at the account's host before another. */
static bool
look_at(const char *mailbox, struct bytes uidl, void *context)
{
	struct import *import = context;
	const char *wanted = import->arguments->mailbox;

	if (wanted && strcmp(mailbox, wanted) == 0)
		import->has_wanted = true;
	if (strcmp(mailbox, import->mailbox) == 0)
		return true;
	for (size_t i = 0; i < import->other_count; i++)
		if (strcmp(import->others[i], mailbox) == 0)
			return true;
	if (import->other_count < SHOWN)
		snprintf(import->others[import->other_count++],
			IMPORT_MAILBOX_SIZE, "%s", mailbox);
	if (!is_candidate(import, mailbox))
		return true;
	if (import->mailbox[0] && has_host(import, import->mailbox))
		return true;
	import->candidates =
		has_host(import, mailbox) ? 1 : import->candidates + 1;
	snprintf(import->mailbox, IMPORT_MAILBOX_SIZE, "%s", mailbox);
	return true;
}

static int
complain_of_mailboxes(const struct import *import)
{
	char list[SHOWN * (IMPORT_MAILBOX_SIZE + 2)] = "";
	const char *wanted = import->arguments->mailbox;
	size_t used = 0;

	for (size_t i = 0; i < import->other_count; i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used,
			"%s%s", i > 0 ? ", " : "", import->others[i]);
	return complain(EX_DATAERR,
		"%s has %s for %s; it is of %s%s; --mailbox says which one to "
		"take",
		import->file,
		!wanted && import->candidates > 1 ? "several mailboxes"
						  : "no mailbox",
		wanted ? wanted : account_user(import->account), list,
		import->other_count == SHOWN ? " and perhaps others" : "");
}

static int
choose_mailbox(struct import *import)
{
	const char *wanted = import->arguments->mailbox;
	unsigned line;

	if (!import_parse(import->program, buffer_bytes(&import->text), look_at,
		    import, &line))
		return complain(EX_DATAERR,
			"%s:%u: this is no line of %s's; is it the right file?",
			import->file, line, import->arguments->from);
	if (import->other_count > 0 &&
		!(wanted ? import->has_wanted : import->candidates == 1))
		return complain_of_mailboxes(import);
	if (wanted)
		snprintf(import->mailbox, IMPORT_MAILBOX_SIZE, "%s", wanted);
	return EX_OK;
}

/* ---- what ---- */

static bool
take(const char *mailbox, struct bytes uidl, void *context)
{
	struct import *import = context;

	if (mailbox[0] && strcmp(mailbox, import->mailbox) != 0)
		return true;
	if (import->count == import->room) {
		size_t room = import->room ? 2 * import->room : 1024;
		struct message_key *keys =
			reallocarray(import->keys, room, sizeof(*keys));

		if (!keys)
			return false;
		import->keys = keys;
		import->room = room;
	}
	import->keys[import->count++] = (struct message_key){uidl, 0};
	return true;
}

static int
take_all(struct import *import)
{
	unsigned line;

	if (import_parse(import->program, buffer_bytes(&import->text), take,
		    import, &line))
		return EX_OK;
	if (line == 0)
		return complain(EX_OSERR, "no memory");
	return complain(EX_DATAERR,
		"%s:%u: this is no line of %s's; is it the right file?",
		import->file, line, import->arguments->from);
}

static int
enter(struct import *import)
{
	struct ledger *ledger = open_ledger(import->arguments);
	enum outcome outcome = OK;
	size_t news = 0;

	if (!ledger)
		return EX_CANTCREAT;
	outcome = ledger_import(ledger, import->account->name, import->keys,
		import->count, &news);
	ledger_close(&ledger);
	if (outcome != OK)
		return complain(code_of_outcome(outcome),
			"the ledger cannot be changed: %s",
			outcome_name(outcome));
	printf("%s: %zu message%s of %s will not be collected; %zu of them "
	       "were known\n",
		import->account->name, import->count,
		import->count == 1 ? "" : "s", import->arguments->from,
		import->count - news);
	return EX_OK;
}

int
import_state(struct arguments *arguments)
{
	struct import import = {
		.arguments = arguments,
		.file = arguments->operands.at[0],
		.account = collect_settings_find(
			&arguments->settings, arguments->operands.at[1]),
	};
	int code = EX_OK;

	if (!arguments->from ||
		!import_program_of(arguments->from, &import.program))
		return complain(EX_USAGE,
			"--from takes fetchmail, getmail, mpop or fdm");
	if (!import.account)
		return complain(EX_USAGE,
			"there is no account %s; \"restante account list\" "
			"shows what there is",
			arguments->operands.at[1]);
	buffer_init(&import.text, IMPORT_FILE_MAXIMUM_OCTETS);
	code = read_file(&import);
	if (code == EX_OK)
		code = choose_mailbox(&import);
	if (code == EX_OK)
		code = take_all(&import);
	if (code == EX_OK)
		code = enter(&import);
	free(import.keys);
	buffer_release(&import.text);
	return code;
}
