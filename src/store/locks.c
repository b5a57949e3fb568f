/* SPDX-License-Identifier: ISC */
#include "store/locks.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define FIRST_BUCKETS 64

struct lock {
	struct lock *next;
	uint64_t hash;
	char mailbox[];
};

static struct lock *
find(const struct locks *locks, const char *mailbox, uint64_t hash)
{
	struct lock *lock;

	if (locks->bucket_count == 0)
		return NULL;
	lock = locks->buckets[hash & (locks->bucket_count - 1)];
	while (lock && (lock->hash != hash || strcmp(lock->mailbox, mailbox)))
		lock = lock->next;
	return lock;
}

static void
insert(struct locks *locks, struct lock *lock)
{
	struct lock **bucket =
		&locks->buckets[lock->hash & (locks->bucket_count - 1)];

	lock->next = *bucket;
	*bucket = lock;
}

static bool
grow(struct locks *locks)
{
	struct locks old = *locks;
	size_t count = old.bucket_count ? old.bucket_count * 2 : FIRST_BUCKETS;
	struct lock **buckets = calloc(count, sizeof(*buckets));

	if (!buckets)
		return old.bucket_count > 0;
	locks->buckets = buckets;
	locks->bucket_count = count;
	for (size_t i = 0; i < old.bucket_count; i++)
		while (old.buckets[i]) {
			struct lock *lock = old.buckets[i];

			old.buckets[i] = lock->next;
			insert(locks, lock);
		}
	free(old.buckets);
	return true;
}

struct lock *
locks_take(struct locks *locks, const char *mailbox, bool *out_is_held)
{
	size_t octets = strlen(mailbox) + 1;
	uint64_t hash = XXH3_64bits(mailbox, octets - 1);
	struct lock *lock;

	*out_is_held = find(locks, mailbox, hash) != NULL;
	if (*out_is_held)
		return NULL;
	if (locks->count >= locks->bucket_count && !grow(locks))
		return NULL;
	lock = malloc(sizeof(*lock) + octets);
	if (!lock)
		return NULL;
	lock->hash = hash;
	memcpy(lock->mailbox, mailbox, octets);
	insert(locks, lock);
	locks->count++;
	return lock;
}

bool
locks_is_held(const struct locks *locks, const char *mailbox)
{
	return find(locks, mailbox, XXH3_64bits(mailbox, strlen(mailbox)));
}

void
locks_drop(struct locks *locks, struct lock **lock)
{
	struct lock **at;

	if (!*lock)
		return;
	at = &locks->buckets[(*lock)->hash & (locks->bucket_count - 1)];
	while (*at != *lock)
		at = &(*at)->next;
	*at = (*lock)->next;
	locks->count--;
	free(*lock);
	*lock = NULL;
}

void
locks_release(struct locks *locks)
{
	for (size_t i = 0; i < locks->bucket_count; i++)
		while (locks->buckets[i]) {
			struct lock *lock = locks->buckets[i];

			locks->buckets[i] = lock->next;
			free(lock);
		}
	free(locks->buckets);
	*locks = LOCKS_EMPTY;
}
