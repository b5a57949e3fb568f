/* SPDX-License-Identifier: ISC */
/*
 * mailbox - one Maildir with its state, as the jobs of that mailbox see it: one
 * thread at a time, kept in order by the executor.
 */
#ifndef STORE_MAILDIR_MAILBOX_H
#define STORE_MAILDIR_MAILBOX_H

#include "store/executor.h"
#include "store/files.h"
#include "store/index_format.h"
#include "store/maildir/listing.h"
#include "store/maildir/names.h"
#include "store/maildir/watch.h"
#include "store/registry.h"
#include "store/state_folder.h"
#include "store/store.h"

#define MAILBOX_NOTICE_OCTETS 400

/* What is the same for every mailbox; never changes. */
struct maildir_settings {
	struct files *files;
	struct executor *executor;
	int mail_root;
	int state_root;
	const char *template;
	const char *hostname;
	bool is_shared;
	uint32_t boot; /* differs after the system was started again */
	/* The delivery journal may hold names from here on. */
	const _Atomic uint64_t *journal_oldest_seconds;
	struct store_quota quota;
	struct watches *watches; /* NULL: every change costs a scan */
	dev_t mail_device;	 /* the file system that the journal can sync */
};

/* The index as it was when it was last looked at. */
struct index_state {
	uint64_t inode;
	uint64_t generation;
	uint32_t trailer_number;
	bool is_loaded;
	bool has_tail; /* octets behind the trailer: nothing can be appended */
	struct index_trailer trailer;
};

struct index_view;

struct mailbox {
	const struct maildir_settings *settings;
	struct files *files;
	char *name;
	char *maildir; /* below mail_root; in the memory of `name` */
	struct state_folder state;
	int root; /* the Maildir; -1 when not open */
	/* When it was last asked: the journal's sync reaches the Maildir. */
	bool is_on_mail_device;
	bool is_local; /* and the state: nobody waits for another host */
	struct index_state index;
	struct index_view *kept; /* for the next session; mostly NULL */
	struct watch *watch;
	/* Deliveries that wait for the journal: not in the index yet. */
	_Atomic uint64_t arriving_octets;
	_Atomic uint32_t arriving_messages;
	bool must_scan; /* the index may lack something, whatever the stamps */
	bool must_rebuild; /* damage was found */
	bool is_checked;   /* seen to be in order by this process */
	bool may_be_gone;  /* a power cut may have taken the Maildir */
	bool is_swept;	   /* tmp/ has no leftovers */
	bool is_replayed;  /* no deletion of an earlier run is left */
	/* Names of what a process made that was killed before they were on
	   disk: synced once, when it matters. */
	bool is_root_entered, is_journal_entered, is_uidls_entered;
	uint64_t journal_octets; /* allocated for deletions */
	/* Nothing falls due before, for a retention of `expiry_seconds`. */
	uint64_t next_expiry_ns, expiry_seconds;
	/* An index that could not be written to disk; -1 else. For one open. */
	int memory_index, memory_names;
	ino_t kept_inodes[2]; /* of new/ and cur/, when `kept` was taken */
	char *notice;	      /* to be told, or NULL */
	struct store_mend_call
		*mending; /* is told how far it is; mostly NULL */
};

#define STAMPS_TRUSTED (INDEX_NEW_TRUSTED | INDEX_CUR_TRUSTED)

struct stamps {
	uint64_t new_ns, cur_ns;
	ino_t inodes[2]; /* of new/ and cur/ */
	uint8_t flags;	 /* enum index_trailer_flag: old enough to trust */
};

/*
 * Owned by the caller, who gives it to mailbox_end; not after an error.
 * Errors  ERR_PEER (the name cannot be a mailbox), ERR_BROKEN (template),
 *         ERR_TRY_LATER (memory)
 */
enum outcome mailbox_init(struct mailbox *mailbox,
	const struct maildir_settings *settings, const char *name);
/* Closes what is open but for what is kept; the mailbox stays usable. */
void mailbox_rest(struct mailbox *mailbox);
/* Closes all, ends the watch, frees what mailbox_init made. */
void mailbox_end(struct mailbox *mailbox);
/* The first notice stays until it is told. */
__attribute__((format(printf, 2, 3))) void mailbox_notice(
	struct mailbox *mailbox, const char *format, ...);

/* Tells which path cannot be used, and what to do. `error`: a negative errno. */
void mailbox_trouble(struct mailbox *mailbox, const char *path, int error);

/*
 * Opens the Maildir, and with `may_make` makes what is missing of it, durably.
 * One that is missing although the index knows messages of it is not made:
 * clients would take them for deleted.
 * Errors  ERR_DENIED (not there), ERR_BROKEN (something else is),
 *         ERR_NO_SPACE, ERR_TRY_LATER (too: it was there)
 */
enum outcome mailbox_open_root(struct mailbox *mailbox, bool may_make);
/* Whether it is on the file system that the delivery journal's sync reaches. */
bool mailbox_ask_device(struct mailbox *mailbox);
/* Sets is_local. Another file system may be mounted there at any time: it is
   asked before each scan. */
bool mailbox_ask_local(struct mailbox *mailbox);
/* Removes what deliveries that never ended left in tmp/: ours, and those of
   others after 36 hours. Once in the mailbox's life in memory. */
void mailbox_sweep(struct mailbox *mailbox);
/* The same at any time, when ours may be under way. Files removed. */
uint32_t mailbox_sweep_again(struct mailbox *mailbox);
/* Of the messages that are to be read, so many were. */
void mailbox_progress(struct mailbox *mailbox, uint32_t done, uint32_t total);
enum outcome mailbox_stamps(struct mailbox *mailbox, struct stamps *out);
/* The same without the open Maildir, of what is in its place by now. False:
   mailbox_ready says why. */
bool mailbox_stamps_by_path(struct mailbox *mailbox, struct stamps *out);
/* listing_scan, which tells what it cannot read. */
enum outcome mailbox_scan(struct mailbox *mailbox, struct listing *listing);
enum outcome mailbox_sync_directory(struct mailbox *mailbox, const char *path);
/* The Maildir itself, and all that it is in below mail_root, will be there
   after a power cut. Costs something once in the mailbox's life in memory. */
enum outcome mailbox_enter_root(struct mailbox *mailbox);

/* Whether a message that was deleted may be there again: other programs may
   bring names back, a power cut those that the delivery journal holds. */
bool mailbox_may_come_again(
	const struct mailbox *mailbox, const struct file_name *name);
/* Whether one that is not there may be held by the delivery journal, which could
   not file it at the start: nobody has deleted that. */
bool mailbox_may_be_filed_yet(
	const struct mailbox *mailbox, const struct file_name *name);

/* Paths below state_root: "index/NAME/FILE" or "mailbox/NAME/FILE". */
void mailbox_state_path(const struct mailbox *mailbox, const char *kind,
	const char *file, char out[STATE_PATH_OCTETS]);
/* Opens a state file; with O_CREAT makes the folders it needs. */
int mailbox_open_state(
	struct mailbox *mailbox, const char *kind, const char *file, int flags);
/* Makes the entry of a new state file, and of its folders, durable. */
int mailbox_sync_state(struct mailbox *mailbox, const char *kind);

#endif
