/* SPDX-License-Identifier: ISC */
#include "store/maildir/delivery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/maildir/index_file.h"
#include "store/maildir/quota.h"
#include "store/maildir/ready.h"
#include "store/uidl.h"

/* What a message says of itself in the index. */
struct entry {
	struct index_content content; /* first */
	struct file_name name;
	struct index_message message;
	const char *uidl;
};

static bool
write_entry(struct index_content *content, struct index_writer *writer,
	struct index_trailer *trailer)
{
	struct entry *entry = (struct entry *)content;
	unsigned char encoded[NAMES_ENTRY_OCTETS];

	entry->message.names_offset = index_writer_names(
		writer, bytes_of(encoded, names_encode(&entry->name, encoded)));
	index_writer_message(
		writer, &entry->message, bytes_of_string(entry->uidl));
	trailer->count++;
	trailer->octets += entry->message.octets;
	/* The directory's time has changed: others may have changed it too. */
	trailer->flags = 0;
	return true;
}

/* The first message of a mailbox that has no index yet makes one, so that the
   mail that follows need not be read again at the first login. */
static void
prepare_index(struct mailbox *mailbox)
{
	struct index_view *view = NULL;
	enum outcome outcome;
	int fd = -1;

	if (mailbox->index.is_loaded)
		return;
	outcome = index_file_open(mailbox, &fd);
	mailbox->files->close(mailbox->files, &fd);
	if (outcome != ERR_GONE)
		return;
	if (mailbox_ready(mailbox, true, &view) == OK)
		index_view_free(mailbox->files, &view);
}

/* The message is safe whatever happens here: what the index lacks is found by
   the next open. */
static void
add_to_index(struct delivery *delivery)
{
	struct mailbox *mailbox = delivery->mailbox;
	struct entry entry = {
		.content.write = write_entry,
		.name = delivery->name,
		.message = index_message_of_measure(&delivery->measure),
		.uidl = delivery->uidl,
	};

	if (index_file_append(mailbox, &entry.content) != OK)
		mailbox->must_scan = true;
}

static void
count_arriving(struct delivery *delivery)
{
	delivery->mailbox->arriving_messages++;
	delivery->mailbox->arriving_octets += delivery->measure.octets;
	delivery->is_arriving = true;
}

static enum outcome
name_it(struct delivery *delivery)
{
	unsigned char digest[UIDL_DIGEST_OCTETS];
	char text[NAME_MAXIMUM_OCTETS + 1];

	count_arriving(delivery);
	snprintf(text, sizeof(text), "%.*s,S=%" PRIu64 ",W=%" PRIu64, 200,
		delivery->base, delivery->measure.stored_octets,
		delivery->measure.octets);
	if (!file_name_set(&delivery->name, DIRECTORY_NEW, text))
		return ERR_BROKEN;
	if (!uidl_digest(bytes_of_string(delivery->base), digest))
		return ERR_TRY_LATER;
	uidl_print(digest, delivery->uidl);
	return OK;
}

enum outcome
delivery_finish(struct delivery *delivery, bool may_scan)
{
	if (delivery->outcome != OK || delivery->is_finished)
		return delivery->outcome;
	measure_end(&delivery->measure);
	delivery->outcome = quota_check(delivery->mailbox, &delivery->quota,
		delivery->measure.octets, may_scan);
	if (delivery->outcome != OK)
		return delivery->outcome;
	delivery->outcome = name_it(delivery);
	delivery->is_finished = true;
	return delivery->outcome;
}

bool
delivery_finish_held(struct delivery *delivery)
{
	return delivery_is_held(delivery) && delivery->quota.octets == 0 &&
	       delivery->quota.messages == 0 &&
	       delivery_finish(delivery, false) == OK;
}

/* From tmp/ to new/. */
static enum outcome
publish(struct delivery *delivery)
{
	struct mailbox *mailbox = delivery->mailbox;
	struct files *files = mailbox->files;
	char from[DELIVERY_TMP_PATH_OCTETS], to[FILE_NAME_PATH_OCTETS];
	int error;

	delivery_tmp_path(delivery, from);
	file_name_path(&delivery->name, to);
	watch_expect(mailbox->watch, DIRECTORY_NEW, CHANGE_ARRIVES,
		delivery->name.text);
	error = files->rename(files, mailbox->root, from, mailbox->root, to);
	if (error == 0)
		files->close(files, &delivery->descriptor);
	else
		mailbox_trouble(mailbox, "new", error);
	if (error != 0)
		watch_spoil(mailbox->watch);
	return outcome_of_errno(-error);
}

/* Refused: then it must not be there after a power cut either. */
static enum outcome
sync_new(struct delivery *delivery)
{
	struct mailbox *mailbox = delivery->mailbox;
	char path[FILE_NAME_PATH_OCTETS];
	enum outcome outcome = mailbox_sync_directory(mailbox, "new");

	if (outcome == OK)
		return OK;
	file_name_path(&delivery->name, path);
	(void)mailbox->files->unlink(mailbox->files, mailbox->root, path);
	(void)mailbox_sync_directory(mailbox, "new");
	mailbox->must_scan = true;
	return outcome;
}

static void
tell_uidl(
	const struct delivery *delivery, char out_uidl[UIDL_MAXIMUM_OCTETS + 1])
{
	memcpy(out_uidl, delivery->uidl, sizeof(delivery->uidl));
}

static enum outcome
store_plainly(struct delivery *delivery)
{
	struct files *files = delivery->mailbox->files;
	enum outcome outcome = delivery->outcome;

	if (outcome == OK)
		outcome = delivery_spill(delivery);
	if (outcome == OK)
		outcome = outcome_of_errno(
			-files->sync(files, delivery->descriptor));
	if (outcome == OK)
		outcome = mailbox_enter_root(delivery->mailbox);
	if (outcome != OK)
		return outcome;
	prepare_index(delivery->mailbox);
	outcome = publish(delivery);
	if (outcome == OK)
		outcome = sync_new(delivery);
	return outcome;
}

enum outcome
delivery_commit(
	struct delivery *delivery, char out_uidl[UIDL_MAXIMUM_OCTETS + 1])
{
	enum outcome outcome = store_plainly(delivery);

	if (outcome == OK) {
		add_to_index(delivery);
		tell_uidl(delivery, out_uidl);
	}
	delivery_abort(delivery);
	return outcome;
}

bool
delivery_is_quick(const struct delivery *delivery)
{
	return delivery->mailbox->index.is_loaded;
}

enum outcome
delivery_place(
	struct delivery *delivery, char out_uidl[UIDL_MAXIMUM_OCTETS + 1])
{
	enum outcome outcome = mailbox_open_root(delivery->mailbox, true);

	/* Another file system has been mounted there since it began. */
	if (outcome == OK && !mailbox_ask_device(delivery->mailbox))
		return delivery_commit(delivery, out_uidl);
	if (outcome == OK)
		outcome = delivery_spill(delivery);
	if (outcome == OK) {
		prepare_index(delivery->mailbox);
		outcome = publish(delivery);
	}
	if (outcome == OK) {
		add_to_index(delivery);
		tell_uidl(delivery, out_uidl);
	}
	delivery_abort(delivery);
	return outcome;
}
