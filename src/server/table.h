/* SPDX-License-Identifier: ISC */
/*
 * table - finds an object by its number. The entry is embedded in the object;
 * the table owns only its buckets, which grow with the entries.
 */
#ifndef SERVER_TABLE_H
#define SERVER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_entry {
	uint64_t id;
	struct table_entry *next;
};

struct table {
	struct table_entry **buckets;
	size_t bucket_count; /* 0 or a power of two */
	size_t count;
};

/* False when memory is short. `id` must not be in the table. */
bool table_add(struct table *table, struct table_entry *entry, uint64_t id);
struct table_entry *table_find(const struct table *table, uint64_t id);
void table_remove(struct table *table, struct table_entry *entry);
/* Any entry, or NULL when empty: for taking all out one by one. */
struct table_entry *table_any(const struct table *table);
void table_release(struct table *table);

/* The object that holds the entry. */
#define table_object(entry, type, member)                                      \
	((type *)(void *)((char *)(entry)-offsetof(type, member)))

#endif
