/* SPDX-License-Identifier: ISC */
#include "store/mbox/look.h"

#include <errno.h>
#include <string.h>

#include "store/mbox/rewrite.h"
#include "store/mbox/uidls.h"

static enum outcome
number_messages(struct mbox *mbox, struct mbox_scan *scan)
{
	struct mbox_uidls uidls;
	enum outcome outcome = mbox_uidls_open(&uidls, &mbox->state);

	if (outcome != OK)
		return outcome;
	outcome = mbox_uidls_assign(&uidls, scan);
	/* A file that cannot be made shorter now still says what it says. */
	if (outcome == OK && !mbox->is_read_only)
		mbox_uidls_tidy(&uidls, scan);
	mbox_uidls_release(&uidls);
	return outcome;
}

static enum outcome
scan_again(struct mbox *mbox, struct mbox_scan **scan)
{
	enum outcome outcome;

	mbox_scan_free(scan);
	outcome = mbox_scan_read(mbox->files, mbox->descriptor, scan);
	if (outcome == ERR_BROKEN)
		mbox_notice(mbox,
			"%.200s is no mbox: it does not begin with a From_ "
			"line; move it away",
			mbox->path);
	if (outcome == OK)
		outcome = number_messages(mbox, *scan);
	if (outcome != OK)
		mbox_scan_free(scan);
	return outcome;
}

enum outcome
mbox_look(struct mbox *mbox, struct mbox_scan **scan)
{
	struct stat status;
	struct mbox_stamp now;
	int error = mbox->files->stat(mbox->files, mbox->descriptor, &status);

	if (error != 0)
		return outcome_of_errno(-error);
	now = mbox_stamp_of(mbox->files, &status);
	if (*scan && mbox_stamp_is_same(&(*scan)->stamp, &now))
		return OK;
	return scan_again(mbox, scan);
}

static enum outcome
reserve(struct mbox *mbox, uint32_t messages)
{
	struct mbox_uidls uidls;
	enum outcome outcome = mbox_uidls_open(&uidls, &mbox->state);

	if (outcome != OK)
		return outcome;
	outcome = mbox_uidls_reserve(&uidls, messages);
	mbox_uidls_release(&uidls);
	if (outcome == OK)
		outcome = mbox_journal_reserve(mbox, messages);
	return outcome;
}

void
mbox_prepare_deletion(struct mbox *mbox, const struct mbox_scan *scan)
{
	if (!mbox->is_read_only && scan->count > 0)
		reserve(mbox, scan->count);
}

static enum outcome
make_plan(const struct mbox_scan *scan, const struct index_set *deleted,
	struct mbox_plan *plan)
{
	uint32_t i = index_set_next(deleted, 0);

	for (; i < scan->count; i = index_set_next(deleted, i + 1)) {
		const struct mbox_message *message = &scan->messages[i];
		struct mbox_part part = {
			.offset = message->from_offset,
			.octets = message->next - message->from_offset,
			.number = message->number,
			.has_uidl = true,
		};

		memcpy(part.digest, message->digest, UIDL_DIGEST_OCTETS);
		if (!mbox_plan_add(plan, &part))
			return ERR_TRY_LATER;
	}
	return OK;
}

enum outcome
mbox_delete(struct mbox *mbox, const struct mbox_scan *scan,
	const struct index_set *deleted)
{
	struct mbox_plan plan = {0};
	enum outcome outcome = make_plan(scan, deleted, &plan);

	if (outcome == OK && plan.count > 0 && mbox->is_read_only)
		outcome = mbox_trouble(mbox, -EACCES);
	/* From the promise on nothing may lack a block. */
	if (outcome == OK && plan.count > 0)
		outcome = reserve(mbox, plan.count);
	if (outcome == OK && plan.count > 0)
		outcome = mbox_rewrite(mbox, &plan);
	mbox_plan_release(&plan);
	return outcome;
}
