/* SPDX-License-Identifier: ISC */
#include "store/maildir/quota.h"

#include "store/maildir/ready.h"
#include "store/quota.h"

static enum outcome
judge(const struct mailbox *mailbox, const struct store_quota *quota,
	uint64_t octets)
{
	return quota_judge(quota,
		mailbox->index.trailer.count + mailbox->arriving_messages + 1,
		mailbox->index.trailer.octets + mailbox->arriving_octets +
			octets);
}

static enum outcome
look(struct mailbox *mailbox, bool is_anew)
{
	struct index_view *view = NULL;
	int fd = -1;
	enum outcome outcome;

	if (is_anew) {
		outcome = mailbox_ready(mailbox, false, &view);
		index_view_free(mailbox->files, &view);
	} else {
		outcome = index_file_open(mailbox, &fd);
		mailbox->files->close(mailbox->files, &fd);
	}
	return outcome;
}

/* What cannot be known refuses nobody. */
enum outcome
quota_check(struct mailbox *mailbox, const struct store_quota *quota,
	uint64_t octets, bool may_scan)
{
	enum outcome outcome;

	if (quota->messages == 0 && quota->octets == 0)
		return OK;
	outcome = look(mailbox, false);
	if (outcome == ERR_GONE && may_scan)
		outcome = look(mailbox, true);
	if (outcome != OK)
		return OK;
	outcome = judge(mailbox, quota, octets);
	if (outcome == OK || !may_scan)
		return outcome;
	return look(mailbox, true) == OK ? judge(mailbox, quota, octets)
					 : outcome;
}
