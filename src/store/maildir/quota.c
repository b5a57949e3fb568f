/* SPDX-License-Identifier: ISC */
#include "store/maildir/quota.h"

#include "store/maildir/refresh.h"

static bool
is_over(uint64_t value, uint64_t limit, unsigned percent)
{
	/* Both are far below what would overflow. */
	return limit > 0 && value * 100 > limit * percent;
}

static enum outcome
judge(const struct mailbox *mailbox, uint64_t octets)
{
	const struct store_quota *quota = &mailbox->settings->quota;
	uint64_t messages =
		mailbox->index.trailer.count + mailbox->arriving_messages + 1;

	octets += mailbox->index.trailer.octets + mailbox->arriving_octets;
	if (is_over(messages, quota->messages, 100) ||
		is_over(octets, quota->octets, 100))
		return ERR_OVER_QUOTA;
	if (is_over(messages, quota->messages, quota->soft_percent) ||
		is_over(octets, quota->octets, quota->soft_percent))
		return ERR_SOFT_QUOTA;
	return OK;
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
quota_check(struct mailbox *mailbox, uint64_t octets, bool may_scan)
{
	const struct store_quota *quota = &mailbox->settings->quota;
	enum outcome outcome;

	if (quota->messages == 0 && quota->octets == 0)
		return OK;
	outcome = look(mailbox, false);
	if (outcome == ERR_GONE && may_scan)
		outcome = look(mailbox, true);
	if (outcome != OK)
		return OK;
	outcome = judge(mailbox, octets);
	if (outcome == OK || !may_scan)
		return outcome;
	return look(mailbox, true) == OK ? judge(mailbox, octets) : outcome;
}
