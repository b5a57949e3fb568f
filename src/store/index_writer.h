/* SPDX-License-Identifier: ISC */
/*
 * index_writer - writes the records of an index, and octets to the names file
 * beside it, in large writes; either a new index or behind the last trailer.
 *
 * The first failure is kept and everything after it does nothing;
 * index_writer_finish tells it.
 *
 * Memory: two buffers of INDEX_WRITER_BUFFER_OCTETS, and 48 octets for each
 * long UIDL of a new index.
 */
#ifndef STORE_INDEX_WRITER_H
#define STORE_INDEX_WRITER_H

#include "store/files.h"
#include "store/index_format.h"

#define INDEX_WRITER_BUFFER_OCTETS 32768

struct index_output {
	unsigned char *buffer;
	size_t octets;	 /* in buffer */
	uint64_t offset; /* of the buffer's first octet in the file */
	int descriptor;	 /* borrowed; -1: there is none */
};

struct index_writer {
	struct files *files;
	struct index_output index;
	struct index_output names;
	/* Long UIDLs of a new index: their records stand behind the messages,
	   which stay dense. */
	uint32_t long_number; /* of the first; 0 when not a new index */
	uint32_t long_count;
	uint32_t long_capacity;
	unsigned char *long_rests;
	int error; /* negative errno */
};

/* A new index of exactly `count` messages; its header is written. */
void index_writer_begin(struct index_writer *writer, struct files *files,
	int index, int names, uint64_t generation, uint32_t count);
/* Goes on with record `number`, and at `names_octets`. */
void index_writer_resume(struct index_writer *writer, struct files *files,
	int index, uint32_t number, int names, uint64_t names_octets);

/* The number that the next record will have. */
uint32_t index_writer_number(const struct index_writer *writer);
/* Appends to the names file; its offset there. */
uint64_t index_writer_names(struct index_writer *writer, struct bytes entry);
/* Fills in the UIDL members of `message`. */
void index_writer_message(struct index_writer *writer,
	struct index_message *message, struct bytes uidl);
void index_writer_tombstone(
	struct index_writer *writer, const struct index_tombstone *tombstone);
/* Of a new index: the messages are all there. */
void index_writer_end_messages(struct index_writer *writer);
/* Ends a snapshot; names_octets is filled in. */
void index_writer_trailer(
	struct index_writer *writer, struct index_trailer *trailer);
/* Writes what is buffered and frees everything: 0 or a negative errno. */
int index_writer_finish(struct index_writer *writer);

#endif
