/* SPDX-License-Identifier: ISC */
/*
 * group - group commit: messages that wait for the disk share one sync of the
 * delivery journal, also those of one mailbox; docs/formats/deliveries.md.
 *
 * Runs on the thread that starts operations; what blocks, it gives to the
 * executor. Who writes a group takes all that wait by then: a thread needs a
 * while to wake up, and a sync costs more than a message does. Two files take
 * turns: one is written, the other is emptied.
 */
#ifndef STORE_MAILDIR_GROUP_H
#define STORE_MAILDIR_GROUP_H

#include "store/executor.h"
#include "store/maildir/delivery_log.h"

#include <pthread.h>
#include <stdatomic.h>

struct maildir_store;
struct maildir_settings;
struct store_append;

/* One file, as the group knows it. */
struct group_log {
	struct delivery_log log;
	uint64_t end; /* where the next group may begin */
	/* Of the names in it, the lowest; UINT64_MAX when it is empty. */
	uint64_t oldest_seconds;
	unsigned unplaced; /* records whose messages have no file yet */
	/* Nothing may be written to it until it was emptied. */
	bool is_closed;
	bool has_records;
	bool has_failed;  /* to be emptied; until the next group_tend */
	bool is_unusable; /* holds what could not be delivered at the start */
	/* A sync failed that was to make its messages durable: the kernel may
	   have dropped what it could not write, and says so once. */
	bool is_distrusted;
};

struct group {
	struct group_log logs[DELIVERY_LOGS];
	unsigned active;
	/* Over the next, and the oldest seconds below and of both files. */
	pthread_mutex_t mutex;
	struct store_append *first, **end; /* waiting, in their order */
	/* The group that is being written. */
	struct executor_job writing;
	struct store_append *written;
	size_t written_octets;
	uint64_t written_offset;
	enum outcome written_outcome;
	bool is_writing;
	bool is_placed; /* its files were made with it */
	/* The file that is being emptied. */
	struct executor_job emptying;
	unsigned emptied;
	enum outcome emptied_outcome;
	bool is_synced; /* what it was emptied of */
	bool is_emptying;
	/* The lowest of both files; read by jobs. */
	_Atomic uint64_t oldest_seconds;
};

/*
 * Opens the journal and carries out what a crash left in it. When that cannot
 * be done the journal is left alone and not used; `notice` says so.
 * octets  of each file; 0: no delivery takes this way
 */
void group_start(struct group *group, const struct maildir_settings *settings,
	uint32_t octets, void (*notice)(const char *mailbox, const char *text));
void group_close(struct group *group);

/* Takes it in; append_place or append_plainly follows. */
void group_join(struct maildir_store *store, struct store_append *append);
/* append_place has ended. */
void group_placed(struct maildir_store *store, unsigned log);
/* Empties what can be emptied. False: there is nothing to be done later. */
bool group_tend(struct maildir_store *store);

#endif
