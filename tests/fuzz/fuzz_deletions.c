/* SPDX-License-Identifier: ISC */
/*
 * The journal of a QUIT. Any octets are read without harm; what was written is
 * read whole, and with one octet changed not at all: a deletion that nobody asked
 * for is never replayed.
 */
#include "fuzz.h"
#include "one_file.h"

#include <xxhash.h>

#include "store/little_endian.h"
#include "store/uidl.h"
#include "store/maildir/journal.h"
#include "store/maildir/mailbox.h"

#define HEAD_OCTETS    32
#define ENTRY_OCTETS   32
#define AT_MAGIC       8
#define AT_COUNT       16
#define CONTENT_OCTETS 8192

static struct mailbox mailbox;

/* Octets of the input, behind a head that fits as far as `flags` say. */
static void
read_any(struct bytes in, unsigned flags)
{
	static unsigned char file[CONTENT_OCTETS];
	struct journal journal = JOURNAL_EMPTY;
	uint64_t count;

	in = fuzz_take_octets(&in, sizeof(file));
	memset(file, 0, HEAD_OCTETS);
	if (in.octets > 0)
		memcpy(file, in.at, in.octets);
	memcpy(file + AT_MAGIC, "rst-dele", 8);
	count = little_get(file + AT_COUNT, 4);
	if ((flags & 1) && count < (sizeof(file) - HEAD_OCTETS) / ENTRY_OCTETS)
		little_put(file, 8,
			XXH3_64bits(file + 8,
				HEAD_OCTETS - 8 +
					(size_t)count * ENTRY_OCTETS));
	one_file_set(bytes_of(file, in.octets), 0);
	assert_int_equal(journal_read(&mailbox, &journal), OK);
	if (journal.count > 0) {
		assert_int_equal(journal.count, count);
		assert_true(HEAD_OCTETS + count * ENTRY_OCTETS <= in.octets);
	}
	journal_release(&journal);
}

/* ---- what was written ---- */

static void
fill(struct journal *journal, struct bytes *in)
{
	unsigned count = fuzz_take_octet(in) % 40u + 1;

	for (unsigned i = 0; i < count; i++) {
		struct journal_entry entry = {
			.inode = i, .may_come_again = fuzz_take_octet(in) & 1};

		memset(entry.digest, fuzz_take_octet(in), sizeof(entry.digest));
		little_put(entry.digest, 4, i);
		assert_true(journal_add(journal, &entry));
	}
}

static void
expect_same(struct journal *got, const struct journal *wanted)
{
	assert_int_equal(got->count, wanted->count);
	journal_sort(got);
	for (uint32_t i = 0; i < wanted->count; i++) {
		struct journal_entry entry, found;

		journal_get(wanted, i, &entry);
		assert_true(journal_find(got, entry.digest, &found));
		assert_int_equal(found.inode, entry.inode);
		assert_int_equal(found.may_come_again, entry.may_come_again);
	}
}

static void
write_and_read(struct bytes in)
{
	struct journal written = JOURNAL_EMPTY, got = JOURNAL_EMPTY;
	uint64_t flipped;

	fill(&written, &in);
	one_file_set(BYTES_NONE, 0);
	mailbox.journal_octets = 0;
	assert_int_equal(journal_reserve(&mailbox, written.count), OK);
	assert_int_equal(journal_write(&mailbox, &written), OK);
	assert_int_equal(journal_read(&mailbox, &got), OK);
	expect_same(&got, &written);
	journal_release(&got);
	flipped = fuzz_take_octet(&in) * 5u %
		  (HEAD_OCTETS + written.count * ENTRY_OCTETS);
	one_file_flip(flipped, 1 + fuzz_take_octet(&in) % 255u);
	assert_int_equal(journal_read(&mailbox, &got), OK);
	assert_int_equal(got.count, 0);
	journal_release(&written);
	journal_release(&got);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	static const struct maildir_settings settings = {
		.files = &one_file, .template = "%u", .hostname = "host"};
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);

	assert_int_equal(mailbox_init(&mailbox, &settings, "alice"), OK);
	read_any(in, head.flags);
	write_and_read(in);
	mailbox_end(&mailbox);
	return 0;
}
