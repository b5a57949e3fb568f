/* SPDX-License-Identifier: ISC */
/*
 * store - the contract of everything that keeps mail. It knows mailboxes,
 * messages and sessions, not files: no path is named here.
 *
 * Every operation takes a call that the caller embeds in a request of its own
 * and that must live until `done` runs. `done` runs exactly once, on the thread
 * that started the operation, perhaps before the operation returns. Operations
 * on one mailbox are carried out in the order they were started; those on
 * different mailboxes in any. All are started from one thread.
 *
 * Promises (tests/unit/store/ is the suite every store passes):
 *   append  OK only after message and directory entry survive a power cut
 *   commit  all or nothing, also across a crash; OK only when durable
 *   UIDL    immutable, unique in the mailbox, never used again
 *   open    exclusive; the snapshot does not change while the session is open
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/outcome.h"
#include "message/index_set.h"
#include "message/maildrop.h"

#define STORE_MAILBOX_MAXIMUM_OCTETS 255 /* of a mailbox name with its NUL */

struct store;
struct store_session; /* an open maildrop; its lock is held */
struct store_append;  /* a message on its way in */

struct store_call {
	void (*done)(struct store_call *call);
	enum outcome outcome; /* set before done */
};

/*
 * What the session process needs to read the maildrop by itself: a read-only
 * descriptor of the mailbox's index and the snapshot's place in it; see
 * store/snapshot.h. The index is only appended to or replaced, so a mapped
 * snapshot never changes.
 */
struct store_snapshot {
	int descriptor; /* owned by who gets it */
	uint64_t trailer_offset;
	uint32_t count;
	uint64_t octets;
};

struct store_open_call {
	struct store_call call;
	const char *mailbox; /* canonical account name; made when missing */
	/* out */
	struct store_session *session;
	struct store_snapshot snapshot;
	/* The session's lock runs out after so long, unless it is renewed; 0:
	   never. */
	uint32_t lease_ms;
};

struct store_renew_call {
	struct store_call call;
	struct store_session *session;
};

struct store_read_call {
	struct store_call call;
	struct store_session *session;
	uint32_t index; /* 0-based in the snapshot */
	/* out: read-only; the stored message is `octets` from `offset` on.
	   -1 when the store has no files: then read_at serves it. */
	int descriptor;
	uint64_t offset;
	uint64_t octets;
};

struct store_read_at_call {
	struct store_call call;
	struct store_session *session;
	uint32_t index;
	uint64_t offset; /* in the stored message */
	unsigned char *to;
	size_t room;
	size_t octets; /* out; 0 at the end */
};

struct store_commit_call {
	struct store_call call;
	struct store_session *session;
	const struct index_set *deleted; /* borrowed until done */
};

struct store_append_call {
	struct store_call call;
	const char *mailbox;	  /* begin: where to */
	uint64_t expected_octets; /* begin: 0 when unknown */
	/* begin: of this mailbox, where it is not 0; else as of all */
	uint64_t quota_octets, quota_messages;
	unsigned quota_soft_percent;
	struct bytes chunk;	     /* write: borrowed until done */
	struct store_append *append; /* out of begin, in of write and commit */
	char uidl[UIDL_MAXIMUM_OCTETS + 1]; /* out of commit */
};

struct store_note_call {
	struct store_call call;
	struct store_session *session;
	const struct index_set *retrieved; /* borrowed until done */
};

struct store_expire_call {
	struct store_call call;
	const char *mailbox;
	/* How long a message is kept: from its arrival on, or from the first
	   time that it was noted as retrieved. */
	uint64_t kept_seconds;
	bool is_from_retrieval;
	/* out */
	uint32_t removed;
};

struct store_stat_call {
	struct store_call call;
	const char *mailbox;
	/* out */
	uint32_t count;
	uint64_t octets;
	bool is_open; /* a session holds its lock */
};

/*
 * Makes anew what the store keeps beside the mail so as not to read it all
 * again, or, to `repair`, compares it with the mail first and keeps it when
 * both agree. UIDLs stay.
 */
struct store_mend_call {
	struct store_call call;
	const char *mailbox;
	bool is_repair;
	/* While it is under way: messages of those to be read in this pass. May
	   be looked at on any thread. */
	_Atomic uint32_t done_messages, total_messages;
	/* out */
	uint32_t count; /* of messages then */
	uint64_t octets;
	bool was_damaged, was_missing, was_made_anew;
	uint32_t wrong;	    /* were not what was kept of them */
	uint32_t new_found; /* nothing was kept of them */
	uint32_t removed;   /* there was something kept of, and no message */
	uint32_t leftovers; /* of deliveries that never ended, removed */
	uint32_t uidls_restored;
	uint64_t uidls_set_aside_octets; /* of the journal of UIDLs, damaged */
};

struct store_ops {
	const char *name;
	/* ERR_BUSY: another session has it. ERR_BROKEN, ERR_TRY_LATER. */
	void (*open)(struct store *store, struct store_open_call *call);
	/* ERR_GONE: another program removed it; ERR_TRY_LATER. */
	void (*read)(struct store *store, struct store_read_call *call);
	/* What was read before counts only when the end was reached without an
	   error: another program may have changed it meanwhile (ERR_GONE). */
	void (*read_at)(struct store *store, struct store_read_at_call *call);
	/* The snapshot stays as it was; the session is only to be released. */
	void (*commit)(struct store *store, struct store_commit_call *call);
	/* Messages that were sent whole, for expire; the first time counts. */
	void (*note_retrieved)(struct store *store, struct store_note_call *c);
	/*
	 * Removes what was kept long enough, as commit would. Looks at all
	 * messages at most once an hour, else costs nothing. ERR_BUSY: a
	 * session has the mailbox. ERR_DENIED: there is no such mailbox yet.
	 */
	void (*expire)(struct store *store, struct store_expire_call *call);
	/*
	 * Not while a session has the mailbox: ERR_BUSY. ERR_DENIED: there is no
	 * such mailbox yet. ERR_BROKEN, ERR_NO_SPACE, ERR_TRY_LATER. NULL: the
	 * store keeps nothing of the kind.
	 */
	void (*mend)(struct store *store, struct store_mend_call *call);
	/*
	 * Keeps the session's lock for another lease. ERR_GONE: it has run out,
	 * another may have the maildrop; the session is only to be released,
	 * and commit gives ERR_GONE too. ERR_TRY_LATER: it may still be renewed.
	 */
	void (*renew)(struct store *store, struct store_renew_call *call);
	/* Frees the session and its lock. Calls under way finish first. */
	void (*release)(struct store *store, struct store_session **session);

	/* For the administrator: takes no lock, makes nothing. ERR_DENIED: there
	   is no such mailbox yet. */
	void (*stat)(struct store *store, struct store_stat_call *call);

	void (*append_begin)(struct store *store, struct store_append_call *c);
	void (*append_write)(struct store *store, struct store_append_call *c);
	/* Frees the append, whatever the outcome. */
	void (*append_commit)(struct store *store, struct store_append_call *c);
	/* Nothing of it stays. Calls under way finish first. */
	void (*append_abort)(struct store *store, struct store_append **append);

	/* What can wait and is to be done some time: called about once a second
	   after an append; false when there is nothing more. */
	bool (*tend)(struct store *store);

	void (*free)(struct store **store);
};

/* The first member of every implementation. */
struct store {
	const struct store_ops *ops;
};

#endif
