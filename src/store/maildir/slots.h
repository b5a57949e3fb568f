/* SPDX-License-Identifier: ISC */
/*
 * slots - the mailboxes that are in use or were lately, by name. Used from the
 * thread that starts operations; what a slot's mailbox holds belongs to whoever
 * has entered the slot, on any thread: its jobs, each while it works, and for a
 * moment what needs no job of its own when none is at work.
 */
#ifndef STORE_MAILDIR_SLOTS_H
#define STORE_MAILDIR_SLOTS_H

#include "store/maildir/mailbox.h"

#include <pthread.h>

struct slot {
	struct mailbox mailbox;
	pthread_mutex_t mutex; /* over the mailbox */
	uint64_t key;	       /* for the executor */
	unsigned users;
	bool is_held;	   /* a session has it open: nobody else gets it */
	struct slot *next; /* in the bucket */
	struct slot *newer, *older; /* among the idle */
};

struct slots {
	const struct maildir_settings *settings;
	struct slot **buckets;
	size_t bucket_count, count;
	struct slot *newest, *oldest; /* idle */
	size_t idle_count, idle_maximum;
	/* Of the idle, those whose index is kept open. */
	struct slot *oldest_kept;
	size_t kept_count, kept_maximum;
};

bool slots_init(struct slots *slots, const struct maildir_settings *settings,
	size_t idle_maximum, size_t kept_maximum);
/* Frees all; none may be in use. */
void slots_release(struct slots *slots);
/* Errors  ERR_PEER, ERR_BROKEN (mailbox_init), ERR_TRY_LATER (memory) */
enum outcome slots_get(
	struct slots *slots, const char *mailbox, struct slot **out);
/* The last user closes what is open but for the index, which is kept until
   there are too many. */
void slots_put(struct slots *slots, struct slot *slot);

void slot_enter(struct slot *slot);
/* False: somebody is in it. */
bool slot_try_enter(struct slot *slot);
void slot_leave(struct slot *slot);

#endif
