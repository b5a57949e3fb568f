/* SPDX-License-Identifier: ISC */
/*
 * The file of UIDLs with any octets in it, some with the checksum that fits.
 * What is read is a UIDL that POP3 can show; what is given and buried then is
 * there when it is read again, and so is what was there before.
 */
#include "fuzz.h"
#include "one_file.h"

#include <xxhash.h>

#include "store/little_endian.h"
#include "store/uidl.h"
#include "store/maildir/mailbox.h"
#include "store/maildir/uidls.h"

#define SLOT_OCTETS    32
#define GIVEN_OCTETS   128
#define AT_KIND	       8
#define AT_DIGEST      16
#define DIGESTS	       16
#define CONTENT_OCTETS 40000

struct answers {
	enum uidls_kind kinds[DIGESTS];
	char uidls[DIGESTS][UIDL_MAXIMUM_OCTETS + 1];
};

/* Few different ones, so that names come more than once. */
static void
digest_of(unsigned number, unsigned char out[UIDL_DIGEST_OCTETS])
{
	memset(out, (int)(number % DIGESTS), UIDL_DIGEST_OCTETS);
}

/* Makes every second thing that looks like an entry one. */
static void
fix_checksums(unsigned char *file, size_t octets)
{
	size_t at = 0;

	while (at + SLOT_OCTETS <= octets) {
		unsigned char *entry = file + at;
		size_t length = entry[AT_KIND] == UIDLS_GIVEN ? GIVEN_OCTETS
							      : SLOT_OCTETS;

		if (at + length > octets)
			break;
		if (entry[0] % 2 == 0) {
			digest_of(entry[AT_DIGEST], entry + AT_DIGEST);
			little_put(entry, 8,
				XXH3_64bits_withSeed(
					entry + 8, length - 8, at));
		}
		at += length;
	}
}

static void
look(struct mailbox *mailbox, struct answers *out)
{
	unsigned char digest[UIDL_DIGEST_OCTETS];
	struct uidls uidls;

	*out = (struct answers){.kinds = {UIDLS_NONE}};
	assert_int_equal(uidls_open(&uidls, mailbox), OK);
	for (unsigned i = 0; i < DIGESTS; i++) {
		digest_of(i, digest);
		assert_int_equal(uidls_find(&uidls, digest, &out->kinds[i],
					 out->uidls[i]),
			OK);
		if (out->kinds[i] == UIDLS_GIVEN)
			assert_true(
				uidl_is_valid(bytes_of_string(out->uidls[i])));
	}
	uidls_release(&uidls);
}

static void
change(struct mailbox *mailbox, uint8_t number, struct answers *wanted)
{
	unsigned char digest[UIDL_DIGEST_OCTETS];
	unsigned given = number % DIGESTS, buried = (number / 16u) % DIGESTS;
	struct uidls uidls;

	assert_int_equal(uidls_open(&uidls, mailbox), OK);
	digest_of(given, digest);
	assert_int_equal(uidls_give(&uidls, digest, BYTES("given")), OK);
	wanted->kinds[given] = UIDLS_GIVEN;
	strcpy(wanted->uidls[given], "given");
	digest_of(buried, digest);
	assert_int_equal(uidls_bury(&uidls, digest), OK);
	wanted->kinds[buried] = UIDLS_GONE;
	assert_int_equal(uidls_sync(&uidls), OK);
	uidls_release(&uidls);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	static unsigned char file[CONTENT_OCTETS];
	struct maildir_settings settings = {
		.files = &one_file, .template = "%u", .hostname = "host"};
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);
	struct answers wanted, got;
	struct mailbox mailbox;

	in = fuzz_take_octets(&in, sizeof(file));
	if (in.octets > 0)
		memcpy(file, in.at, in.octets);
	fix_checksums(file, in.octets);
	one_file_set(bytes_of(file, in.octets), 0);
	assert_int_equal(mailbox_init(&mailbox, &settings, "alice"), OK);
	look(&mailbox, &wanted);
	change(&mailbox, head.flags, &wanted);
	look(&mailbox, &got);
	for (unsigned i = 0; i < DIGESTS; i++) {
		assert_int_equal(got.kinds[i], wanted.kinds[i]);
		if (got.kinds[i] == UIDLS_GIVEN)
			assert_string_equal(got.uidls[i], wanted.uidls[i]);
	}
	mailbox_end(&mailbox);
	return 0;
}
