/* SPDX-License-Identifier: ISC */
/*
 * mbox_scan - the messages of an mbox file, and how the file was when it was
 * read: as long as it is so, it need not be read again.
 *
 * Memory: 150 octets a message.
 */
#ifndef STORE_MBOX_SCAN_H
#define STORE_MBOX_SCAN_H

#include "message/measure.h"
#include "store/files.h"
#include "store/index_format.h"
#include "store/mbox/content.h"
#include "store/mbox/parser.h"

#define SCAN_READ_OCTETS      65536
#define SCAN_MAXIMUM_MESSAGES (1u << 24)

struct mbox_message {
	uint64_t from_offset; /* of its From_ line in the file */
	uint64_t offset;      /* of its first octet */
	uint64_t end;	      /* behind its last */
	uint64_t next;	      /* where the next From_ line is, or the end */
	uint64_t
		arrived_seconds; /* as the From_ line says; 0 when it does not */
	bool has_quotes;
	unsigned char digest[UIDL_DIGEST_OCTETS];
	uint64_t number; /* among those of this digest; mbox/uidls.h */
	struct index_message index;
};

struct mbox_stamp {
	dev_t device;
	ino_t inode;
	uint64_t octets, modified_ns, changed_ns;
	/* Too fresh: another change may leave the same times. */
	bool is_fresh;
};

struct mbox_scan {
	struct mbox_stamp stamp;
	struct mbox_message *messages;
	uint32_t count, capacity;
	uint64_t octets; /* as announced */
};

struct mbox_stamp mbox_stamp_of(struct files *files, const struct stat *status);
/* The same file, with nothing changed in between. */
bool mbox_stamp_is_same(
	const struct mbox_stamp *before, const struct mbox_stamp *now);

/*
 * Errors  ERR_BROKEN (it is no mbox), ERR_TRY_LATER (memory, I/O)
 */
enum outcome mbox_scan_read(
	struct files *files, int descriptor, struct mbox_scan **out);
void mbox_scan_free(struct mbox_scan **scan);

#endif
