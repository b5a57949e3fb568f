/* SPDX-License-Identifier: ISC */
/*
 * locks - which mailboxes have an open session. In memory: a lock cannot
 * outlive the process that holds it. Used from one thread.
 */
#ifndef STORE_LOCKS_H
#define STORE_LOCKS_H

#include <stdbool.h>
#include <stddef.h>

struct lock;

struct locks {
	struct lock **buckets; /* NULL until the first lock */
	size_t bucket_count;   /* a power of two */
	size_t count;
};

#define LOCKS_EMPTY ((struct locks){NULL, 0, 0})

/* NULL with *out_is_held: another has it; NULL without: memory is short. */
struct lock *locks_take(
	struct locks *locks, const char *mailbox, bool *out_is_held);
bool locks_is_held(const struct locks *locks, const char *mailbox);
/* Accepts NULL; sets NULL. */
void locks_drop(struct locks *locks, struct lock **lock);
void locks_release(struct locks *locks);

#endif
