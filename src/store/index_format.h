/* SPDX-License-Identifier: ISC */
/*
 * index_format - the records of an index, byte by byte; docs/formats/index.md.
 *
 * Every record has INDEX_RECORD_OCTETS and a number, its place in the file from
 * 0. Its checksum is seeded with the number, so a record at a wrong place is a
 * damaged one. Pure.
 */
#ifndef STORE_INDEX_FORMAT_H
#define STORE_INDEX_FORMAT_H

#include "message/maildrop.h"
#include "message/measure.h"

#define INDEX_RECORD_OCTETS 64
/* Of a UIDL within the message record; a longer one has a record of its own. */
#define INDEX_UIDL_INLINE_OCTETS 26
#define INDEX_UIDL_HEAD_OCTETS	 22
/* The file ends before this many records: numbers have 32 bits. */
#define INDEX_MAXIMUM_RECORDS UINT32_MAX
/* Octet counts and offsets have 48 bits. */
#define INDEX_MAXIMUM_OCTETS ((1ull << 48) - 1)

enum index_kind {
	INDEX_DAMAGED = 0,
	INDEX_HEADER = 1,
	INDEX_MESSAGE = 2,
	INDEX_LONG_UIDL = 3,
	INDEX_TOMBSTONE = 4,
	INDEX_TRAILER = 5,
};

enum index_trailer_flag {
	INDEX_NEW_TRUSTED = 1, /* the stamp of new/ was old when it was read */
	INDEX_CUR_TRUSTED = 2,
};

struct index_message {
	uint64_t octets;
	uint64_t stored_octets;
	uint64_t header_octets;
	int32_t surrogate_difference; /* to octets: 24 bits */
	uint64_t names_offset; /* of its file name; 0 in stores without */
	uint8_t flags;	       /* enum maildrop_flag */
	uint8_t uidl_octets;   /* 1..UIDL_MAXIMUM_OCTETS */
	/* The UIDL, or its first INDEX_UIDL_HEAD_OCTETS when it is long. */
	unsigned char uidl[INDEX_UIDL_INLINE_OCTETS];
	uint32_t long_uidl; /* number of the record with the rest, else 0 */
};

struct index_tombstone {
	uint32_t first; /* message records first..last are deleted */
	uint32_t last;
};

struct index_trailer {
	uint32_t count;	 /* messages alive */
	uint64_t octets; /* their sum, as announced */
	uint64_t new_ns; /* the directories' times of the last look, else 0 */
	uint64_t cur_ns;
	uint8_t flags; /* enum index_trailer_flag */
	/* The first `dense` messages are the records 1..dense. */
	uint32_t dense;
	uint64_t names_octets; /* length of the names file */
	uint32_t boot;	       /* of the system that wrote this */
	uint32_t synced;       /* records that were on disk before it began */
};

/* What the measuring of a message found; names and UIDL are left empty. */
struct index_message index_message_of_measure(const struct measure *measure);

/* INDEX_DAMAGED when the checksum is wrong or the kind unknown. */
enum index_kind index_record_kind(
	const unsigned char record[INDEX_RECORD_OCTETS], uint32_t number);

void index_write_header(unsigned char record[INDEX_RECORD_OCTETS],
	uint32_t number, uint64_t generation);
void index_write_message(unsigned char record[INDEX_RECORD_OCTETS],
	uint32_t number, const struct index_message *message);
void index_write_long_uidl(unsigned char record[INDEX_RECORD_OCTETS],
	uint32_t number, struct bytes rest);
void index_write_tombstone(unsigned char record[INDEX_RECORD_OCTETS],
	uint32_t number, const struct index_tombstone *tombstone);
void index_write_trailer(unsigned char record[INDEX_RECORD_OCTETS],
	uint32_t number, const struct index_trailer *trailer);

/* Of a record of that kind. False: its content is impossible. */
bool index_read_header(const unsigned char record[INDEX_RECORD_OCTETS],
	uint64_t *out_generation);
bool index_read_message(const unsigned char record[INDEX_RECORD_OCTETS],
	struct index_message *out);
/* Where the UIDL begins in a message record. */
const unsigned char *index_message_uidl(
	const unsigned char record[INDEX_RECORD_OCTETS]);
/* `octets` of the rest are copied to `to`. */
bool index_read_long_uidl(const unsigned char record[INDEX_RECORD_OCTETS],
	unsigned char *to, size_t octets);
bool index_read_tombstone(const unsigned char record[INDEX_RECORD_OCTETS],
	uint32_t number, struct index_tombstone *out);
bool index_read_trailer(const unsigned char record[INDEX_RECORD_OCTETS],
	uint32_t number, struct index_trailer *out);

/* 1 to UIDL_MAXIMUM_OCTETS of 0x21 to 0x7E: RFC 1939 section 7. */
bool uidl_is_valid(struct bytes uidl);

#endif
