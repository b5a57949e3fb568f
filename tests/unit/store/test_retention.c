/* SPDX-License-Identifier: ISC */
/* What is kept for how long; the same on every store, by a clock of our own. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400u

static uint64_t ahead_seconds;
static uint64_t (*real_now_ns)(struct files *files);

static uint64_t
now_ns(struct files *files)
{
	return real_now_ns(files) + ahead_seconds * 1000000000u;
}

static void
fill(struct fixture *f, unsigned count, char uidls[][71])
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(
			append_text(f, "alice", "x\r\n", uidls[i]), OK);
}

static void
assert_left(struct fixture *f, const char *uidl, uint32_t count)
{
	struct opened o = open_mailbox(f, "alice");
	char first[71];

	assert_int_equal(o.outcome, OK);
	assert_int_equal(o.maildrop->count, count);
	if (uidl) {
		uidl_of(&o, 0, first);
		assert_string_equal(first, uidl);
	}
	close_mailbox(f, &o);
}

static void
expect_removed(struct fixture *f, uint64_t kept_seconds, bool is_from_retrieval,
	uint32_t removed)
{
	struct store_expire_call call =
		expire_mailbox(f, "alice", kept_seconds, is_from_retrieval);

	assert_int_equal(call.call.outcome, OK);
	assert_int_equal(call.removed, removed);
}

static void
from_arrival(struct fixture *f)
{
	char uidls[4][71];

	fill(f, 2, uidls);
	ahead_seconds = 20 * DAY;
	fill(f, 2, uidls + 2);
	ahead_seconds = 30 * DAY - 60;
	expect_removed(f, 30 * DAY, false, 0);
	assert_left(f, uidls[0], 4);
	ahead_seconds = 30 * DAY + 60;
	expect_removed(f, 30 * DAY, false, 2);
	assert_left(f, uidls[2], 2);
	ahead_seconds = 50 * DAY + 60;
	expect_removed(f, 30 * DAY, false, 2);
	assert_left(f, NULL, 0);
}

/* The first time counts, and what was never retrieved is never due. */
static void
from_retrieval(struct fixture *f)
{
	char uidls[3][71];
	struct opened o;

	fill(f, 3, uidls);
	ahead_seconds = 100 * DAY;
	expect_removed(f, 7 * DAY, true, 0);
	o = open_mailbox(f, "alice");
	assert_int_equal(note_messages(f, &o, (int[]){0, 2, -1}), OK);
	close_mailbox(f, &o);
	ahead_seconds = 104 * DAY;
	o = open_mailbox(f, "alice");
	assert_int_equal(note_messages(f, &o, (int[]){0, -1}), OK);
	close_mailbox(f, &o);
	ahead_seconds = 107 * DAY - 60;
	expect_removed(f, 7 * DAY, true, 0);
	ahead_seconds = 107 * DAY + 60;
	expect_removed(f, 7 * DAY, true, 2);
	assert_left(f, uidls[1], 1);
}

static void
notes_outlive_the_store(struct fixture *f)
{
	char uidls[200][71];
	struct opened o;
	int all[201];

	fill(f, 200, uidls);
	for (int i = 0; i < 200; i++)
		all[i] = i;
	all[199] = -1;
	o = open_mailbox(f, "alice");
	assert_int_equal(note_messages(f, &o, all), OK);
	close_mailbox(f, &o);
	if (strcmp(f->kind, "memory") != 0)
		fixture_reopen(f);
	ahead_seconds = 2 * DAY;
	expect_removed(f, DAY, true, 199);
	assert_left(f, uidls[199], 1);
	/* The file was made short again, and still serves. */
	o = open_mailbox(f, "alice");
	assert_int_equal(note_messages(f, &o, (int[]){0, -1}), OK);
	close_mailbox(f, &o);
	ahead_seconds = 4 * DAY;
	expect_removed(f, DAY, true, 1);
}

static void
not_under_a_session(struct fixture *f)
{
	char uidls[1][71];
	struct opened o;

	fill(f, 1, uidls);
	ahead_seconds = 9 * DAY;
	o = open_mailbox(f, "alice");
	assert_int_equal(
		expire_mailbox(f, "alice", DAY, false).call.outcome, ERR_BUSY);
	assert_message(f, &o, 0, "x\r\n");
	close_mailbox(f, &o);
	expect_removed(f, DAY, false, 1);
	assert_int_equal(expire_mailbox(f, "nobody", DAY, false).call.outcome,
		ERR_DENIED);
}

/* The age is in the From_ line, in somebody's local time. */
static void
mbox_of_others(struct fixture *f)
{
	FILE *file = fopen(fixture_path(f, "mail/alice"), "a");

	assert_non_null(file);
	fputs("From x Sun Sep  9 01:46:40 2001\nold\n\n"
	      "From x Sun Sep  9 01:46\nno year\n\n",
		file);
	fclose(file);
	expect_removed(f, DAY, false, 1);
	assert_left(f, NULL, 2);
	ahead_seconds = DAY + 60;
	expect_removed(f, DAY, false, 1);
	ahead_seconds = 2 * DAY;
	expect_removed(f, DAY, false, 1);
}

/* Mail put in by others: the age is in the name, else the file's. */
static void
mail_of_others(struct fixture *f)
{
	char uidls[1][71];

	fill(f, 1, uidls);
	if (strcmp(f->kind, "mbox") == 0)
		mbox_of_others(f);
	if (strcmp(f->kind, "maildir") != 0)
		return;
	write_text(fixture_path(f, "mail/alice/cur/1000000000.a.b:2,S"),
		"old\r\n");
	write_text(fixture_path(f, "mail/alice/cur/no-time-in-it"), "new\r\n");
	make_old(fixture_path(f, "mail/alice/cur"));
	if (!f->is_shared)
		return;
	expect_removed(f, DAY, false, 1);
	assert_left(f, NULL, 2);
	ahead_seconds = 2 * DAY;
	expect_removed(f, DAY, false, 2);
}

static void
torn_notes(struct fixture *f)
{
	char uidls[2][71];
	const char *path;
	unsigned char octets[256];
	size_t length;
	struct opened o;

	fill(f, 2, uidls);
	o = open_mailbox(f, "alice");
	assert_int_equal(note_messages(f, &o, (int[]){0, 1, -1}), OK);
	close_mailbox(f, &o);
	if (strcmp(f->kind, "memory") == 0)
		return;
	path = fixture_path(f, "state/mailbox/alice/retrieved");
	length = read_file(path, octets, sizeof(octets));
	assert_int_equal(length, 64);
	octets[30] ^= 1;
	write_file(path, octets, length - 3);
	ahead_seconds = 2 * DAY;
	/* Neither entry is whole: kept for longer, never shorter. */
	expect_removed(f, DAY, true, 0);
	o = open_mailbox(f, "alice");
	assert_int_equal(note_messages(f, &o, (int[]){1, -1}), OK);
	close_mailbox(f, &o);
	ahead_seconds = 4 * DAY;
	expect_removed(f, DAY, true, 1);
	assert_left(f, uidls[0], 1);
}

static void
run(const char *kind, bool is_shared, void (*test)(struct fixture *f))
{
	struct fixture f;

	ahead_seconds = 0;
	fixture_open(&f, kind);
	f.is_shared = is_shared;
	fixture_reopen(&f);
	test(&f);
	fixture_close(&f);
}

#define EVERY_STORE(name)                                                      \
	static void test_##name(void **state)                                  \
	{                                                                      \
		run("memory", true, name);                                     \
		run("maildir", true, name);                                    \
		run("maildir", false, name);                                   \
		run("mbox", true, name);                                       \
	}

EVERY_STORE(from_arrival)
EVERY_STORE(from_retrieval)
EVERY_STORE(notes_outlive_the_store)
EVERY_STORE(not_under_a_session)
EVERY_STORE(mail_of_others)
EVERY_STORE(torn_notes)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_arrival),
		cmocka_unit_test(test_from_retrieval),
		cmocka_unit_test(test_notes_outlive_the_store),
		cmocka_unit_test(test_not_under_a_session),
		cmocka_unit_test(test_mail_of_others),
		cmocka_unit_test(test_torn_notes),
	};

	real_now_ns = files_posix.now_ns;
	files_posix.now_ns = now_ns;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
