/* SPDX-License-Identifier: ISC */
/*
 * mbox_uidls - which UIDLs the messages of an mbox have; docs/formats/mbox.md.
 *
 * A message is known by its digest and a number, which tells apart messages of
 * equal content, and those that were deleted from one that comes again. The
 * UIDL is made of both. Numbers of one digest are given in the file's order:
 * first those that are noted as kept, then from the epoch's first on, without
 * those that are noted as gone. So nothing needs to be written for a message
 * that others brought, and the file says only what was deleted here.
 *
 * Memory: 32 octets an entry while it is open.
 */
#ifndef STORE_MBOX_UIDLS_H
#define STORE_MBOX_UIDLS_H

#include "store/mbox/scan.h"
#include "store/state_folder.h"

enum mbox_uidls_kind {
	MBOX_UIDLS_GONE = 1,  /* never given again */
	MBOX_UIDLS_KEPT = 2,  /* given, and not to be found by counting */
	MBOX_UIDLS_EPOCH = 3, /* numbers are counted from here on */
};

struct mbox_uidls_entry {
	unsigned char digest[UIDL_DIGEST_OCTETS];
	uint64_t number;
	uint8_t kind;
};

struct mbox_uidls {
	const struct state_folder *state;
	struct mbox_uidls_entry *entries;
	uint32_t count, capacity;
	uint32_t known; /* entries that are in the file */
	uint64_t epoch; /* the first number to count from */
	uint64_t end;	/* of what the file holds */
};

/* Errors  ERR_TRY_LATER; a file that is not there is empty */
enum outcome mbox_uidls_open(
	struct mbox_uidls *uidls, const struct state_folder *state);
void mbox_uidls_release(struct mbox_uidls *uidls);
/* Gives each message its number. Errors  ERR_TRY_LATER (memory) */
enum outcome mbox_uidls_assign(
	struct mbox_uidls *uidls, struct mbox_scan *scan);
/* Adds an entry; it is durable after mbox_uidls_sync. False: no memory. */
bool mbox_uidls_add(struct mbox_uidls *uidls, enum mbox_uidls_kind kind,
	const unsigned char digest[UIDL_DIGEST_OCTETS], uint64_t number);
enum outcome mbox_uidls_sync(struct mbox_uidls *uidls);
/* The last entry that was synced is not needed: its room is free again. */
void mbox_uidls_take_back(struct mbox_uidls *uidls);
/* Blocks for `more` entries. */
enum outcome mbox_uidls_reserve(struct mbox_uidls *uidls, uint32_t more);
/*
 * When most entries are of messages that are no longer there: begins a new
 * epoch, in which none of them can come again, and writes the file anew.
 * `scan` has its numbers.
 */
enum outcome mbox_uidls_tidy(
	struct mbox_uidls *uidls, const struct mbox_scan *scan);

/* False: libcrypto failed. */
bool mbox_uidls_print(const unsigned char digest[UIDL_DIGEST_OCTETS],
	uint64_t number, char out[UIDL_OWN_OCTETS + 1]);
/* A number for a message of our own: above all that are counted and all that
   were given before, so that the order is that of arrival. */
uint64_t mbox_uidls_own_number(const struct mbox_uidls *uidls);

#endif
