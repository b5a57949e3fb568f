/* SPDX-License-Identifier: ISC */
#include "store/maildir/mailbox.h"

#include <stdio.h>
#include <string.h>

/* As the Maildir convention has it. */
#define FOREIGN_SECONDS (36 * 3600)
#define TMP_PATH_OCTETS (4 + NAME_MAXIMUM_OCTETS + 1)

/* Ours: no delivery of this process is under way when it sweeps, and no other
   process of this host writes such names here. */
static bool
is_own(const struct mailbox *mailbox, const struct file_name *name)
{
	const char *hostname = mailbox->settings->hostname;
	struct bytes base = file_name_base(name);
	size_t octets = strlen(hostname);

	return file_name_is_own(name) && base.octets > octets &&
	       base.at[base.octets - octets - 1] == '.' &&
	       !memcmp(base.at + base.octets - octets, hostname, octets);
}

static bool
is_old(struct mailbox *mailbox, const char *path)
{
	struct files *files = mailbox->files;
	uint64_t now = files->now_ns(files) / 1000000000;
	struct stat status;

	if (files->stat_at(files, mailbox->root, path, &status) != 0 ||
		!S_ISREG(status.st_mode))
		return false;
	return (uint64_t)status.st_mtim.tv_sec + FOREIGN_SECONDS < now &&
	       (uint64_t)status.st_atim.tv_sec + FOREIGN_SECONDS < now;
}

struct sweep {
	struct mailbox *mailbox;
	uint32_t removed;
};

static bool
sweep_one(void *context, const char *text)
{
	struct sweep *sweep = context;
	struct mailbox *mailbox = sweep->mailbox;
	char path[TMP_PATH_OCTETS];
	struct file_name name;

	if (!file_name_set(&name, DIRECTORY_NEW, text))
		return true;
	snprintf(path, sizeof(path), "tmp/%s", text);
	if (((!mailbox->is_swept && is_own(mailbox, &name)) ||
		    is_old(mailbox, path)) &&
		mailbox->files->unlink(mailbox->files, mailbox->root, path) ==
			0)
		sweep->removed++;
	return true;
}

uint32_t
mailbox_sweep_again(struct mailbox *mailbox)
{
	struct sweep sweep = {.mailbox = mailbox};

	/* What cannot be removed now harms nobody. */
	(void)mailbox->files->list(
		mailbox->files, mailbox->root, "tmp", sweep_one, &sweep);
	mailbox->is_swept = true;
	return sweep.removed;
}

void
mailbox_sweep(struct mailbox *mailbox)
{
	if (!mailbox->is_swept)
		(void)mailbox_sweep_again(mailbox);
}
