/* SPDX-License-Identifier: ISC */
#include "store/maildir/ready.h"

#include <errno.h>
#include <string.h>

#include "store/maildir/journal.h"
#include "store/maildir/listing.h"
#include "store/maildir/uidls.h"

/* A failure that trying again does not mend must not lock the user out. */
static bool
is_lasting(int error)
{
	return error == -EACCES || error == -EPERM || error == -EROFS;
}

static int
unlink_entry(struct mailbox *mailbox, const struct journal *journal,
	const struct file_name *name)
{
	unsigned char digest[UIDL_DIGEST_OCTETS];
	char path[FILE_NAME_PATH_OCTETS];
	struct journal_entry entry;
	struct stat status;
	int error;

	if (!uidl_digest(file_name_base(name), digest))
		return -ENOMEM;
	if (!journal_find(journal, digest, &entry))
		return 0;
	file_name_path(name, path);
	error = mailbox->files->stat_at(
		mailbox->files, mailbox->root, path, &status);
	if (error == 0 && status.st_ino == entry.inode)
		error = mailbox->files->unlink(
			mailbox->files, mailbox->root, path);
	return error == -ENOENT ? 0 : error;
}

static enum outcome
unlink_all(struct mailbox *mailbox, const struct journal *journal)
{
	struct listing listing = LISTING_EMPTY;
	enum outcome outcome = mailbox_scan(mailbox, &listing);

	for (uint32_t i = 0; i < listing.count && outcome == OK; i++) {
		struct file_name name;
		int error;

		listing_name(&listing, &listing.entries[i], &name);
		error = unlink_entry(mailbox, journal, &name);
		if (is_lasting(error))
			mailbox_notice(mailbox,
				"%s, deleted at QUIT, cannot be removed (%s)",
				name.text, strerror(-error));
		else if (error != 0)
			outcome = outcome_of_errno(-error);
	}
	listing_release(&listing);
	if (outcome == OK)
		outcome = mailbox_sync_directory(mailbox, "new");
	if (outcome == OK)
		outcome = mailbox_sync_directory(mailbox, "cur");
	return outcome;
}

static enum outcome
bury_all(struct mailbox *mailbox, const struct journal *journal)
{
	struct uidls uidls;
	enum outcome outcome = uidls_open(&uidls, mailbox);

	if (outcome != OK)
		return outcome;
	for (uint32_t i = 0; i < journal->count && outcome == OK; i++) {
		struct journal_entry entry;

		journal_get(journal, i, &entry);
		if (entry.may_come_again)
			outcome = uidls_bury(&uidls, entry.digest);
	}
	if (outcome == OK)
		outcome = uidls_sync(&uidls);
	uidls_release(&uidls);
	return outcome;
}

/* The record stays until everything of it is done; replaying it at every open
   until then does no harm. */
static enum outcome
replay(struct mailbox *mailbox, struct journal *journal)
{
	enum outcome outcome;

	mailbox->must_scan = true;
	journal_sort(journal);
	outcome = unlink_all(mailbox, journal);
	if (outcome != OK)
		return outcome;
	if (bury_all(mailbox, journal) == OK &&
		journal_clear(mailbox, true) == OK)
		mailbox->is_replayed = true;
	return OK;
}

enum outcome
mailbox_replay(struct mailbox *mailbox)
{
	struct journal journal;
	enum outcome outcome;

	if (mailbox->is_replayed)
		return OK;
	outcome = journal_read(mailbox, &journal);
	if (outcome != OK)
		return outcome;
	if (journal.count > 0)
		outcome = replay(mailbox, &journal);
	else
		mailbox->is_replayed = true;
	journal_release(&journal);
	return outcome;
}
