/* SPDX-License-Identifier: ISC */
/*
 * append - a message on its way in, as the jobs that bring it see it.
 *
 * begin runs in the mailbox's order, and so does what needs a file. A message
 * that is held in memory is written, and where there is no quota begun and
 * measured, on the thread that starts operations; there it waits in the group
 * for the delivery journal. When the group is on disk the files of several
 * mailboxes are made by one job; what would make the others wait is left to a
 * last job of the mailbox.
 */
#ifndef STORE_MAILDIR_APPEND_H
#define STORE_MAILDIR_APPEND_H

#include "store/maildir/delivery.h"
#include "store/maildir/delivery_log.h"
#include "store/maildir/job.h"

struct store_append {
	struct delivery delivery; /* first */
	struct slot *slot;
	unsigned writes;		/* jobs under way */
	struct job end;			/* commit or abort */
	struct store_append_call *call; /* of the commit */
	/* in the group */
	struct store_append *next;
	unsigned log;
	uint64_t offset; /* of its record there */
	bool is_for_group;
	struct executor_job placing; /* of this and those behind it */
	struct maildir_store *store;
	bool is_placed;
};

/* The records of these are on disk: makes the files by a job, then answers. */
void append_place(struct maildir_store *store, struct store_append *first);
/* The same here and now, on any thread; append_placed answers, on the thread
   that starts operations. */
void append_place_here(struct maildir_store *store, struct store_append *first);
void append_placed(struct maildir_store *store, struct store_append *first);
/* It is not: stores it the plain way, then answers. */
void append_plainly(struct maildir_store *store, struct store_append *append);

#endif
