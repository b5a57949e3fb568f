/* SPDX-License-Identifier: ISC */
/*
 * uidls - the UIDLs of a mailbox that do not follow from a file's name: given
 * from outside, or made because a name came again; and which names were
 * deleted. A file of its own, only appended to; docs/formats/uidls.md.
 *
 * The last entry of a name counts. Memory: 32 octets a name while it is open.
 */
#ifndef STORE_MAILDIR_UIDLS_H
#define STORE_MAILDIR_UIDLS_H

#include "store/maildir/mailbox.h"
#include "store/uidl.h"

enum uidls_kind {
	UIDLS_NONE = 0,	 /* the digest of the base name is the UIDL */
	UIDLS_GONE = 1,	 /* deleted: its UIDL is never given again */
	UIDLS_GIVEN = 2, /* the UIDL is in the entry */
};

struct uidls_entry;

struct uidls {
	struct mailbox *mailbox;
	struct uidls_entry *entries; /* open addressing */
	uint32_t count, capacity;
	/* What is still to be written. */
	unsigned char *pending;
	size_t pending_octets, pending_capacity;
	uint64_t end;		 /* of the file */
	uint64_t damaged_octets; /* of it, skipped */
};

/* Errors  ERR_TRY_LATER; a file that is not there is empty */
enum outcome uidls_open(struct uidls *uidls, struct mailbox *mailbox);
void uidls_release(struct uidls *uidls);
/* `out` gets the UIDL when it is UIDLS_GIVEN. Errors  ERR_TRY_LATER */
enum outcome uidls_find(struct uidls *uidls,
	const unsigned char digest[UIDL_DIGEST_OCTETS],
	enum uidls_kind *out_kind, char out[UIDL_MAXIMUM_OCTETS + 1]);
/* Has the name's message with `uidl` been deleted, and another one taken the
   name? *out is left alone when not. */
enum outcome uidls_has_left(struct uidls *uidls,
	const unsigned char digest[UIDL_DIGEST_OCTETS], struct bytes uidl,
	bool *out);
/* Errors  ERR_PEER (no valid UIDL), ERR_TRY_LATER (memory) */
enum outcome uidls_give(struct uidls *uidls,
	const unsigned char digest[UIDL_DIGEST_OCTETS], struct bytes uidl);
enum outcome uidls_bury(
	struct uidls *uidls, const unsigned char digest[UIDL_DIGEST_OCTETS]);
/* Asks `is_good` about every UIDL that was given and still counts.
   Errors  ERR_PEER (it said no), ERR_TRY_LATER */
enum outcome uidls_each_given(struct uidls *uidls,
	bool (*is_good)(void *context,
		const unsigned char digest[UIDL_DIGEST_OCTETS],
		struct bytes uidl),
	void *context);
/* Makes what was given and buried durable. */
enum outcome uidls_sync(struct uidls *uidls);
/*
 * Replaces the file by one that holds only what is valid; the whole stays
 * beside it as `uidls.damaged.` and seconds since 1970. At no time is there
 * neither.
 */
enum outcome uidls_set_aside(struct mailbox *mailbox);

#endif
