/* SPDX-License-Identifier: ISC */
/*
 * watch - whether other programs have changed a Maildir since it was scanned.
 *
 * A directory's time cannot tell our own deliveries and deletions from changes
 * of others that fall between them, so without more every one of ours would
 * cost a scan. inotify(7) names each change: what we announced ourselves is
 * ours, a few of others are kept for who can follow them, more make the watch
 * dirty. Where there is no inotify, or on file systems that others change from
 * other hosts, nothing is ever clean.
 *
 * Threads: all but watches_new and watches_free from any.
 */
#ifndef STORE_MAILDIR_WATCH_H
#define STORE_MAILDIR_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "store/maildir/foreign.h"
#include "store/maildir/known.h"

/* Of the names of all Maildirs; one whose names are not kept is scanned for
   each change of others. */
#define WATCH_KNOWN_OCTETS (64u << 20)
/* Changes of ours that were announced and not yet seen; one more is dirty. */
#define WATCH_EXPECTED_MAXIMUM 4096

struct watches; /* one a store */

/* Of one Maildir; NULL: not active, nothing is ever clean. Its members are
   watch.c's. */
struct watch {
	struct watches *watches;
	int descriptors[2]; /* of inotify: new/ and cur/ */
	ino_t inodes[2];
	uint64_t *expected;
	unsigned expected_count, expected_capacity;
	struct buffer foreign; /* what others did; see foreign.h */
	struct known known;    /* what the index may have */
	bool is_dirty;
	bool is_complete; /* a scan has ended since it began */
};

/* NULL: there is none here. */
struct watches *watches_new(void);
/* No watch is active any more. */
void watches_free(struct watches **watches);
/* Takes what has come, so that the kernel's queue does not fill. */
void watches_drain(struct watches *watches);

/* Before a scan: from here on nothing of others is missed. `root` is the open
   Maildir; inotify sees what this host does: it must be on a local disk. Makes
   *watch, in place of the one that was; NULL where it cannot be. */
void watch_begin(struct watch **watch, struct watches *watches, int root);
/* After it: what was found is in the index. */
void watch_scanned(struct watch *watch, const struct listing *listing);
void watch_end(struct watch **watch);

/* Before a change of ours. */
void watch_expect(struct watch *watch, enum maildir_directory directory,
	enum change change, const char *name);
/* It failed: nobody knows what has happened. */
void watch_spoil(struct watch *watch);

enum watch_state {
	WATCH_CLEAN,   /* nothing but what was announced has happened in these
			directories since the scan */
	WATCH_FOREIGN, /* and what can be taken */
	WATCH_DIRTY,   /* nobody knows */
};
enum watch_state watch_look(struct watch *watch, const ino_t inodes[2]);

/* Moves what others did to *out, which becomes the caller's; the watch goes on
   from there. */
void watch_take(struct watch *watch, struct buffer *out);
/* Whether the index may have a message of this base name. */
bool watch_knows(struct watch *watch, struct bytes base_name);
/* It has one from now on. */
void watch_learn(struct watch *watch, struct bytes base_name);

#endif
