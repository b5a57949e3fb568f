/* SPDX-License-Identifier: ISC */
#include "store/maildir/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/measure.h"
#include "store/maildir/index_file.h"
#include "store/maildir/listing.h"

#define READ_OCTETS 65536

struct check {
	struct mailbox *mailbox;
	struct listing listing;
	struct index_view *view;
	unsigned char *chunk;
	struct store_check_teller *teller;
	struct store_check *out;
};

static void
tell(struct check *check, const struct file_name *name, const char *what)
{
	check->out->wrong++;
	check->teller->wrong(check->teller, name->text, what);
}

static bool
measure_file(struct check *check, const struct file_name *name,
	struct measure *measure)
{
	struct files *files = check->mailbox->files;
	char path[FILE_NAME_PATH_OCTETS];
	ssize_t n = 0;
	int fd;

	file_name_path(name, path);
	fd = files->open(files, check->mailbox->root, path, O_RDONLY, 0);
	if (fd < 0)
		return false;
	measure_init(measure);
	while ((n = files->read_at(files, fd, check->chunk, READ_OCTETS,
			measure->stored_octets)) > 0)
		measure_put(measure, bytes_of(check->chunk, (size_t)n));
	measure_end(measure);
	files->close(files, &fd);
	return n == 0;
}

static void
compare(struct check *check, const struct file_name *name,
	const struct index_message *message)
{
	struct measure measure;
	struct index_message found;

	if (!measure_file(check, name, &measure)) {
		check->out->unreadable++;
		tell(check, name, "cannot be read");
		return;
	}
	found = index_message_of_measure(&measure);
	if (found.stored_octets != message->stored_octets)
		tell(check, name, "has another length than the index says");
	else if (found.octets != message->octets ||
		 found.header_octets != message->header_octets ||
		 found.flags != message->flags)
		tell(check, name, "was changed: the index says other octets");
}

static enum outcome
check_message(struct check *check, uint32_t index)
{
	struct index_message message;
	struct listing_entry *entry;
	struct file_name name;
	unsigned char uidl[UIDL_MAXIMUM_OCTETS];
	size_t octets;
	uint32_t number;
	enum outcome outcome;

	outcome = index_view_message(check->view, index, &number, &message);
	if (outcome == OK)
		outcome = index_view_name(check->view, &message, &name);
	if (outcome == OK)
		outcome = index_view_uidl(check->view, &message, uidl, &octets);
	if (outcome != OK)
		return outcome;
	entry = listing_find(&check->listing, file_name_base(&name));
	if (!entry) {
		tell(check, &name, "is in the index and has no file");
		return OK;
	}
	entry->is_known = true;
	listing_name(&check->listing, entry, &name);
	compare(check, &name, &message);
	return OK;
}

/* A server that runs may have changed both meanwhile. */
static bool
has_changed(struct check *check)
{
	uint32_t number = check->view->trailer_number;
	uint64_t generation = check->view->generation;
	int fd = -1;

	check->mailbox->index.is_loaded = false;
	if (index_file_open(check->mailbox, &fd) != OK)
		return true;
	check->mailbox->files->close(check->mailbox->files, &fd);
	return check->mailbox->index.trailer_number != number ||
	       check->mailbox->index.generation != generation;
}

static enum outcome
open_view(struct check *check)
{
	struct mailbox *mailbox = check->mailbox;
	int index = -1, names = -1;
	enum outcome outcome = index_file_open(mailbox, &index);

	if (outcome == OK)
		outcome = index_file_open_names(
			mailbox, mailbox->index.generation, O_RDONLY, &names);
	if (outcome == OK)
		outcome = index_view_new(mailbox, &index, &names, &check->view);
	mailbox->files->close(mailbox->files, &index);
	return outcome;
}

static void
tell_progress(struct check *check, uint32_t done)
{
	uint32_t total = check->out->messages;

	mailbox_progress(check->mailbox, done, total);
	if (check->teller->progress)
		check->teller->progress(check->teller, done, total);
}

static enum outcome
check_index(struct check *check)
{
	enum outcome outcome = open_view(check);

	if (outcome == ERR_GONE)
		return OK; /* a cache: the next login makes it */
	if (outcome != OK)
		return outcome;
	check->out->has_index = true;
	check->out->messages = check->view->trailer.count;
	check->out->octets = check->view->trailer.octets;
	for (uint32_t i = 0; i < check->out->messages && outcome == OK; i++) {
		tell_progress(check, i);
		outcome = check_message(check, i);
	}
	check->out->has_changed = has_changed(check);
	return outcome;
}

static enum outcome
run(struct check *check)
{
	struct mailbox *mailbox = check->mailbox;
	enum outcome outcome = mailbox_open_root(mailbox, false);

	/* The files first: what is deleted later is told as a change. */
	if (outcome == OK)
		outcome = mailbox_scan(mailbox, &check->listing);
	if (outcome == OK)
		outcome = check_index(check);
	for (uint32_t i = 0; i < check->listing.count; i++)
		check->out->new_files += !check->listing.entries[i].is_known;
	return outcome;
}

enum outcome
maildir_check_mailbox(struct mailbox *mailbox,
	struct store_check_teller *teller, struct store_check *out)
{
	struct check check = {.mailbox = mailbox,
		.listing = LISTING_EMPTY,
		.teller = teller,
		.out = out};
	enum outcome outcome;

	check.chunk = malloc(READ_OCTETS);
	outcome = check.chunk ? run(&check) : ERR_TRY_LATER;
	index_view_free(mailbox->files, &check.view);
	listing_release(&check.listing);
	free(check.chunk);
	return outcome;
}

enum outcome
maildir_check(const struct store_options *options, const char *name,
	struct store_check_teller *teller, struct store_check *out)
{
	struct maildir_settings settings = {
		.files = &files_posix,
		.mail_root = options->mail_root,
		.state_root = options->state_root,
		.template = options->mail_template,
		.hostname = options->hostname,
	};
	struct mailbox mailbox;
	enum outcome outcome = mailbox_init(&mailbox, &settings, name);

	*out = (struct store_check){0};
	if (outcome != OK)
		return outcome;
	outcome = maildir_check_mailbox(&mailbox, teller, out);
	snprintf(out->trouble, sizeof(out->trouble), "%s",
		mailbox.notice ? mailbox.notice : "");
	mailbox_end(&mailbox);
	return outcome;
}
