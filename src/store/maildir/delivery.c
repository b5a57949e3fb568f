/* SPDX-License-Identifier: ISC */
#include "store/maildir/delivery.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/maildir/quota.h"
#include "store/uidl.h"

static int
make_base(struct delivery *delivery)
{
	struct files *files = delivery->mailbox->files;
	unsigned char random[UIDL_DIGEST_OCTETS];
	char printed[UIDL_OWN_OCTETS + 1];
	int error = files->random(files, random, sizeof(random));

	if (error != 0)
		return error;
	uidl_print(random, printed);
	delivery->seconds = files->now_ns(files) / 1000000000;
	snprintf(delivery->base, sizeof(delivery->base), "%" PRIu64 ".R%s.%s",
		delivery->seconds, printed,
		delivery->mailbox->settings->hostname);
	return 0;
}

static void
init(struct delivery *delivery, struct mailbox *mailbox,
	const struct store_quota *quota)
{
	*delivery = (struct delivery){
		.mailbox = mailbox, .quota = *quota, .descriptor = -1};
	measure_init(&delivery->measure);
	buffer_init(&delivery->held, DELIVERY_MESSAGE_OCTETS);
}

enum outcome
delivery_begin(struct delivery *delivery, struct mailbox *mailbox,
	const struct store_quota *quota, bool may_scan)
{
	enum outcome outcome = mailbox_open_root(mailbox, true);

	init(delivery, mailbox, quota);
	if (outcome != OK)
		return outcome;
	mailbox_sweep(mailbox);
	outcome = quota_check(mailbox, &delivery->quota, 0, may_scan);
	if (outcome != OK)
		return outcome;
	delivery->may_hold = mailbox_ask_device(mailbox);
	return outcome_of_errno(-make_base(delivery));
}

bool
delivery_begin_held(struct delivery *delivery, struct mailbox *mailbox,
	const struct store_quota *quota)
{
	if (!mailbox->is_swept || !mailbox->is_on_mail_device ||
		quota->octets != 0 || quota->messages != 0)
		return false;
	init(delivery, mailbox, quota);
	delivery->may_hold = true;
	return make_base(delivery) == 0;
}

void
delivery_tmp_path(
	const struct delivery *delivery, char out[DELIVERY_TMP_PATH_OCTETS])
{
	snprintf(out, DELIVERY_TMP_PATH_OCTETS, "tmp/%s", delivery->base);
}

static int
open_tmp(struct delivery *delivery)
{
	struct mailbox *mailbox = delivery->mailbox;
	struct files *files = mailbox->files;
	char path[DELIVERY_TMP_PATH_OCTETS];
	int fd, error;

	delivery_tmp_path(delivery, path);
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
delivery_spill(struct delivery *delivery)
{
	struct files *files = delivery->mailbox->files;
	enum outcome outcome;
	int error = 0;

	if (delivery->descriptor >= 0)
		return OK;
	outcome = mailbox_open_root(delivery->mailbox, true);
	if (outcome != OK)
		return outcome;
	delivery->descriptor = open_tmp(delivery);
	if (delivery->descriptor < 0) {
		error = delivery->descriptor;
		mailbox_trouble(delivery->mailbox, "tmp", error);
		delivery->descriptor = -1;
		return outcome_of_errno(-error);
	}
	error = files_write_all(
		files, delivery->descriptor, buffer_bytes(&delivery->held), 0);
	if (error == 0)
		buffer_release(&delivery->held);
	else
		mailbox_trouble(delivery->mailbox, "tmp", error);
	return outcome_of_errno(-error);
}

bool
delivery_may_hold(const struct delivery *delivery, struct bytes chunk)
{
	return delivery->descriptor < 0 && delivery->may_hold &&
	       chunk.octets <= buffer_room(&delivery->held);
}

/* Held as long as it is small. */
static enum outcome
take(struct delivery *delivery, struct bytes chunk)
{
	struct files *files = delivery->mailbox->files;
	enum outcome outcome;

	if (delivery_may_hold(delivery, chunk))
		return buffer_append_bytes(&delivery->held, chunk)
			       ? OK
			       : ERR_TRY_LATER;
	outcome = delivery_spill(delivery);
	if (outcome != OK)
		return outcome;
	return outcome_of_errno(-files_write_all(files, delivery->descriptor,
		chunk, delivery->measure.stored_octets));
}

enum outcome
delivery_write(struct delivery *delivery, struct bytes chunk)
{
	if (delivery->outcome != OK)
		return delivery->outcome;
	delivery->outcome = take(delivery, chunk);
	if (delivery->outcome == OK)
		measure_put(&delivery->measure, chunk);
	return delivery->outcome;
}

bool
delivery_is_held(const struct delivery *delivery)
{
	return delivery->descriptor < 0 && delivery->may_hold;
}

void
delivery_abort(struct delivery *delivery)
{
	struct files *files = delivery->mailbox->files;
	char path[DELIVERY_TMP_PATH_OCTETS];

	buffer_release(&delivery->held);
	if (delivery->is_arriving) {
		delivery->mailbox->arriving_messages--;
		delivery->mailbox->arriving_octets -= delivery->measure.octets;
		delivery->is_arriving = false;
	}
	if (delivery->descriptor < 0)
		return;
	files->close(files, &delivery->descriptor);
	delivery_tmp_path(delivery, path);
	(void)files->unlink(files, delivery->mailbox->root, path);
}
