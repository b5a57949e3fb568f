/* SPDX-License-Identifier: ISC */
/*
 * journal - the deletions of one QUIT, on disk before the first file goes;
 * docs/formats/deletions.md.
 *
 * One record in a file that has its blocks beforehand: once written and synced
 * all of it will be carried out, after a crash by the next open. An entry holds
 * the inode number too, so that replaying never touches a file that took the
 * name of a deleted one.
 */
#ifndef STORE_MAILDIR_JOURNAL_H
#define STORE_MAILDIR_JOURNAL_H

#include "store/maildir/mailbox.h"
#include "store/uidl.h"

struct journal_entry {
	unsigned char digest[UIDL_DIGEST_OCTETS]; /* of the base name */
	uint64_t inode;
	bool may_come_again; /* not a name of ours: bury its UIDL */
};

struct journal {
	uint32_t count, capacity;
	unsigned char *record; /* as in the file */
};

#define JOURNAL_EMPTY ((struct journal){0, 0, NULL})

/* Blocks for deleting `messages`; durable the first time. */
enum outcome journal_reserve(struct mailbox *mailbox, uint32_t messages);

bool journal_add(struct journal *journal, const struct journal_entry *entry);
void journal_get(
	const struct journal *journal, uint32_t at, struct journal_entry *out);
void journal_release(struct journal *journal);

/* OK only when the record is on disk. */
enum outcome journal_write(struct mailbox *mailbox, struct journal *journal);
/* Replaying a record once more does no harm as long as no name of it can come
   again: only then may it stay unsynced. */
enum outcome journal_clear(struct mailbox *mailbox, bool must_sync);
/* What is to be replayed; count is 0 when nothing is. */
enum outcome journal_read(struct mailbox *mailbox, struct journal *out);
/* Sorts by digest, for journal_find. */
void journal_sort(struct journal *journal);
bool journal_find(const struct journal *journal,
	const unsigned char digest[UIDL_DIGEST_OCTETS],
	struct journal_entry *out);

#endif
