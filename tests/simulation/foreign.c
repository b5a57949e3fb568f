/* SPDX-License-Identifier: ISC */
#include "foreign.h"
#include "chance.h"
#include "clock.h"
#include "collector.h"
#include "model.h"
#include "office.h"
#include "trace.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define NAME_OCTETS 256
#define PATH_OCTETS 400

#define NAME  "1790000000.M%u.elsewhere"
#define NAMES 64

static struct letter *owners[MAILBOXES][NAMES];

void
foreign_begin(void)
{
	memset(owners, 0, sizeof(owners));
}

/* ---- finding a file ---- */

struct pick {
	unsigned count;
	char name[NAME_OCTETS];
};

static bool
pick_one(void *context, const char *name)
{
	struct pick *pick = context;

	if (chance_one_in(++pick->count))
		snprintf(pick->name, sizeof(pick->name), "%s", name);
	return true;
}

/* A file of a Maildir; false when it is empty there. */
static bool
pick_file(struct files *files, const char *maildir, const char *part,
	char out_name[NAME_OCTETS])
{
	struct pick pick = {0};
	char path[PATH_OCTETS];

	snprintf(path, sizeof(path), "%s/%s", maildir, part);
	if (files->list(files, AT_FDCWD, path, pick_one, &pick) != 0 ||
		pick.count == 0)
		return false;
	memcpy(out_name, pick.name, NAME_OCTETS);
	return true;
}

static struct letter *
letter_in(struct files *files, const char *path)
{
	char head[32] = "";
	unsigned number;
	int fd = files->open(files, AT_FDCWD, path, O_RDONLY, 0);

	if (fd < 0)
		return NULL;
	(void)files_read_all(files, fd, head, sizeof(head) - 1, 0);
	files->close(files, &fd);
	/* A number that is too large is no letter's.
	   NOLINTNEXTLINE(cert-err34-c) */
	if (sscanf(head, "X-Letter: %u", &number) != 1 ||
		number >= letter_count())
		return NULL;
	return letter_at(number);
}

/* ---- what they do ---- */

static void
sync_part(struct files *files, const char *maildir, const char *part)
{
	char path[PATH_OCTETS];
	int fd;

	snprintf(path, sizeof(path), "%s/%s/.", maildir, part);
	fd = files->open(files, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0)
		(void)files->sync(files, fd);
	files->close(files, &fd);
}

/* A base name comes again once what had it was deleted by QUIT. */
static bool
is_free(struct files *files, const char *maildir, unsigned mailbox,
	unsigned number)
{
	const struct letter *owner = owners[mailbox][number];
	char path[PATH_OCTETS];
	struct stat status;

	if (owner && owner->fate != DELETED && owner->fate != LEAVING)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s/" NAME "%s", maildir,
			i ? "cur" : "new", number, i ? ":2,S" : "");
		if (files->stat_at(files, AT_FDCWD, path, &status) == 0)
			return false;
	}
	return true;
}

static unsigned
choose_name(struct files *files, const char *maildir, unsigned mailbox)
{
	unsigned number = (unsigned)chance_below(4);

	while (number < NAMES && !is_free(files, maildir, mailbox, number))
		number++;
	return number;
}

static void
deliver(struct files *files, const char *maildir, unsigned mailbox)
{
	unsigned number = choose_name(files, maildir, mailbox);
	struct letter *letter;
	char name[NAME_OCTETS], from[PATH_OCTETS], to[PATH_OCTETS];
	bool is_synced = chance_one_in(2);
	int fd;

	if (number == NAMES)
		return;
	letter = letter_new(mailbox, true);
	owners[mailbox][number] = letter;
	snprintf(name, sizeof(name), NAME, number);
	snprintf(from, sizeof(from), "%s/tmp/%s", maildir, name);
	snprintf(to, sizeof(to), "%s/new/%s", maildir, name);
	fd = files->open(files, AT_FDCWD, from, O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		return;
	if (files_write_all(files, fd, letter->text, 0) == 0 &&
		files->sync(files, fd) == 0 &&
		files->rename(files, AT_FDCWD, from, AT_FDCWD, to) == 0) {
		if (is_synced) {
			/* Who made the Maildir may have died over it. */
			sync_part(files, "mail", ".");
			sync_part(files, maildir, ".");
			sync_part(files, maildir, "new");
			letter_accepted(letter);
		}
		trace("foreign", "puts letter %u into %s as %s%s",
			letter->number, maildir, name,
			is_synced ? ", synced" : "");
	} else {
		letter_refused(letter, true);
		(void)files->unlink(files, AT_FDCWD, from);
	}
	files->close(files, &fd);
}

/* With flags; one that is in cur gets others. */
static bool
mark_read(struct files *files, const char *maildir)
{
	char name[NAME_OCTETS], from[PATH_OCTETS], to[PATH_OCTETS];
	const char *part = chance_one_in(2) ? "cur" : "new";
	char *colon;

	if (!pick_file(files, maildir, part, name))
		return false;
	snprintf(from, sizeof(from), "%s/%s/%s", maildir, part, name);
	colon = strchr(name, ':');
	if (colon)
		*colon = '\0';
	snprintf(to, sizeof(to), "%s/cur/%s:2,S", maildir, name);
	if (strcmp(from, to) == 0)
		return false;
	trace("foreign", "renames %s to %s", from, to);
	(void)files->rename(files, AT_FDCWD, from, AT_FDCWD, to);
	if (chance_one_in(4))
		sync_part(files, maildir, "cur");
	return true;
}

static void
remove_one(struct files *files, const char *maildir, unsigned mailbox)
{
	char name[NAME_OCTETS], path[PATH_OCTETS];
	const char *part = chance_one_in(2) ? "cur" : "new";
	struct letter *letter;

	if (!pick_file(files, maildir, part, name))
		return;
	snprintf(path, sizeof(path), "%s/%s/%s", maildir, part, name);
	letter = letter_in(files, path);
	while (letter && letter->mailbox != mailbox)
		letter = letter_at(letter->number + 1);
	if (!letter)
		return;
	trace("foreign", "removes letter %u, %s", letter->number, path);
	if (letter->fate != DELETED)
		letter->fate = LOOSE;
	letter->was_removed = true;
	(void)files->unlink(files, AT_FDCWD, path);
}

void
foreign_act(unsigned mailbox)
{
	struct disk_process process;
	char maildir[64];

	disk_process_init(&process, office.disk);
	snprintf(maildir, sizeof(maildir), "mail/%s", mailbox_names[mailbox]);
	switch (chance_below(6)) {
	case 0:
		remove_one(&process.files, maildir, mailbox);
		break;
	case 1:
	case 2:
		deliver(&process.files, maildir, mailbox);
		break;
	default:
		mark_read(&process.files, maildir);
	}
}

void
foreign_read_collected(unsigned mailbox)
{
	struct disk_process process;
	char maildir[64];

	disk_process_init(&process, collector_disk);
	snprintf(maildir, sizeof(maildir), "Mail/%s", mailbox_names[mailbox]);
	mark_read(&process.files, maildir);
}
