/* SPDX-License-Identifier: ISC */
#include "store/maildir/delivery.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/maildir/refresh.h"
#include "store/uidl.h"

/* What is used of the host's name; leaves room for the rest of 255. */
#define HOSTNAME_OCTETS 128
#define TMP_PATH_OCTETS (4 + NAME_MAXIMUM_OCTETS + 1)

/* What ends a base name or a path becomes "_". */
static void
copy_hostname(const char *from, char out[HOSTNAME_OCTETS])
{
	size_t i = 0;

	for (; i < HOSTNAME_OCTETS - 1 && from[i]; i++) {
		unsigned char c = (unsigned char)from[i];
		bool is_plain = c > 0x20 && c < 0x7F && c != '/' && c != ':' &&
				c != ',';

		out[i] = is_plain ? from[i] : '_';
	}
	out[i] = '\0';
}

static int
make_base(struct delivery *delivery)
{
	struct files *files = delivery->mailbox->files;
	unsigned char random[UIDL_DIGEST_OCTETS];
	char printed[UIDL_OWN_OCTETS + 1];
	char hostname[HOSTNAME_OCTETS];
	int error = files->random(files, random, sizeof(random));

	if (error != 0)
		return error;
	uidl_print(random, printed);
	copy_hostname(delivery->mailbox->settings->hostname, hostname);
	snprintf(delivery->base, sizeof(delivery->base), "%" PRIu64 ".R%s.%s",
		files->now_ns(files) / 1000000000, printed,
		hostname[0] ? hostname : "localhost");
	return 0;
}

static void
tmp_path(const struct delivery *delivery, char out[TMP_PATH_OCTETS])
{
	snprintf(out, TMP_PATH_OCTETS, "tmp/%s", delivery->base);
}

static int
open_tmp(struct delivery *delivery)
{
	struct mailbox *mailbox = delivery->mailbox;
	struct files *files = mailbox->files;
	char path[TMP_PATH_OCTETS];
	int fd, error;

	tmp_path(delivery, path);
	fd = files->open(
		files, mailbox->root, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd != -ENOENT)
		return fd;
	error = files->mkdir(files, mailbox->root, "tmp", 0700);
	if (error != 0)
		return error;
	return files->open(
		files, mailbox->root, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
}

enum outcome
delivery_begin(struct delivery *delivery, struct mailbox *mailbox)
{
	enum outcome outcome = mailbox_open_root(mailbox, true);
	int error;

	*delivery = (struct delivery){.mailbox = mailbox, .descriptor = -1};
	measure_init(&delivery->measure);
	if (outcome != OK)
		return outcome;
	error = make_base(delivery);
	if (error == 0)
		error = open_tmp(delivery);
	if (error < 0)
		return outcome_of_errno(-error);
	delivery->descriptor = error;
	return OK;
}

enum outcome
delivery_write(struct delivery *delivery, struct bytes chunk)
{
	struct files *files = delivery->mailbox->files;
	int error;

	if (delivery->outcome != OK)
		return delivery->outcome;
	error = files_write_all(files, delivery->descriptor, chunk,
		delivery->measure.stored_octets);
	if (error == 0)
		measure_put(&delivery->measure, chunk);
	delivery->outcome = outcome_of_errno(-error);
	return delivery->outcome;
}

void
delivery_abort(struct delivery *delivery)
{
	struct files *files = delivery->mailbox->files;
	char path[TMP_PATH_OCTETS];

	if (delivery->descriptor < 0)
		return;
	files->close(files, &delivery->descriptor);
	tmp_path(delivery, path);
	(void)files->unlink(files, delivery->mailbox->root, path);
}

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
	int fd = -1;
	enum outcome outcome = index_file_open(mailbox, &fd);

	mailbox->files->close(mailbox->files, &fd);
	if (outcome != ERR_GONE)
		return;
	if (mailbox_ready(mailbox, true, &view) == OK)
		index_view_free(mailbox->files, &view);
}

/* The message is safe whatever happens here: what the index lacks is found by
   the next open. */
static void
add_to_index(struct delivery *delivery, const struct file_name *name,
	const char *uidl)
{
	struct mailbox *mailbox = delivery->mailbox;
	struct entry entry = {
		.content.write = write_entry,
		.name = *name,
		.message = index_message_of_measure(&delivery->measure),
		.uidl = uidl,
	};

	if (index_file_append(mailbox, &entry.content) != OK)
		mailbox->must_scan = true;
}

static enum outcome
publish(struct delivery *delivery, struct file_name *out_name)
{
	struct mailbox *mailbox = delivery->mailbox;
	struct files *files = mailbox->files;
	char text[NAME_MAXIMUM_OCTETS + 1];
	char from[TMP_PATH_OCTETS], to[FILE_NAME_PATH_OCTETS];
	enum outcome outcome;
	int error;

	snprintf(text, sizeof(text), "%.*s,S=%" PRIu64 ",W=%" PRIu64, 200,
		delivery->base, delivery->measure.stored_octets,
		delivery->measure.octets);
	if (!file_name_set(out_name, DIRECTORY_NEW, text))
		return ERR_BROKEN;
	tmp_path(delivery, from);
	file_name_path(out_name, to);
	error = files->rename(files, mailbox->root, from, mailbox->root, to);
	if (error != 0)
		return outcome_of_errno(-error);
	outcome = mailbox_sync_directory(mailbox, "new");
	if (outcome != OK) {
		(void)files->unlink(files, mailbox->root, to);
		mailbox->must_scan = true;
	}
	return outcome;
}

static enum outcome
store_message(struct delivery *delivery, char *out_uidl)
{
	struct mailbox *mailbox = delivery->mailbox;
	struct files *files = mailbox->files;
	unsigned char digest[UIDL_DIGEST_OCTETS];
	char uidl[UIDL_OWN_OCTETS + 1];
	struct file_name name;
	enum outcome outcome;
	int error;

	if (!uidl_digest(bytes_of_string(delivery->base), digest))
		return ERR_TRY_LATER;
	error = files->sync(files, delivery->descriptor);
	if (error != 0)
		return outcome_of_errno(-error);
	prepare_index(mailbox);
	outcome = publish(delivery, &name);
	if (outcome != OK)
		return outcome;
	files->close(files, &delivery->descriptor);
	uidl_print(digest, uidl);
	add_to_index(delivery, &name, uidl);
	memcpy(out_uidl, uidl, sizeof(uidl));
	return OK;
}

enum outcome
delivery_commit(
	struct delivery *delivery, char out_uidl[UIDL_MAXIMUM_OCTETS + 1])
{
	enum outcome outcome = delivery->outcome;

	measure_end(&delivery->measure);
	if (outcome == OK)
		outcome = store_message(delivery, out_uidl);
	delivery_abort(delivery);
	return outcome;
}
