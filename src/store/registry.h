/* SPDX-License-Identifier: ISC */
/*
 * registry - opens a store by its name; the only place below programs/ that
 * names the concrete ones.
 */
#ifndef STORE_REGISTRY_H
#define STORE_REGISTRY_H

#include "store/executor.h"
#include "store/files.h"
#include "store/store.h"

/* Of each mailbox. A message that would pass it is ERR_OVER_QUOTA, one that
   would pass `soft_percent` of it ERR_SOFT_QUOTA. */
struct store_quota {
	uint64_t octets, messages; /* 0: any */
	unsigned soft_percent;
};

struct store_options {
	const char *kind; /* "maildir", "mbox", "memory" */
	/*
	 * Where a mailbox is: `mail_template` below the directory `mail_root`
	 * with %u (whole name), %n (local part), %d (domain), "%d/%n" say. The
	 * store never leaves the two directories; it takes over both
	 * descriptors (left -1).
	 */
	int mail_root;
	const char *mail_template;
	int state_root; /* for indexes, UIDLs, journals */
	bool is_shared; /* other programs write to the mailboxes */
	/* Octets of each of the two files of the delivery journal; 0: every
	   delivery is synced by itself. What is too little is raised. */
	uint32_t journal_octets;
	struct store_quota quota;
	/* How long the locks of other programs are waited for; 0: as long as is
	   usual. */
	uint32_t lock_wait_ms;
	/* Of the memory store, which has none by itself: a session's lock runs
	   out after so long, as with a store that others share; 0: never. */
	uint32_t lease_ms;
	const char *hostname;	   /* for Maildir names */
	struct files *files;	   /* NULL: files_posix; outlives the store */
	struct executor *executor; /* outlives the store */
	/* Told once for each thing worth a log line: damage found and mended,
	   a path that cannot be used and what to do. May be NULL. */
	void (*notice)(const char *mailbox, const char *text);
};

/* Errors  ERR_PEER (unknown kind), ERR_TRY_LATER, ERR_BROKEN */
enum outcome store_open(struct store_options *options, struct store **out);

#endif
