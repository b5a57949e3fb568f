/* SPDX-License-Identifier: ISC */
/*
 * session - an open maildrop: reading its messages, deleting them at QUIT.
 */
#ifndef STORE_MAILDIR_SESSION_H
#define STORE_MAILDIR_SESSION_H

#include "store/maildir/index_file.h"

struct session {
	struct mailbox *mailbox;
	struct index_view *view; /* the snapshot */
	/* It has not opened the Maildir yet, in which new/ and cur/ are these. */
	bool has_no_root;
	ino_t inodes[2];
	/* Where the files are that others renamed since; made when one is not
	   where it was. Mostly NULL. */
	struct whereabouts *whereabouts;
	int read_at; /* the message that was read last, or -1 */
	uint32_t read_at_index;
};

enum outcome session_open(struct session *session, struct mailbox *mailbox,
	struct store_snapshot *out);
/* The same when mailbox_is_as_kept. */
enum outcome session_open_kept(struct session *session, struct mailbox *mailbox,
	struct store_snapshot *out);
/* Nothing is closed by that whose blocks the file system has to free. */
bool session_is_quickly_closed(const struct session *session);
void session_close(struct session *session);

enum outcome session_read(
	struct session *session, struct store_read_call *call);
enum outcome session_read_at(
	struct session *session, struct store_read_at_call *call);
enum outcome session_commit(
	struct session *session, const struct index_set *deleted);

/* Before its files are used. Errors  ERR_TRY_LATER (too: by now it is another
   Maildir, an empty one beneath what was unmounted, say), ERR_BROKEN */
enum outcome session_open_root(struct session *session);
/* What the index says. Errors  ERR_PEER, ERR_BROKEN, ERR_TRY_LATER */
enum outcome session_look_up(struct session *session, uint32_t index,
	struct index_message *out_message, struct file_name *out_name);
/* For session_commit: the message, and the name its file has now, with the
   file's status. ERR_GONE: there is no such file. */
enum outcome session_find(struct session *session, uint32_t index,
	struct index_message *out_message, struct file_name *out_name,
	struct stat *out_status);
/* Where a file that was `name` is now; false when nowhere. */
bool session_relocate(struct session *session, struct file_name *name);

#endif
