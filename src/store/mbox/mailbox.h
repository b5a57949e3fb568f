/* SPDX-License-Identifier: ISC */
/*
 * mailbox - one mbox file with its state, as one job sees it: opened, locked
 * against other programs, with what a crash left undone carried out.
 */
#ifndef STORE_MBOX_MAILBOX_H
#define STORE_MBOX_MAILBOX_H

#include "store/mbox/scan.h"
#include "store/registry.h"
#include "store/state_folder.h"

#define MAILBOX_NOTICE_OCTETS 400
/* How long the locks of other programs are waited for. */
#define MBOX_LOCK_WAIT_MS 5000
/* A lock file that its owner has not touched for so long is left over. */
#define MBOX_LOCK_STALE_SECONDS 300
#define MBOX_LOCK_SUFFIX	".lock"

/* What is the same for every mailbox; never changes. */
struct mbox_settings {
	struct files *files;
	int mail_root;
	int state_root;
	const char *template;
	const char *hostname; /* whose lock files are ours */
	struct store_quota quota;
	uint32_t lock_wait_ms;
};

struct mbox {
	const struct mbox_settings *settings;
	struct files *files;
	char name[STORE_MAILBOX_MAXIMUM_OCTETS];
	char path[MAILBOX_PATH_OCTETS]; /* below mail_root */
	char state_name[STATE_NAME_OCTETS];
	struct state_folder state; /* of that name: it stays where it is */
	int folder;		   /* that holds the file; -1 when not locked */
	int descriptor;	   /* of the file, with its lock; -1 when not locked */
	bool is_read_only; /* it cannot be written, and is not locked by file */
	bool has_lock_file;
	char notice[MAILBOX_NOTICE_OCTETS]; /* to be told, or empty */
};

/* Errors  ERR_PEER (the name cannot be a mailbox), ERR_BROKEN (template) */
enum outcome mbox_init(struct mbox *mbox, const struct mbox_settings *settings,
	const char *name);
/* The first notice stays until it is told. */
__attribute__((format(printf, 2, 3))) void mbox_notice(
	struct mbox *mbox, const char *format, ...);
/* Tells what cannot be done with the file, and what to do. */
enum outcome mbox_trouble(struct mbox *mbox, int error);

/*
 * Opens the file, with `may_make` makes it and its folders, durably. No lock.
 * Returns a descriptor or a negative errno.
 */
int mbox_open_file(struct mbox *mbox, int flags, bool may_make);
/*
 * Opens and locks it: fcntl(2) first, then NAME.lock, as Debian's policy 11.6
 * says; then carries out what a crash left undone.
 * Errors  ERR_DENIED (no such file), ERR_BUSY (another program has it),
 *         ERR_BROKEN, ERR_NO_SPACE, ERR_TRY_LATER
 */
enum outcome mbox_lock(struct mbox *mbox, bool may_make);
void mbox_unlock(struct mbox *mbox);

/* ---- lock_file.c ---- */

/* Errors  ERR_BUSY; none where nobody may make files */
enum outcome mbox_lock_file_make(struct mbox *mbox);
void mbox_lock_file_remove(struct mbox *mbox);
/* Waits a little; false when `*waited_ms` has reached the most. */
bool mbox_lock_wait(const struct mbox *mbox, uint32_t *waited_ms);

#endif
