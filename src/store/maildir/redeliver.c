/* SPDX-License-Identifier: ISC */
#include "store/maildir/redeliver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/maildir/journal.h"
#include "store/maildir/listing.h"
#include "store/maildir/uidls.h"

#define TMP_PATH_OCTETS (4 + NAME_MAXIMUM_OCTETS + 1)

struct redelivery {
	const struct maildir_settings *settings;
	struct delivery_log *log;
	bool is_same_boot, may_make;
	bool must_sync; /* each file that is written anew */
	unsigned records;
	enum outcome outcome; /* the first failure */
	/* Of the mailbox in hand; kept, since records of one come together. */
	struct mailbox mailbox;
	bool has_mailbox, has_listing, has_uidls;
	struct listing listing;
	struct journal deleted;
	struct uidls uidls;
};

static void
leave(struct redelivery *r)
{
	if (!r->has_mailbox)
		return;
	mailbox_end(&r->mailbox);
	if (r->has_uidls)
		uidls_release(&r->uidls);
	journal_release(&r->deleted);
	listing_release(&r->listing);
	r->has_mailbox = r->has_listing = r->has_uidls = false;
}

struct counted {
	struct bytes mailbox;
	uint32_t messages;
};

static enum outcome
count_one(void *context, const struct delivery_record *record)
{
	struct counted *counted = context;

	counted->messages += bytes_equal(record->mailbox, counted->mailbox);
	return OK;
}

/* A power cut may take a new Maildir, but not more messages than the journal
   holds: these are synced, and the Maildir with them. */
static bool
may_have_been_lost(struct redelivery *r)
{
	struct counted counted = {bytes_of_string(r->mailbox.name), 0};

	return !r->mailbox.index.is_loaded ||
	       (delivery_log_read(r->log, count_one, &counted) == OK &&
		       r->mailbox.index.trailer.count <= counted.messages);
}

static enum outcome
open_root(struct redelivery *r)
{
	enum outcome outcome;

	r->mailbox.may_be_gone = r->is_same_boot;
	outcome = mailbox_open_root(&r->mailbox, r->may_make);
	if (outcome != ERR_TRY_LATER || r->is_same_boot ||
		!may_have_been_lost(r))
		return outcome;
	r->mailbox.may_be_gone = true;
	return mailbox_open_root(&r->mailbox, r->may_make);
}

static enum outcome
enter(struct redelivery *r, struct bytes name)
{
	char text[STORE_MAILBOX_MAXIMUM_OCTETS];
	enum outcome outcome;

	if (!bytes_to_string(name, text, sizeof(text)))
		return ERR_BROKEN;
	if (r->has_mailbox && !strcmp(r->mailbox.name, text))
		return OK;
	leave(r);
	outcome = mailbox_init(&r->mailbox, r->settings, text);
	if (outcome != OK)
		return outcome;
	r->has_mailbox = true;
	outcome = open_root(r);
	if (outcome == OK)
		outcome = journal_read(&r->mailbox, &r->deleted);
	journal_sort(&r->deleted);
	if (outcome == OK)
		outcome = uidls_open(&r->uidls, &r->mailbox);
	r->has_uidls = outcome == OK;
	/* The next message of it must not go on with a half of this. */
	if (outcome != OK)
		leave(r);
	return outcome;
}

/* Where it is now; others may have moved it, and set flags. */
static enum outcome
find(struct redelivery *r, struct file_name *name, bool *out_is_there)
{
	struct files *files = r->mailbox.files;
	const struct listing_entry *entry;
	char path[FILE_NAME_PATH_OCTETS];
	struct stat status;
	enum outcome outcome = OK;

	file_name_path(name, path);
	*out_is_there =
		files->stat_at(files, r->mailbox.root, path, &status) == 0;
	if (*out_is_there)
		return OK;
	if (!r->has_listing)
		outcome = listing_scan(&r->listing, files, r->mailbox.root);
	if (outcome != OK)
		return outcome;
	r->has_listing = true;
	entry = listing_find(&r->listing, file_name_base(name));
	if (entry)
		listing_name(&r->listing, entry, name);
	*out_is_there = entry != NULL;
	return OK;
}

enum content {
	CONTENT_WHOLE,
	CONTENT_TORSO,
	CONTENT_LONGER, /* not of a power cut */
	CONTENT_UNREADABLE,
};

static enum content
read_content(struct redelivery *r, const struct file_name *name,
	struct bytes message)
{
	struct files *files = r->mailbox.files;
	unsigned char *octets = malloc(message.octets + 1);
	char path[FILE_NAME_PATH_OCTETS];
	enum content content = CONTENT_UNREADABLE;
	ssize_t n = -1;
	int fd;

	file_name_path(name, path);
	fd = files->open(files, r->mailbox.root, path, O_RDONLY, 0);
	if (fd >= 0 && octets)
		n = files_read_all(files, fd, octets, message.octets + 1, 0);
	files->close(files, &fd);
	if (n > (ssize_t)message.octets)
		content = CONTENT_LONGER;
	else if (n >= 0)
		content = bytes_equal(bytes_of(octets, (size_t)n), message)
				  ? CONTENT_WHOLE
				  : CONTENT_TORSO;
	free(octets);
	return content;
}

static enum outcome
was_deleted(struct redelivery *r, const struct file_name *name, bool *out)
{
	unsigned char digest[UIDL_DIGEST_OCTETS];
	char uidl[UIDL_MAXIMUM_OCTETS + 1];
	struct journal_entry ignored;
	enum uidls_kind kind;
	enum outcome outcome;

	if (!uidl_digest(file_name_base(name), digest))
		return ERR_TRY_LATER;
	outcome = uidls_find(&r->uidls, digest, &kind, uidl);
	if (outcome == OK)
		*out = kind == UIDLS_GONE ||
		       (r->deleted.count > 0 &&
			       journal_find(&r->deleted, digest, &ignored));
	return outcome;
}

static enum outcome
make(struct redelivery *r, const struct file_name *name, struct bytes message)
{
	struct files *files = r->mailbox.files;
	char from[TMP_PATH_OCTETS], to[FILE_NAME_PATH_OCTETS];
	int root = r->mailbox.root;
	int fd, error;

	snprintf(from, sizeof(from), "tmp/%.*s", (int)name->base_octets,
		name->text);
	file_name_path(name, to);
	(void)files->unlink(files, root, from);
	fd = files->open(files, root, from, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return outcome_of_errno(-fd);
	error = files_write_all(files, fd, message, 0);
	if (error == 0)
		error = files->sync(files, fd);
	files->close(files, &fd);
	if (error == 0)
		error = files->rename(files, root, from, root, to);
	if (error != 0)
		(void)files->unlink(files, root, from);
	return outcome_of_errno(-error);
}

static int
remove_file(struct redelivery *r, const struct file_name *name)
{
	char path[FILE_NAME_PATH_OCTETS];

	file_name_path(name, path);
	return r->mailbox.files->unlink(
		r->mailbox.files, r->mailbox.root, path);
}

/* A power cut may have taken the removal, and the octets: what is left of them
   is no message. One that is whole may have come again. */
static enum outcome
settle_deleted(
	struct redelivery *r, struct file_name *name, struct bytes message)
{
	bool is_there = false;
	enum outcome outcome = find(r, name, &is_there);

	if (outcome != OK || !is_there ||
		read_content(r, name, message) != CONTENT_TORSO)
		return outcome;
	return outcome_of_errno(-remove_file(r, name));
}

static enum outcome
settle_kept(struct redelivery *r, struct file_name *name, struct bytes message)
{
	enum content content = CONTENT_UNREADABLE;
	bool is_there = false;
	enum outcome outcome = find(r, name, &is_there);

	if (outcome == OK && is_there)
		content = read_content(r, name, message);
	if (outcome != OK || content == CONTENT_WHOLE)
		return outcome;
	outcome = make(r, name, message);
	/* Nobody may take it for the message, and delete that. */
	if (outcome != OK && content != CONTENT_UNREADABLE)
		(void)remove_file(r, name);
	return outcome;
}

static enum outcome
settle(struct redelivery *r, const struct delivery_record *record)
{
	char text[NAME_MAXIMUM_OCTETS + 1];
	struct file_name name;
	bool is_deleted = false;
	enum outcome outcome = enter(r, record->mailbox);

	if (outcome != OK)
		return outcome;
	if (!bytes_to_string(record->name, text, sizeof(text)) ||
		bytes_has(record->name, '/') ||
		!file_name_set(&name, DIRECTORY_NEW, text))
		return ERR_BROKEN;
	/* First: the deletions that are still to be carried out go by the inode
	   of the file, torso or not. */
	outcome = was_deleted(r, &name, &is_deleted);
	if (outcome != OK)
		return outcome;
	return is_deleted ? settle_deleted(r, &name, record->message)
			  : settle_kept(r, &name, record->message);
}

/* ---- anew ---- */

/* -ENOENT: it has another name by now, or is gone. One that another program has
   made longer is its own. */
static int
rewrite_file(struct redelivery *r, const struct file_name *name,
	struct bytes message)
{
	struct files *files = r->mailbox.files;
	char path[FILE_NAME_PATH_OCTETS];
	struct stat status;
	int fd, error;

	file_name_path(name, path);
	fd = files->open(files, r->mailbox.root, path, O_WRONLY, 0);
	if (fd < 0)
		return fd;
	error = files->stat(files, fd, &status);
	if (error == 0 && (uint64_t)status.st_size <= message.octets)
		error = files_write_all(files, fd, message, 0);
	if (error == 0 && r->must_sync)
		error = files->sync(files, fd);
	files->close(files, &fd);
	return error;
}

static enum outcome
rewrite(struct redelivery *r, struct file_name *name, struct bytes message)
{
	int error = -ENOENT;

	for (unsigned tries = 0; tries < 3 && error == -ENOENT; tries++) {
		bool is_there = false;
		enum outcome outcome = find(r, name, &is_there);

		if (outcome != OK || !is_there)
			return outcome;
		error = rewrite_file(r, name, message);
		/* Renamed meanwhile: where to is not in a list of before. */
		listing_release(&r->listing);
		r->has_listing = false;
	}
	return error == -ENOENT ? OK : outcome_of_errno(-error);
}

static enum outcome
rewrite_one(void *context, const struct delivery_record *record)
{
	struct redelivery *r = context;
	char text[NAME_MAXIMUM_OCTETS + 1];
	struct file_name name;
	enum outcome outcome = enter(r, record->mailbox);

	if (outcome == ERR_DENIED)
		return OK; /* the mailbox is gone */
	if (outcome == OK &&
		(!bytes_to_string(record->name, text, sizeof(text)) ||
			!file_name_set(&name, DIRECTORY_NEW, text)))
		outcome = ERR_BROKEN;
	if (outcome == OK)
		outcome = rewrite(r, &name, record->message);
	return outcome;
}

enum outcome
redeliver_rewrite(
	struct delivery_log *log, const struct maildir_settings *settings)
{
	struct redelivery r = {.settings = settings,
		.log = log,
		.is_same_boot = true,
		.must_sync = true};
	enum outcome outcome = delivery_log_read(log, rewrite_one, &r);

	leave(&r);
	return outcome;
}

static enum outcome
redeliver_one(void *context, const struct delivery_record *record)
{
	struct redelivery *r = context;
	enum outcome outcome;

	r->records++;
	/* The process alone was killed: what it had acknowledged is in the page
	   cache, if no sync failed that it knew of, and what others did since
	   is not to be undone. */
	outcome = r->is_same_boot ? rewrite_one(r, record) : settle(r, record);
	if (r->outcome == OK)
		r->outcome = outcome;
	return OK;
}

enum outcome
redeliver(struct delivery_log *log, const struct maildir_settings *settings)
{
	struct files *files = settings->files;
	struct redelivery r = {
		.settings = settings,
		.log = log,
		.is_same_boot = log->boot == settings->boot,
		.may_make = log->boot != settings->boot,
	};
	enum outcome outcome = delivery_log_read(log, redeliver_one, &r);

	leave(&r);
	if (outcome == OK)
		outcome = r.outcome;
	if (outcome != OK || r.records == 0)
		return outcome;
	outcome = outcome_of_errno(
		-files->sync_file_system(files, settings->mail_root));
	if (outcome == OK)
		outcome = delivery_log_renew(log, settings->boot);
	return outcome;
}
