/* SPDX-License-Identifier: ISC */
/*
 * Which of the messages that are stored here may go from the server. Ages are
 * those of the account's own clock (remembering.c): it counts only time in which
 * mail was collected, so that a clock that jumps deletes nothing.
 */
#include "collect/collection.h"

#include <stdlib.h>

static bool
has_condition(const struct collect_account *account)
{
	return account->delete_after_seconds > 0 ||
	       account->delete_older_seconds > 0 || account->keep_newest > 0;
}

/* The oldest, as many as are too much. */
static bool
is_over_quota(const struct collection *c, uint32_t index)
{
	return c->account->quota_octets > 0 && index < c->over_quota_count;
}

void
policy_begin(struct collection *c)
{
	uint64_t octets = c->counts.listed_octets;

	c->over_quota_count = 0;
	while (c->account->quota_octets > 0 &&
		octets > c->account->quota_octets &&
		c->over_quota_count < c->listed_count)
		octets -= c->listed[c->over_quota_count++].octets;
	c->due_seconds = 0;
}

/* *out_due: when it will be old enough. */
static bool
is_old_enough(
	const struct collection *c, const struct listed *one, int64_t *out_due)
{
	const struct collect_account *account = c->account;
	int64_t stored =
		one->stored_seconds + (int64_t)account->delete_after_seconds;
	int64_t born =
		one->born_seconds + (int64_t)account->delete_older_seconds;
	int64_t due = 0;

	if (account->delete_after_seconds > 0)
		due = stored;
	if (account->delete_older_seconds > 0 && born > due)
		due = born;
	*out_due = due;
	return (account->delete_after_seconds == 0 ||
		       stored <= c->memory.clock_seconds) &&
	       (account->delete_older_seconds == 0 ||
		       born <= c->memory.clock_seconds);
}

static bool
is_wished(struct collection *c, uint32_t index)
{
	const struct collect_account *account = c->account;
	int64_t due;

	if (is_over_quota(c, index))
		return true;
	if (account->quota_octets > 0 && !has_condition(account))
		return false;
	if (account->keep_newest > 0 &&
		index + account->keep_newest >= c->listed_count)
		return false;
	if (is_old_enough(c, &c->listed[index], &due))
		return true;
	if (c->due_seconds == 0 || due < c->due_seconds)
		c->due_seconds = due > 0 ? due : 1;
	return false;
}

bool
policy_may_delete(struct collection *c, uint32_t index)
{
	return !c->account->keep && is_wished(c, index) &&
	       policy_may_discard(c);
}

bool
policy_may_discard(struct collection *c)
{
	if (c->account->maximum_deletions > 0 &&
		c->deletions == c->account->maximum_deletions) {
		c->due_seconds = 1; /* the next run goes on */
		return false;
	}
	c->deletions++;
	return true;
}

/* What would be stored counts as stored now. */
void
policy_plan(struct collection *c)
{
	for (uint32_t i = 0; i < c->listed_count; i++) {
		struct listed *one = &c->listed[i];

		if (one->state == MESSAGE_WANTED)
			one->stored_seconds = one->born_seconds =
				c->memory.clock_seconds;
		if ((one->state == MESSAGE_WANTED ||
			    one->state == MESSAGE_STORED) &&
			policy_may_delete(c, i))
			c->counts.to_delete_messages++;
		if (one->state == MESSAGE_DISCARDED && policy_may_discard(c))
			c->counts.to_delete_messages++;
	}
}
