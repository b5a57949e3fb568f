/* SPDX-License-Identifier: ISC */
/*
 * check - compares a mailbox's index with its Maildir, message by message.
 * Reads only: it may run beside the server, whose changes meanwhile are told
 * as such.
 */
#ifndef STORE_MAILDIR_CHECK_H
#define STORE_MAILDIR_CHECK_H

#include "store/maildir/mailbox.h"
#include "store/registry.h"

struct store_check {
	uint32_t messages; /* in the index */
	uint64_t octets;   /* of them, as announced */
	uint32_t
		new_files; /* in the Maildir alone: indexed at the next login */
	uint32_t wrong;	   /* messages that are not what the index says */
	uint32_t unreadable; /* of the wrong: nothing is known of them */
	bool has_index, has_changed;	     /* while it was looked at */
	char trouble[MAILBOX_NOTICE_OCTETS]; /* which path, and why; or empty */
};

/* What is told meanwhile. */
struct store_check_teller {
	/* Each thing that is wrong; `name`: a file. */
	void (*wrong)(struct store_check_teller *teller, const char *name,
		const char *what);
	/* How many messages were looked at; may be NULL. */
	void (*progress)(struct store_check_teller *teller, uint32_t done,
		uint32_t total);
};

/*
 * options  mail_root, mail_template, state_root and hostname count
 * Errors   ERR_DENIED (no such mailbox), ERR_PEER, ERR_TRY_LATER, ERR_BROKEN
 *          (the index is damaged, or the Maildir cannot be read)
 */
enum outcome maildir_check(const struct store_options *options,
	const char *mailbox, struct store_check_teller *teller,
	struct store_check *out);
/* The same in the store itself, between other jobs of the mailbox. */
enum outcome maildir_check_mailbox(struct mailbox *mailbox,
	struct store_check_teller *teller, struct store_check *out);

#endif
