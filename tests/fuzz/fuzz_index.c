/* SPDX-License-Identifier: ISC */
/*
 * An index whose records are right and do not belong together, or are wrong, as
 * a session process reads it. Every message of it is one that POP3 can show or
 * ERR_BROKEN, the same at each look, and nothing else is ever touched.
 *
 * The input is a row of operations, an octet and its octets each; see put_record.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "store/little_endian.h"
#include "store/snapshot.h"
#include "store/index_format.h"

#define RECORDS_MAXIMUM	 200
#define MESSAGES_MAXIMUM 300
#define CHECKSUM_OCTETS	 8

struct index {
	unsigned char records[RECORDS_MAXIMUM][INDEX_RECORD_OCTETS];
	uint32_t count;
};

static void
put_message(unsigned char *record, uint32_t number, struct bytes *in)
{
	struct index_message message = {
		.octets = 100u + fuzz_take_octet(in),
		.stored_octets = fuzz_take_octet(in),
		.header_octets = fuzz_take_octet(in),
		.flags = fuzz_take_octet(in),
		.uidl_octets = fuzz_take_octet(in),
		.long_uidl = fuzz_take_octet(in),
	};

	for (unsigned i = 0; i < sizeof(message.uidl); i++)
		message.uidl[i] = (unsigned char)('a' + (number + i) % 26);
	message.uidl[0] = (unsigned char)('!' + fuzz_take_octet(in));
	index_write_message(record, number, &message);
}

static void
put_tombstone(unsigned char *record, uint32_t number, struct bytes *in)
{
	struct index_tombstone tombstone = {.first = fuzz_take_octet(in)};

	tombstone.last = tombstone.first + fuzz_take_octet(in);
	index_write_tombstone(record, number, &tombstone);
}

static void
put_trailer(unsigned char *record, uint32_t number, struct bytes *in)
{
	struct index_trailer trailer = {
		.count = fuzz_take_octet(in),
		.octets = fuzz_take_octet(in),
		.dense = fuzz_take_octet(in),
		.synced = fuzz_take_octet(in),
	};

	index_write_trailer(record, number, &trailer);
}

/* Any octets at all, with the checksum that fits the place, or not. */
static void
put_octets(unsigned char *record, uint32_t number, struct bytes *in,
	bool is_checked)
{
	struct bytes given =
		fuzz_take_octets(in, INDEX_RECORD_OCTETS - CHECKSUM_OCTETS);

	memset(record, 0, INDEX_RECORD_OCTETS);
	if (given.octets > 0)
		memcpy(record + CHECKSUM_OCTETS, given.at, given.octets);
	if (is_checked)
		little_put(record, CHECKSUM_OCTETS,
			XXH3_64bits_withSeed(record + CHECKSUM_OCTETS,
				INDEX_RECORD_OCTETS - CHECKSUM_OCTETS, number));
}

static void
put_record(struct index *index, struct bytes *in)
{
	uint32_t number = index->count++;
	unsigned char *record = index->records[number];

	switch (fuzz_take_octet(in) % 7) {
	case 0:
	case 1:
		put_message(record, number, in);
		break;
	case 2:
		index_write_long_uidl(record, number,
			fuzz_take_octets(in, fuzz_take_octet(in) % 48u));
		break;
	case 3:
		put_tombstone(record, number, in);
		break;
	case 4:
		put_trailer(record, number, in);
		break;
	case 5:
		put_octets(record, number, in, true);
		break;
	default:
		put_octets(record, number, in, false);
	}
}

static void
make_index(struct index *index, struct bytes *in)
{
	index_write_header(index->records[0], 0, 1);
	index->count = 1;
	while (in->octets > 0 && index->count < RECORDS_MAXIMUM)
		put_record(index, in);
}

/* What the store says of it: mostly what the last record holds. */
static struct store_snapshot
hand_over(const struct index *index, struct fuzz_head head)
{
	size_t octets = (size_t)index->count * INDEX_RECORD_OCTETS;
	struct store_snapshot snapshot = {
		.descriptor = memfd_create("index", MFD_CLOEXEC),
		.trailer_offset = octets - INDEX_RECORD_OCTETS};
	struct index_trailer trailer = {.count = 0};

	assert_true(snapshot.descriptor >= 0);
	assert_int_equal(
		write(snapshot.descriptor, index->records, octets), octets);
	(void)index_read_trailer(
		index->records[index->count - 1], index->count - 1, &trailer);
	snapshot.count = trailer.count + (head.flags & 1);
	snapshot.octets = trailer.octets + (head.flags & 4);
	if (head.flags & 2)
		snapshot.trailer_offset += head.pace;
	return snapshot;
}

static void
check_message(const struct maildrop *maildrop, uint32_t index, bool is_another)
{
	struct maildrop_message message = {.octets = 123456}, again;
	enum outcome outcome = maildrop->message(maildrop, index, &message);

	if (outcome != OK) {
		assert_int_equal(outcome, ERR_BROKEN);
		assert_int_equal(message.octets, 123456);
		return;
	}
	/* Store spoke of another snapshot than this one. */
	assert_false(is_another);
	assert_true(uidl_is_valid(message.uidl));
	assert_int_equal(maildrop->message(maildrop, index, &again), OK);
	assert_int_equal(again.octets, message.octets);
	assert_true(bytes_equal(again.uidl, message.uidl));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	static struct index index;
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);
	struct store_snapshot given;
	struct snapshot *snapshot = NULL;
	const struct maildrop *maildrop;

	make_index(&index, &in);
	given = hand_over(&index, head);
	assert_int_equal(snapshot_new(&given, &snapshot), OK);
	maildrop = snapshot_maildrop(snapshot);
	for (uint32_t i = 0; i <= maildrop->count && i < MESSAGES_MAXIMUM; i++)
		check_message(maildrop, i, head.flags & (1 | 4));
	snapshot_free(&snapshot);
	return 0;
}
