/* SPDX-License-Identifier: ISC */
#include "store/index_format.h"

#include <string.h>
/* A million records are checked at a time: the length is known here. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "store/little_endian.h"

#define CHECKSUM_OCTETS	   8
#define DIFFERENCE_MAXIMUM ((1 << 23) - 1)
#define FORMAT_VERSION	   2

/* Offsets within a record. */
enum {
	AT_KIND = 8,

	HEADER_VERSION = 9,
	HEADER_MAGIC = 16,
	HEADER_GENERATION = 32,

	MESSAGE_FLAGS = 9,
	MESSAGE_UIDL_OCTETS = 10,
	MESSAGE_SURROGATE_LOW = 11,
	MESSAGE_OCTETS = 12,
	MESSAGE_STORED = 18,
	MESSAGE_HEADER = 24,
	MESSAGE_NAMES = 30,
	MESSAGE_SURROGATE_HIGH = 36,
	MESSAGE_UIDL = 38,

	LONG_UIDL_REST = 16,

	TOMBSTONE_FIRST = 12,
	TOMBSTONE_LAST = 16,

	TRAILER_FLAGS = 9,
	TRAILER_COUNT = 12,
	TRAILER_OCTETS = 16,
	TRAILER_NEW = 24,
	TRAILER_CUR = 32,
	TRAILER_DENSE = 40,
	TRAILER_NAMES = 44,
	TRAILER_BOOT = 52,
	TRAILER_SYNCED = 56,
};

static const unsigned char magic[16] = "restante-index\r\n";

static uint64_t
checksum(const unsigned char *record, uint32_t number)
{
	return XXH3_64bits_withSeed(record + CHECKSUM_OCTETS,
		INDEX_RECORD_OCTETS - CHECKSUM_OCTETS, number);
}

static void
begin(unsigned char *record, enum index_kind kind)
{
	memset(record, 0, INDEX_RECORD_OCTETS);
	record[AT_KIND] = (unsigned char)kind;
}

static void
finish(unsigned char *record, uint32_t number)
{
	little_put(record, CHECKSUM_OCTETS, checksum(record, number));
}

struct index_message
index_message_of_measure(const struct measure *measure)
{
	int64_t difference = measure->surrogate_difference;
	unsigned flags = 0;

	if (measure->needs_stuffing)
		flags |= MAILDROP_NEEDS_STUFFING;
	if (measure->needs_crlf)
		flags |= MAILDROP_NEEDS_CRLF;
	if (measure->has_8bit)
		flags |= MAILDROP_HAS_8BIT;
	if (measure->has_utf8_header)
		flags |= MAILDROP_HAS_UTF8_HEADER;
	if (measure->has_no_surrogate || difference > DIFFERENCE_MAXIMUM ||
		difference < -DIFFERENCE_MAXIMUM) {
		flags |= MAILDROP_HAS_NO_SURROGATE;
		difference = 0;
	}
	return (struct index_message){
		.octets = measure->octets,
		.stored_octets = measure->stored_octets,
		.header_octets = measure->header_octets,
		.surrogate_difference = (int32_t)difference,
		.flags = (uint8_t)flags,
	};
}

enum index_kind
index_record_kind(
	const unsigned char record[INDEX_RECORD_OCTETS], uint32_t number)
{
	unsigned kind = record[AT_KIND];

	if (kind < INDEX_HEADER || kind > INDEX_TRAILER)
		return INDEX_DAMAGED;
	if (little_get(record, CHECKSUM_OCTETS) != checksum(record, number))
		return INDEX_DAMAGED;
	return (enum index_kind)kind;
}

void
index_write_header(unsigned char record[INDEX_RECORD_OCTETS], uint32_t number,
	uint64_t generation)
{
	begin(record, INDEX_HEADER);
	record[HEADER_VERSION] = FORMAT_VERSION;
	memcpy(record + HEADER_MAGIC, magic, sizeof(magic));
	little_put(record + HEADER_GENERATION, 8, generation);
	finish(record, number);
}

bool
index_read_header(const unsigned char record[INDEX_RECORD_OCTETS],
	uint64_t *out_generation)
{
	if (record[HEADER_VERSION] != FORMAT_VERSION ||
		memcmp(record + HEADER_MAGIC, magic, sizeof(magic)) != 0)
		return false;
	*out_generation = little_get(record + HEADER_GENERATION, 8);
	return true;
}

void
index_write_message(unsigned char record[INDEX_RECORD_OCTETS], uint32_t number,
	const struct index_message *message)
{
	uint32_t difference = (uint32_t)message->surrogate_difference;

	begin(record, INDEX_MESSAGE);
	record[MESSAGE_FLAGS] = message->flags;
	record[MESSAGE_UIDL_OCTETS] = message->uidl_octets;
	little_put(record + MESSAGE_OCTETS, 6, message->octets);
	little_put(record + MESSAGE_STORED, 6, message->stored_octets);
	little_put(record + MESSAGE_HEADER, 6, message->header_octets);
	little_put(record + MESSAGE_NAMES, 6, message->names_offset);
	record[MESSAGE_SURROGATE_LOW] = (unsigned char)difference;
	little_put(
		record + MESSAGE_SURROGATE_HIGH, 2, (difference >> 8) & 0xFFFF);
	memcpy(record + MESSAGE_UIDL, message->uidl, INDEX_UIDL_INLINE_OCTETS);
	if (message->uidl_octets > INDEX_UIDL_INLINE_OCTETS)
		little_put(record + MESSAGE_UIDL + INDEX_UIDL_HEAD_OCTETS, 4,
			message->long_uidl);
	finish(record, number);
}

static int32_t
read_difference(const unsigned char record[INDEX_RECORD_OCTETS])
{
	int32_t value =
		(int32_t)(record[MESSAGE_SURROGATE_LOW] |
			  little_get(record + MESSAGE_SURROGATE_HIGH, 2) << 8);

	return value > DIFFERENCE_MAXIMUM ? value - (1 << 24) : value;
}

bool
index_read_message(const unsigned char record[INDEX_RECORD_OCTETS],
	struct index_message *out)
{
	unsigned uidl_octets = record[MESSAGE_UIDL_OCTETS];
	uint64_t stored = little_get(record + MESSAGE_STORED, 6);
	uint64_t header = little_get(record + MESSAGE_HEADER, 6);

	if (uidl_octets < 1 || uidl_octets > UIDL_MAXIMUM_OCTETS ||
		header > stored)
		return false;
	out->octets = little_get(record + MESSAGE_OCTETS, 6);
	out->stored_octets = stored;
	out->header_octets = header;
	out->names_offset = little_get(record + MESSAGE_NAMES, 6);
	out->surrogate_difference = read_difference(record);
	if ((int64_t)out->octets + out->surrogate_difference < 0)
		return false;
	out->flags = record[MESSAGE_FLAGS];
	out->uidl_octets = (uint8_t)uidl_octets;
	memcpy(out->uidl, record + MESSAGE_UIDL, INDEX_UIDL_INLINE_OCTETS);
	out->long_uidl = 0;
	if (uidl_octets > INDEX_UIDL_INLINE_OCTETS)
		out->long_uidl = (uint32_t)little_get(
			record + MESSAGE_UIDL + INDEX_UIDL_HEAD_OCTETS, 4);
	return true;
}

const unsigned char *
index_message_uidl(const unsigned char record[INDEX_RECORD_OCTETS])
{
	return record + MESSAGE_UIDL;
}

void
index_write_long_uidl(unsigned char record[INDEX_RECORD_OCTETS],
	uint32_t number, struct bytes rest)
{
	begin(record, INDEX_LONG_UIDL);
	memcpy(record + LONG_UIDL_REST, rest.at, rest.octets);
	finish(record, number);
}

bool
index_read_long_uidl(const unsigned char record[INDEX_RECORD_OCTETS],
	unsigned char *to, size_t octets)
{
	if (octets > INDEX_RECORD_OCTETS - LONG_UIDL_REST)
		return false;
	memcpy(to, record + LONG_UIDL_REST, octets);
	return true;
}

void
index_write_tombstone(unsigned char record[INDEX_RECORD_OCTETS],
	uint32_t number, const struct index_tombstone *tombstone)
{
	begin(record, INDEX_TOMBSTONE);
	little_put(record + TOMBSTONE_FIRST, 4, tombstone->first);
	little_put(record + TOMBSTONE_LAST, 4, tombstone->last);
	finish(record, number);
}

bool
index_read_tombstone(const unsigned char record[INDEX_RECORD_OCTETS],
	uint32_t number, struct index_tombstone *out)
{
	uint32_t first = (uint32_t)little_get(record + TOMBSTONE_FIRST, 4);
	uint32_t last = (uint32_t)little_get(record + TOMBSTONE_LAST, 4);

	if (first < 1 || first > last || last >= number)
		return false;
	*out = (struct index_tombstone){first, last};
	return true;
}

void
index_write_trailer(unsigned char record[INDEX_RECORD_OCTETS], uint32_t number,
	const struct index_trailer *trailer)
{
	begin(record, INDEX_TRAILER);
	record[TRAILER_FLAGS] = trailer->flags;
	little_put(record + TRAILER_COUNT, 4, trailer->count);
	little_put(record + TRAILER_OCTETS, 8, trailer->octets);
	little_put(record + TRAILER_NEW, 8, trailer->new_ns);
	little_put(record + TRAILER_CUR, 8, trailer->cur_ns);
	little_put(record + TRAILER_DENSE, 4, trailer->dense);
	little_put(record + TRAILER_NAMES, 8, trailer->names_octets);
	little_put(record + TRAILER_BOOT, 4, trailer->boot);
	little_put(record + TRAILER_SYNCED, 4, trailer->synced);
	finish(record, number);
}

bool
index_read_trailer(const unsigned char record[INDEX_RECORD_OCTETS],
	uint32_t number, struct index_trailer *out)
{
	uint32_t count = (uint32_t)little_get(record + TRAILER_COUNT, 4);
	uint32_t dense = (uint32_t)little_get(record + TRAILER_DENSE, 4);

	if (count >= number || dense > count)
		return false;
	out->flags = record[TRAILER_FLAGS];
	out->count = count;
	out->octets = little_get(record + TRAILER_OCTETS, 8);
	out->new_ns = little_get(record + TRAILER_NEW, 8);
	out->cur_ns = little_get(record + TRAILER_CUR, 8);
	out->dense = dense;
	out->names_octets = little_get(record + TRAILER_NAMES, 8);
	out->boot = (uint32_t)little_get(record + TRAILER_BOOT, 4);
	out->synced = (uint32_t)little_get(record + TRAILER_SYNCED, 4);
	return true;
}

/* The high bit of each octet of `word` that is not of 0x21 to 0x7E. */
static uint64_t
wrong_octets(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101ull, high = ones * 0x80;
	uint64_t low = word & ~high;

	/* No sum of two such octets carries into the next. */
	return (word | ~(low + ones * (0x80 - 0x21)) | (low + ones)) & high;
}

bool
uidl_is_valid(struct bytes uidl)
{
	uint64_t wrong = 0, word = 0;
	size_t at = 0;

	if (uidl.octets < 1 || uidl.octets > UIDL_MAXIMUM_OCTETS)
		return false;
	if (uidl.octets < sizeof(word)) {
		memset(&word, '!', sizeof(word));
		memcpy(&word, uidl.at, uidl.octets);
		return wrong_octets(word) == 0;
	}
	for (; at + sizeof(word) <= uidl.octets; at += sizeof(word)) {
		memcpy(&word, uidl.at + at, sizeof(word));
		wrong |= wrong_octets(word);
	}
	/* The last ones, some for the second time. */
	memcpy(&word, uidl.at + uidl.octets - sizeof(word), sizeof(word));
	return (wrong | wrong_octets(word)) == 0;
}
