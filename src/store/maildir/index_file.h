/* SPDX-License-Identifier: ISC */
/*
 * index_file - a mailbox's index on disk: finding its last trailer, reading
 * its messages in order, appending and replacing.
 */
#ifndef STORE_MAILDIR_INDEX_FILE_H
#define STORE_MAILDIR_INDEX_FILE_H

#include "store/index_map.h"
#include "store/index_writer.h"
#include "store/maildir/mailbox.h"
#include "store/maildir/names.h"

#define INDEX_READER_RECORDS 256
/* An index up to this is read whole when it is seen for the first time. */
#define INDEX_SMALL_RECORDS 1024

/* Reads records through a window. */
struct index_reader {
	struct index_source source; /* first */
	struct files *files;
	int descriptor; /* borrowed */
	uint32_t first, count;
	unsigned char window[INDEX_READER_RECORDS * INDEX_RECORD_OCTETS];
};

void index_reader_init(
	struct index_reader *reader, struct files *files, int descriptor);

/* What walks an index: 40 KiB. */
struct index_walk {
	struct index_reader records;
	struct index_reader long_uidls;
	struct names_reader file_names;
};

/* An index that is open for reading. */
struct index_view {
	struct files *files;
	int index, names;
	/* NULL until a message is asked for: most sessions only want to know
	   whether there is something new, and a view lasts as long as they. */
	struct index_walk *walk;
	struct index_map map;
	bool has_map;
	uint64_t inode, generation;
	struct index_trailer trailer;
	uint32_t trailer_number;
};

/*
 * Finds the last trailer unless mailbox->index knows it. *out_index is a
 * read-only descriptor for the caller.
 * Errors  ERR_GONE (there is none), ERR_BROKEN, ERR_TRY_LATER
 */
enum outcome index_file_open(struct mailbox *mailbox, int *out_index);
/* Whether the file of this status is the one that mailbox->index tells of. */
bool index_file_is_known(
	const struct mailbox *mailbox, const struct stat *status);

/* Names of the same generation. */
enum outcome index_file_open_names(
	struct mailbox *mailbox, uint64_t generation, int flags, int *out);

/* Takes both descriptors (left -1), also on failure. */
enum outcome index_view_new(struct mailbox *mailbox, int *index, int *names,
	struct index_view **out);
/* The index as it is, in memory or on disk. Errors  as index_file_open */
enum outcome index_view_open(struct mailbox *mailbox, struct index_view **out);
void index_view_free(struct files *files, struct index_view **view);
/* Whether it is of the file that mailbox->index tells of; what was appended
   since may be missing in it. */
bool index_view_is_current(
	const struct index_view *view, const struct mailbox *mailbox);
/* Nothing is read any more for a while: frees what only reading needs. */
void index_view_rest(struct index_view *view);
/* A current one shows the last trailer again. */
void index_view_renew(struct index_view *view, const struct mailbox *mailbox);

/*
 * Message `index` of the view: its record's number and what it says.
 * Errors  ERR_BROKEN, ERR_TRY_LATER
 */
enum outcome index_view_message(struct index_view *view, uint32_t index,
	uint32_t *out_number, struct index_message *out);
enum outcome index_view_name(struct index_view *view,
	const struct index_message *message, struct file_name *out);
/* `to` has room for the longest; the octets go to *out_octets. */
enum outcome index_view_uidl(struct index_view *view,
	const struct index_message *message,
	unsigned char to[UIDL_MAXIMUM_OCTETS], size_t *out_octets);

/* What is to be written, in the caller's words. */
struct index_content {
	/* False: it cannot be. `trailer` comes as it was, to be changed. */
	bool (*write)(struct index_content *content,
		struct index_writer *writer, struct index_trailer *trailer);
};

/*
 * Appends behind the last trailer `content`, and the trailer. On failure nothing can be appended any more.
 */
enum outcome index_file_append(
	struct mailbox *mailbox, struct index_content *content);

/*
 * Replaces the index by one of `count` messages, no more and no less; when
 * that cannot be written to disk, or not `may_persist`, by one in memory for
 * this open.
 */
enum outcome index_file_replace(struct mailbox *mailbox, uint32_t count,
	bool may_persist, struct index_content *content);

#endif
