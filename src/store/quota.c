/* SPDX-License-Identifier: ISC */
#include "store/quota.h"

static bool
is_over(uint64_t value, uint64_t limit, unsigned percent)
{
	/* Both are far below what would overflow. */
	return limit > 0 && value * 100 > limit * percent;
}

struct store_quota
quota_of(const struct store_quota *of_all, const struct store_append_call *call)
{
	struct store_quota quota = *of_all;

	if (call->quota_octets)
		quota.octets = call->quota_octets;
	if (call->quota_messages)
		quota.messages = call->quota_messages;
	if (call->quota_soft_percent)
		quota.soft_percent = call->quota_soft_percent;
	return quota;
}

enum outcome
quota_judge(const struct store_quota *quota, uint64_t messages, uint64_t octets)
{
	if (is_over(messages, quota->messages, 100) ||
		is_over(octets, quota->octets, 100))
		return ERR_OVER_QUOTA;
	if (is_over(messages, quota->messages, quota->soft_percent) ||
		is_over(octets, quota->octets, quota->soft_percent))
		return ERR_SOFT_QUOTA;
	return OK;
}
