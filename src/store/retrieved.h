/* SPDX-License-Identifier: ISC */
/*
 * retrieved - when a message was first sent whole to its owner, for mailboxes
 * whose retention counts from then. A file of its own, only appended to until
 * it is replaced by a shorter one; docs/formats/retrieved.md.
 *
 * Losing its end in a crash keeps mail longer, never shorter: nothing is
 * synced. Memory: 32 octets a message while it is open.
 */
#ifndef STORE_RETRIEVED_H
#define STORE_RETRIEVED_H

#include "store/state_folder.h"
#include "store/uidl.h"

struct retrieved_entry {
	unsigned char
		digest[UIDL_DIGEST_OCTETS]; /* of what names the message */
	uint64_t seconds;
	bool is_used; /* looked up since: its message is there */
};

struct retrieved {
	const struct state_folder *state;
	struct retrieved_entry *entries;
	uint32_t count, capacity;
	uint32_t *slots; /* entry + 1, 0 is free */
	uint32_t slot_count;
	uint64_t end;	/* of the file */
	uint32_t known; /* entries that are in the file */
};

/* Errors  ERR_TRY_LATER; a file that is not there is empty */
enum outcome retrieved_open(
	struct retrieved *retrieved, const struct state_folder *state);
void retrieved_release(struct retrieved *retrieved);
/* False: never. */
bool retrieved_find(struct retrieved *retrieved,
	const unsigned char digest[UIDL_DIGEST_OCTETS], uint64_t *out_seconds);
/* Nothing happens when it is noted already. False: memory is short. */
bool retrieved_note(struct retrieved *retrieved,
	const unsigned char digest[UIDL_DIGEST_OCTETS], uint64_t seconds);
/* Appends what was noted. */
enum outcome retrieved_write(struct retrieved *retrieved);
/* After all of the mailbox was looked up: drops what is no longer there when
   that is most of the file. */
enum outcome retrieved_tidy(struct retrieved *retrieved);

#endif
