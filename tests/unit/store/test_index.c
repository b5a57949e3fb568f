/* SPDX-License-Identifier: ISC */
/* A damaged or shortened index: told, never a crash, mended by the store. */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "store/index_writer.h"

#define MESSAGES   12
#define INDEX_PATH "state/index/alice/index"
#define LARGE	   1000000

static unsigned char whole[1 << 16];
static size_t whole_octets;

/* Dense messages, then a tail of single deliveries, tombstones, a long UIDL. */
static void
prepare(struct fixture *f, char uidls[MESSAGES][71])
{
	struct opened o;

	fixture_open(f, "maildir");
	o = open_mailbox(f, "alice");
	close_mailbox(f, &o);
	for (int i = 0; i < MESSAGES + 2; i++) {
		char name[64];

		snprintf(name, sizeof(name), "mail/alice/cur/%02d.x:2,", i);
		if (i < 8)
			write_text(fixture_path(f, "%s", name), "x\n");
	}
	o = open_mailbox(f, "alice");
	close_mailbox(f, &o);
	for (int i = 8; i < MESSAGES + 2; i++)
		assert_int_equal(append_text(f, "alice", "y\r\n", NULL), OK);
	o = open_mailbox(f, "alice");
	assert_int_equal(delete_messages(f, &o, (int[]){6, 9, -1}), OK);
	close_mailbox(f, &o);
	make_old(fixture_path(f, "mail/alice/new"));
	make_old(fixture_path(f, "mail/alice/cur"));
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, MESSAGES);
	for (uint32_t i = 0; i < MESSAGES; i++)
		uidl_of(&o, i, uidls[i]);
	close_mailbox(f, &o);
	whole_octets =
		read_file(fixture_path(f, INDEX_PATH), whole, sizeof(whole));
	assert_true(whole_octets % 64 == 0);
}

/* Every UIDL in a snapshot that says OK is one that was given. */
static unsigned
walk(const struct maildrop *maildrop, char uidls[MESSAGES][71])
{
	unsigned fine = 0;

	for (uint32_t i = 0; i < maildrop->count; i++) {
		struct maildrop_message m;
		enum outcome outcome = maildrop->message(maildrop, i, &m);

		if (outcome != OK) {
			assert_int_equal(outcome, ERR_BROKEN);
			continue;
		}
		assert_true(bytes_equal(m.uidl, bytes_of_string(uidls[i])));
		fine++;
	}
	return fine;
}

static unsigned
walk_file(const struct fixture *f, char uidls[MESSAGES][71])
{
	struct index_trailer trailer;
	struct store_snapshot from = {
		.descriptor =
			open(fixture_path(f, INDEX_PATH), O_RDONLY | O_CLOEXEC),
		.trailer_offset = whole_octets - 64,
		.count = MESSAGES,
	};
	struct snapshot *snapshot;
	unsigned fine;

	assert_true(index_read_trailer(whole + whole_octets - 64,
		(uint32_t)(whole_octets / 64 - 1), &trailer));
	from.octets = trailer.octets;
	assert_int_equal(snapshot_new(&from, &snapshot), OK);
	fine = walk(snapshot_maildrop(snapshot), uidls);
	assert_int_equal(walk(snapshot_maildrop(snapshot), uidls), fine);
	snapshot_free(&snapshot);
	snapshot_free(&snapshot);
	return fine;
}

static void
assert_mended(struct fixture *f, char uidls[MESSAGES][71])
{
	struct opened o = open_mailbox(f, "alice");

	assert_int_equal(o.outcome, OK);
	assert_int_equal(o.maildrop->count, MESSAGES);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		bool is_found = false;
		char uidl[71];

		uidl_of(&o, i, uidl);
		for (int j = 0; j < MESSAGES; j++)
			is_found |= !strcmp(uidl, uidls[j]);
		assert_true(is_found);
	}
	close_mailbox(f, &o);
}

static void
put_back(struct fixture *f, const unsigned char *octets, size_t count)
{
	fixture_stop(f);
	write_file(fixture_path(f, INDEX_PATH), octets, count);
}

static void
damaged_records(void **state)
{
	char uidls[MESSAGES][71];
	unsigned char copy[sizeof(whole)];
	char names[256], path[512];
	unsigned char names_octets[1 << 14];
	size_t names_count;
	struct fixture f;

	prepare(&f, uidls);
	assert_true(entry_at(fixture_path(&f, "state/index/alice"), 1, names));
	strcpy(path, fixture_path(&f, "state/index/alice/%s", names));
	names_count = read_file(path, names_octets, sizeof(names_octets));
	assert_int_equal(walk_file(&f, uidls), MESSAGES);
	for (size_t at = 0; at < whole_octets; at += 64 / 4 + 1) {
		memcpy(copy, whole, whole_octets);
		copy[at] ^= 0x10;
		put_back(&f, copy, whole_octets);
		write_file(path, names_octets, names_count);
		walk_file(&f, uidls);
		fixture_start(&f);
		assert_mended(&f, uidls);
		/* A trailer that is not the last matters to nobody. */
		assert_true(fixture_notices() <= 1);
		assert_int_equal(walk_file(&f, uidls) <= MESSAGES, 1);
	}
	fixture_close(&f);
}

static void
record_of_another_place(void **state)
{
	char uidls[MESSAGES][71];
	unsigned char copy[sizeof(whole)];
	struct fixture f;

	prepare(&f, uidls);
	memcpy(copy, whole, whole_octets);
	memcpy(copy + 64, whole + 128, 64);
	put_back(&f, copy, whole_octets);
	assert_int_equal(walk_file(&f, uidls), MESSAGES - 1);
	fixture_start(&f);
	assert_mended(&f, uidls);
	assert_int_equal(fixture_notices(), 1);
	fixture_close(&f);
}

static void
shortened(void **state)
{
	char uidls[MESSAGES][71];
	struct fixture f;

	prepare(&f, uidls);
	for (size_t octets = 0; octets < whole_octets; octets++) {
		put_back(&f, whole, octets);
		assert_int_equal(walk_file(&f, uidls), 0);
		fixture_start(&f);
		assert_mended(&f, uidls);
	}
	fixture_close(&f);
}

static void
longer(void **state)
{
	char uidls[MESSAGES][71];
	unsigned char copy[sizeof(whole)];
	struct fixture f;

	prepare(&f, uidls);
	for (size_t more = 1; more < 200; more++) {
		memcpy(copy, whole, whole_octets);
		memset(copy + whole_octets, more & 1 ? 0 : 0x5A, more);
		put_back(&f, copy, whole_octets + more);
		assert_int_equal(walk_file(&f, uidls), MESSAGES);
		fixture_start(&f);
		assert_mended(&f, uidls);
		assert_int_equal(append_text(&f, "alice", "z\r\n", NULL), OK);
		remove_tree(fixture_path(&f, "mail/alice/new"));
		fixture_close(&f);
		prepare(&f, uidls);
		if (more > 3)
			more += 60;
	}
	fixture_close(&f);
}

static void
damaged_names(void **state)
{
	char uidls[MESSAGES][71], names[256];
	unsigned char octets[1 << 14];
	struct fixture f;
	size_t count;

	prepare(&f, uidls);
	assert_true(entry_at(fixture_path(&f, "state/index/alice"), 1, names));
	count = read_file(fixture_path(&f, "state/index/alice/%s", names),
		octets, sizeof(octets));
	for (size_t at = 0; at <= count; at += 5) {
		unsigned char copy[sizeof(octets)];

		memcpy(copy, octets, count);
		copy[at] ^= 1;
		put_back(&f, whole, whole_octets);
		write_file(fixture_path(&f, "state/index/alice/%s", names),
			copy, at == count ? count / 2 : count);
		fixture_start(&f);
		assert_mended(&f, uidls);
	}
	fixture_close(&f);
}

/* Impossible contents with right checksums. */
static void
lying_records(void **state)
{
	unsigned char file[4 * 64];
	struct index_message message = {
		.octets = 5, .stored_octets = 5, .uidl_octets = 40};
	struct index_trailer trailer = {.count = 1, .octets = 5, .dense = 1};

	for (uint32_t number = 0; number < 6; number++) {
		struct store_snapshot from = {
			.descriptor = memfd_create("index", MFD_CLOEXEC),
			.trailer_offset = 128,
			.count = 1,
			.octets = 5,
		};
		struct snapshot *snapshot;
		struct maildrop_message out;

		index_write_header(file, 0, 1);
		message.long_uidl = number < 5 ? number : UINT32_MAX;
		index_write_message(file + 64, 1, &message);
		index_write_trailer(file + 128, 2, &trailer);
		assert_int_equal(write(from.descriptor, file, 192), 192);
		assert_int_equal(snapshot_new(&from, &snapshot), OK);
		assert_int_equal(snapshot_maildrop(snapshot)->message(
					 snapshot_maildrop(snapshot), 0, &out),
			ERR_BROKEN);
		snapshot_free(&snapshot);
	}
}

/* Every octet at every place. */
static void
uidl_octets(void **state)
{
	unsigned char uidl[UIDL_MAXIMUM_OCTETS + 1];

	memset(uidl, 'x', sizeof(uidl));
	assert_false(uidl_is_valid(bytes_of(uidl, 0)));
	assert_false(uidl_is_valid(bytes_of(uidl, sizeof(uidl))));
	for (size_t octets = 1; octets < sizeof(uidl); octets++)
		for (size_t at = 0; at < octets; at++) {
			for (unsigned c = 0; c < 256; c++) {
				uidl[at] = (unsigned char)c;
				assert_true(
					uidl_is_valid(bytes_of(uidl, octets)) ==
					(c >= 0x21 && c <= 0x7E));
			}
			uidl[at] = 'x';
		}
}

static void
a_million(void **state)
{
	int fd = memfd_create("index", MFD_CLOEXEC);
	struct index_message message = {.octets = 100, .stored_octets = 100};
	struct index_trailer trailer = {
		.count = LARGE, .dense = LARGE, .octets = 100ull * LARGE};
	struct store_snapshot from = {.descriptor = fd,
		.count = LARGE,
		.octets = trailer.octets,
		.trailer_offset = 64ull * (LARGE + 1)};
	struct index_writer writer;
	struct maildrop_message out;
	struct snapshot *snapshot;
	struct timespec begin, end;
	uint64_t sum = 0;
	double ms;

	index_writer_begin(&writer, &files_posix, fd, -1, 7, LARGE);
	for (uint32_t i = 0; i < LARGE; i++) {
		char uidl[32];

		snprintf(uidl, sizeof(uidl), "%026u", i);
		index_writer_message(&writer, &message, bytes_of_string(uidl));
	}
	index_writer_trailer(&writer, &trailer);
	assert_int_equal(index_writer_finish(&writer), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	assert_int_equal(snapshot_new(&from, &snapshot), OK);
	for (uint32_t i = 0; i < LARGE; i++) {
		assert_true(
			snapshot_maildrop(snapshot)->message(
				snapshot_maildrop(snapshot), i, &out) == OK);
		sum += out.octets;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	ms = (double)(end.tv_sec - begin.tv_sec) * 1e3 +
	     (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
	print_message("a million messages: %.1f ms\n", ms);
	assert_int_equal(sum, trailer.octets);
	snapshot_free(&snapshot);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_records),
		cmocka_unit_test(record_of_another_place),
		cmocka_unit_test(shortened),
		cmocka_unit_test(longer),
		cmocka_unit_test(damaged_names),
		cmocka_unit_test(lying_records),
		cmocka_unit_test(uidl_octets),
		cmocka_unit_test(a_million),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
