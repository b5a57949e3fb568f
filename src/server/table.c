/* SPDX-License-Identifier: ISC */
#include "server/table.h"

#include <stdlib.h>

#define TABLE_FIRST_BUCKETS 16

static size_t
bucket_of(const struct table *table, uint64_t id)
{
	/* Fibonacci hashing: numbers given in turn spread evenly. */
	return (size_t)((id * 0x9e3779b97f4a7c15u) >> 32) &
	       (table->bucket_count - 1);
}

static void
put(struct table *table, struct table_entry *entry)
{
	size_t bucket = bucket_of(table, entry->id);

	entry->next = table->buckets[bucket];
	table->buckets[bucket] = entry;
}

static bool
grow(struct table *table)
{
	struct table_entry **old = table->buckets;
	size_t old_count = table->bucket_count;
	size_t count = old_count ? old_count * 2 : TABLE_FIRST_BUCKETS;
	struct table_entry **buckets =
		calloc(count, sizeof(struct table_entry *));

	if (!buckets)
		return old_count > 0;
	table->buckets = buckets;
	table->bucket_count = count;
	for (size_t i = 0; i < old_count; i++) {
		while (old[i]) {
			struct table_entry *entry = old[i];

			old[i] = entry->next;
			put(table, entry);
		}
	}
	free(old);
	return true;
}

bool
table_add(struct table *table, struct table_entry *entry, uint64_t id)
{
	if (table->count >= table->bucket_count && !grow(table))
		return false;
	entry->id = id;
	put(table, entry);
	table->count++;
	return true;
}

struct table_entry *
table_find(const struct table *table, uint64_t id)
{
	struct table_entry *entry;

	if (table->count == 0)
		return NULL;
	entry = table->buckets[bucket_of(table, id)];
	while (entry && entry->id != id)
		entry = entry->next;
	return entry;
}

void
table_remove(struct table *table, struct table_entry *entry)
{
	struct table_entry **link;

	if (table->count == 0)
		return;
	link = &table->buckets[bucket_of(table, entry->id)];
	while (*link && *link != entry)
		link = &(*link)->next;
	if (!*link)
		return;
	*link = entry->next;
	table->count--;
}

struct table_entry *
table_any(const struct table *table)
{
	for (size_t i = 0; table->count > 0 && i < table->bucket_count; i++)
		if (table->buckets[i])
			return table->buckets[i];
	return NULL;
}

void
table_release(struct table *table)
{
	free(table->buckets);
	*table = (struct table){0};
}
