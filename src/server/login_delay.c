/* SPDX-License-Identifier: ISC */
#include "server/login_delay.h"
#include "server/table.h"

#include <stdlib.h>
#include <string.h>

/* Full buckets are looked for when so many more have come. */
#define SWEEP_STEP 1024

struct bucket {
	struct table_entry entry;
	uint64_t full_at_ms; /* when all tokens will be back */
	char user[];
};

struct login_delays {
	struct table buckets;
	size_t sweep_at;
};

struct login_delays *
login_delays_new(void)
{
	struct login_delays *delays = calloc(1, sizeof(*delays));

	if (delays)
		delays->sweep_at = SWEEP_STEP;
	return delays;
}

void
login_delays_free(struct login_delays **delays)
{
	struct table_entry *entry;

	if (!*delays)
		return;
	while ((entry = table_any(&(*delays)->buckets))) {
		table_remove(&(*delays)->buckets, entry);
		free(table_object(entry, struct bucket, entry));
	}
	table_release(&(*delays)->buckets);
	free(*delays);
	*delays = NULL;
}

size_t
login_delays_count(const struct login_delays *delays)
{
	return delays->buckets.count;
}

static uint64_t
hash(const char *user)
{
	uint64_t value = 14695981039346656037u;

	for (; *user; user++)
		value = (value ^ (unsigned char)*user) * 1099511628211u;
	return value;
}

/* Names that hash to the same have ids that follow each other. */
static struct bucket *
find(struct login_delays *delays, const char *user, uint64_t *out_id)
{
	uint64_t id = hash(user);
	struct table_entry *entry;

	for (; (entry = table_find(&delays->buckets, id)); id++) {
		struct bucket *bucket =
			table_object(entry, struct bucket, entry);

		if (strcmp(bucket->user, user) == 0)
			return bucket;
	}
	*out_id = id;
	return NULL;
}

static struct bucket *
find_or_make(struct login_delays *delays, const char *user)
{
	size_t size = strlen(user) + 1;
	struct bucket *bucket;
	uint64_t id;

	bucket = find(delays, user, &id);
	if (bucket)
		return bucket;
	bucket = calloc(1, sizeof(*bucket) + size);
	if (!bucket)
		return NULL;
	memcpy(bucket->user, user, size);
	if (table_add(&delays->buckets, &bucket->entry, id))
		return bucket;
	free(bucket);
	return NULL;
}

/* Forgets who may log in at once as often as anybody. */
static void
sweep(struct login_delays *delays, uint64_t now_ms)
{
	struct table *table = &delays->buckets;
	struct table kept = {0};
	struct table_entry *entry;

	while ((entry = table_any(table))) {
		struct bucket *bucket =
			table_object(entry, struct bucket, entry);

		table_remove(table, entry);
		if (bucket->full_at_ms <= now_ms ||
			!table_add(&kept, entry, entry->id))
			free(bucket);
	}
	table_release(table);
	*table = kept;
	delays->sweep_at = kept.count * 2 + SWEEP_STEP;
}

bool
login_delays_take(struct login_delays *delays, const char *user,
	uint64_t delay_ms, uint64_t burst, uint64_t now_ms)
{
	struct bucket *bucket;

	if (delay_ms == 0)
		return true;
	if (delays->buckets.count >= delays->sweep_at)
		sweep(delays, now_ms);
	bucket = find_or_make(delays, user);
	if (!bucket)
		return true;
	if (bucket->full_at_ms < now_ms)
		bucket->full_at_ms = now_ms;
	if (bucket->full_at_ms - now_ms > (burst - 1) * delay_ms)
		return false;
	bucket->full_at_ms += delay_ms;
	return true;
}
