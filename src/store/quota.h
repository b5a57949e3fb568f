/* SPDX-License-Identifier: ISC */
/* quota - whether a mailbox may hold so much. */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include "store/registry.h"

/* Errors  ERR_SOFT_QUOTA (over the soft limit), ERR_OVER_QUOTA */
enum outcome quota_judge(
	const struct store_quota *quota, uint64_t messages, uint64_t octets);

/* What holds for the mailbox of this append. */
struct store_quota quota_of(
	const struct store_quota *of_all, const struct store_append_call *call);

#endif
