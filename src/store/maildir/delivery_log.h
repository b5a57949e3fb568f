/* SPDX-License-Identifier: ISC */
/*
 * delivery_log - one of the two files of the delivery journal: messages that
 * are acknowledged while their Maildir files are not yet synced;
 * docs/formats/deliveries.md.
 *
 * The file has its blocks beforehand and is only written over, so that a sync
 * moves data alone, and a full disk does not matter. Blocking; one thread at a
 * time, but delivery_log_void may run beside the others.
 */
#ifndef STORE_MAILDIR_DELIVERY_LOG_H
#define STORE_MAILDIR_DELIVERY_LOG_H

#include "base/outcome.h"
#include "store/files.h"

#define DELIVERY_LOGS	       2
#define DELIVERY_LOG_OCTETS    (4u << 20)
#define DELIVERY_LOG_MINIMUM   (192u << 10) /* octets of a file */
#define DELIVERY_LOG_MAXIMUM   (1u << 30)
#define DELIVERY_LOG_START     4096 /* of the first group */
#define DELIVERY_GROUP_ALIGNED 4096
/* Stamps and body of a message that goes this way; a larger one is synced in
   its own file, since writing it twice would cost more. */
#define DELIVERY_MESSAGE_OCTETS 65536

struct delivery_log {
	struct files *files;
	int state_root; /* borrowed */
	unsigned number;
	int descriptor;	 /* -1: not open */
	uint32_t octets; /* of the file; what a new one is to have */
	uint64_t generation;
	uint32_t boot; /* of the system that wrote the records */
};

struct delivery_record {
	struct bytes mailbox;
	struct bytes name; /* of the file in new/ */
	struct bytes message;
};

/* Errors  ERR_GONE (there is none and not `may_make`), ERR_BROKEN (damaged: it
 *         is set aside as "deliveries.N.damaged"), ERR_NO_SPACE,
 *         ERR_TRY_LATER */
enum outcome delivery_log_open(
	struct delivery_log *log, bool may_make, uint32_t boot);
void delivery_log_close(struct delivery_log *log);
/* Closes it for good. It holds no records. */
void delivery_log_remove(struct delivery_log *log);

/* What a record takes, with what makes the next one aligned. */
size_t delivery_record_octets(const struct delivery_record *record);
/* Writes it to `to`, which is to stand at `offset`. */
void delivery_record_encode(const struct delivery_log *log, uint64_t offset,
	const struct delivery_record *record, unsigned char *to);

/*
 * Records that follow each other, at a multiple of DELIVERY_GROUP_ALIGNED. OK:
 * they are on disk. Else none of them will be found, as far as the disk lets
 * us, and nothing may be written behind it.
 */
enum outcome delivery_log_write(
	struct delivery_log *log, uint64_t offset, struct bytes group);
/* The record is not to be delivered after all; durable. */
enum outcome delivery_log_void(struct delivery_log *log, uint64_t offset);
/* Forgets all records; durable. */
enum outcome delivery_log_renew(struct delivery_log *log, uint32_t boot);

/*
 * Calls `each` for every record that is not void, in their order, until it
 * does not say OK; that is the answer then.
 * Errors  ERR_TRY_LATER (memory, I/O)
 */
enum outcome delivery_log_read(struct delivery_log *log,
	enum outcome (*each)(
		void *context, const struct delivery_record *record),
	void *context);

#endif
