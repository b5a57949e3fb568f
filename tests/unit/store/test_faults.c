/* SPDX-License-Identifier: ISC */
/*
 * Every call to the system fails once, in every place: nothing acknowledged is
 * lost, a QUIT is carried out whole or not at all, nothing crashes.
 */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faulty_files.h"

#define MESSAGES      6 /* four of others, two of ours */
#define CALLS_MAXIMUM 2000
#define FROM_LINE     "From x Thu Nov 19 08:30:00 2026\n"

static const char *kind;

/* ---- what others do to the mailbox ---- */

static bool
is_mbox(void)
{
	return strcmp(kind, "mbox") == 0;
}

static void
append_to_mbox(struct fixture *f, const char *letter)
{
	FILE *file = fopen(fixture_path(f, "mail/alice"), "a");

	assert_non_null(file);
	fprintf(file, FROM_LINE "%s\n\n", letter);
	fclose(file);
}

static void
others_deliver(struct fixture *f)
{
	if (is_mbox()) {
		append_to_mbox(f, "a");
		append_to_mbox(f, "b");
		append_to_mbox(f, "c");
		append_to_mbox(f, "d");
		return;
	}
	write_text(fixture_path(f, "mail/alice/new/1.a"), "a\n");
	write_text(fixture_path(f, "mail/alice/new/2.b"), "b\n");
	write_text(fixture_path(f, "mail/alice/cur/3.c:2,"), "c\n");
	write_text(fixture_path(f, "mail/alice/cur/4.d:2,S"), "d\n");
}

static void
others_deliver_z(struct fixture *f)
{
	if (is_mbox())
		append_to_mbox(f, "z");
	else
		write_text(fixture_path(f, "mail/alice/new/9.z"), "z\n");
}

/* The first goes, the second is moved, one more comes. */
static void
others_change_all(struct fixture *f)
{
	char octets[1000];
	size_t length;

	if (is_mbox()) {
		const char *path = fixture_path(f, "mail/alice");
		size_t first = strlen(FROM_LINE "a\n\n");

		length = read_file(path, octets, sizeof(octets));
		write_file(path, octets + first, length - first);
	} else {
		remove(fixture_path(f, "mail/alice/new/1.a"));
		rename(fixture_path(f, "mail/alice/new/2.b"),
			fixture_path(f, "mail/alice/cur/2.b:2,S"));
	}
	others_deliver_z(f);
}

/* The mailbox that a case starts from. */
static void
prepare(struct fixture *f, char uidls[MESSAGES][71])
{
	struct opened o;

	fixture_open(f, kind);
	faulty_files_arm(0, 0, false);
	f->files = &faulty_files;
	fixture_reopen(f);
	o = open_mailbox(f, "alice");
	close_mailbox(f, &o);
	others_deliver(f);
	o = open_mailbox(f, "alice");
	close_mailbox(f, &o);
	assert_int_equal(append_text(f, "alice", "e\r\n", NULL), OK);
	assert_int_equal(append_text(f, "alice", "f\r\n", NULL), OK);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, MESSAGES);
	for (uint32_t i = 0; i < MESSAGES; i++)
		uidl_of(&o, i, uidls[i]);
	close_mailbox(f, &o);
	fixture_reopen(f);
}

static uint32_t
position(const struct opened *o, const char *uidl)
{
	for (uint32_t i = 0; i < o->maildrop->count; i++) {
		char one[71];

		uidl_of(o, i, one);
		if (!strcmp(one, uidl))
			return i;
	}
	return UINT32_MAX;
}

/* How many of `wanted` are there; the others must be as before. */
static unsigned
survivors(struct fixture *f, char uidls[MESSAGES][71], const int *doomed)
{
	struct opened o = open_mailbox(f, "alice");
	unsigned there = 0;

	assert_int_equal(o.outcome, OK);
	for (int i = 0; i < MESSAGES; i++) {
		uint32_t at = position(&o, uidls[i]);
		bool is_doomed = false;
		char text[4], octets[8];
		enum outcome outcome;

		for (const int *d = doomed; *d >= 0; d++)
			is_doomed |= *d == i;
		there += is_doomed && at != UINT32_MAX;
		if (is_doomed)
			continue;
		assert_int_not_equal(at, UINT32_MAX);
		snprintf(text, sizeof(text), "%c", 'a' + i);
		assert_true(read_message(f, &o, at, octets, sizeof(octets),
				    &outcome) >= 2);
		assert_int_equal(octets[0], text[0]);
	}
	close_mailbox(f, &o);
	return there;
}

static bool
commit_with_fault(unsigned n, int error, bool is_for_ever)
{
	static const int doomed[] = {0, 2, 3, 4, -1};
	char uidls[MESSAGES][71];
	struct fixture f;
	struct opened o;
	enum outcome outcome;
	unsigned there;
	bool was_reached;

	prepare(&f, uidls);
	o = open_mailbox(&f, "alice");
	assert_int_equal(o.outcome, OK);
	faulty_files_arm(n, error, is_for_ever);
	outcome = delete_messages(&f, &o, doomed);
	close_mailbox(&f, &o);
	was_reached = faulty_files_calls() >= n;
	faulty_files_arm(0, 0, false);
	fixture_reopen(&f);
	there = survivors(&f, uidls, doomed);
	assert_true(there == 0 || there == 4);
	if (outcome == OK)
		assert_int_equal(there, 0);
	/* And it stays so. */
	assert_int_equal(survivors(&f, uidls, doomed), there);
	fixture_close(&f);
	return was_reached;
}

static bool
append_with_fault(unsigned n, int error, bool is_for_ever)
{
	static const int none[] = {-1};
	char uidls[MESSAGES][71], uidl[71];
	struct fixture f;
	struct opened o;
	enum outcome outcome;
	bool was_reached;

	prepare(&f, uidls);
	faulty_files_arm(n, error, is_for_ever);
	outcome = append_text(&f, "alice", "new one\r\n", uidl);
	was_reached = faulty_files_calls() >= n;
	faulty_files_arm(0, 0, false);
	for (int round = 0; round < 2; round++) {
		survivors(&f, uidls, none);
		o = open_mailbox(&f, "alice");
		if (outcome == OK) {
			uint32_t at = position(&o, uidl);

			assert_int_not_equal(at, UINT32_MAX);
			assert_message(&f, &o, at, "new one\r\n");
			assert_int_equal(o.maildrop->count, MESSAGES + 1);
		}
		close_mailbox(&f, &o);
		fixture_reopen(&f);
	}
	fixture_close(&f);
	return was_reached;
}

/* Others have changed everything there is to change before this open. */
static bool
open_with_fault(unsigned n, int error, bool is_for_ever)
{
	static const int gone[] = {0, -1};
	char uidls[MESSAGES][71];
	struct fixture f;
	struct opened o;
	bool was_reached;

	prepare(&f, uidls);
	others_change_all(&f);
	faulty_files_arm(n, error, is_for_ever);
	o = open_mailbox(&f, "alice");
	was_reached = faulty_files_calls() >= n;
	faulty_files_arm(0, 0, false);
	if (o.outcome == OK)
		close_mailbox(&f, &o);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(survivors(&f, uidls, gone), 0);
		o = open_mailbox(&f, "alice");
		assert_int_equal(o.maildrop->count, MESSAGES);
		close_mailbox(&f, &o);
		fixture_reopen(&f);
	}
	fixture_close(&f);
	return was_reached;
}

static void
at_every_call(bool (*run)(unsigned n, int error, bool is_for_ever))
{
	static const int errors[] = {EIO, ENOSPC};
	unsigned n;

	for (unsigned e = 0; e < 2; e++)
		for (int is_for_ever = 0; is_for_ever < 2; is_for_ever++) {
			for (n = 1; n < CALLS_MAXIMUM; n++)
				if (!run(n, errors[e], is_for_ever))
					break;
			assert_true(n > 5 && n < CALLS_MAXIMUM);
		}
}

static void
commit_survives(void **state)
{
	at_every_call(commit_with_fault);
}

static void
append_survives(void **state)
{
	at_every_call(append_with_fault);
}

static void
open_survives(void **state)
{
	at_every_call(open_with_fault);
}

/* Full disk: reading, DELE and QUIT need no free block; only a delivery
   fails, and says why. */
static void
full_disk(void **state)
{
	static const int doomed[] = {0, 1, 2, 3, 4, 5, -1};
	char uidls[MESSAGES][71];
	struct fixture f;
	struct opened o;

	prepare(&f, uidls);
	others_deliver_z(&f);
	faulty_files_fill(true);
	assert_int_equal(append_text(&f, "alice", "x\r\n", NULL), ERR_NO_SPACE);
	for (int round = 0; round < 3; round++) {
		o = open_mailbox(&f, "alice");
		assert_int_equal(o.outcome, OK);
		assert_int_equal(o.maildrop->count, MESSAGES + 1);
		for (uint32_t i = 0; i < MESSAGES; i++) {
			char uidl[71];

			uidl_of(&o, i, uidl);
			assert_string_equal(uidl, uidls[i]);
		}
		assert_message(&f, &o, MESSAGES, "z\n");
		close_mailbox(&f, &o);
		if (round == 1)
			fixture_reopen(&f);
	}
	o = open_mailbox(&f, "alice");
	assert_int_equal(delete_messages(&f, &o, doomed), OK);
	close_mailbox(&f, &o);
	fixture_reopen(&f);
	o = open_mailbox(&f, "alice");
	assert_int_equal(o.maildrop->count, 1);
	assert_message(&f, &o, 0, "z\n");
	close_mailbox(&f, &o);
	faulty_files_fill(false);
	fixture_close(&f);
}

static int
on_maildir(void **state)
{
	kind = "maildir";
	return 0;
}

static int
on_mbox(void **state)
{
	kind = "mbox";
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(commit_survives, on_maildir),
		cmocka_unit_test_setup(commit_survives, on_mbox),
		cmocka_unit_test_setup(append_survives, on_maildir),
		cmocka_unit_test_setup(append_survives, on_mbox),
		cmocka_unit_test_setup(open_survives, on_maildir),
		cmocka_unit_test_setup(open_survives, on_mbox),
		cmocka_unit_test_setup(full_disk, on_maildir),
		cmocka_unit_test_setup(full_disk, on_mbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
