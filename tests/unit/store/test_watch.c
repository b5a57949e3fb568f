/* SPDX-License-Identifier: ISC */
/* Own changes to a mailbox that is shared cost no scan; changes of others are
   never missed, whatever was between. */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/maildir/watch.h"

#define NEW "mail/alice/new"
#define CUR "mail/alice/cur"

static struct files counting;
static unsigned scans;

static int
count_list(struct files *files, int directory, const char *path,
	bool (*each)(void *context, const char *name), void *context)
{
	scans += !strcmp(path, "new");
	return files_posix.list(files, directory, path, each, context);
}

/* A mailbox with three messages that was scanned. */
static int
set_up(void **state)
{
	static struct fixture fixture;
	struct opened o;

	fixture_open(&fixture, "maildir");
	*state = &fixture;
	counting = files_posix;
	counting.list = count_list;
	fixture.files = &counting;
	fixture_reopen(&fixture);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			append_text(&fixture, "alice", "x\r\n", NULL), OK);
	o = open_mailbox(&fixture, "alice");
	close_mailbox(&fixture, &o);
	scans = 0;
	return 0;
}

static int
tear_down(void **state)
{
	fixture_close(*state);
	return 0;
}

static void
delete_first(struct fixture *f)
{
	static const int doomed[] = {0, -1};
	struct opened o = open_mailbox(f, "alice");

	assert_int_equal(delete_messages(f, &o, doomed), OK);
	close_mailbox(f, &o);
}

static void
own_changes_cost_no_scan(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(append_text(f, "alice", "y\r\n", NULL), OK);
		assert_int_equal(count_messages(f, "alice"), 4);
		delete_first(f);
		assert_int_equal(count_messages(f, "alice"), 3);
	}
	assert_int_equal(scans, 0);
	/* A mailbox nobody uses stays watched. */
	assert_false(f->store->ops->tend(f->store));
	assert_int_equal(append_text(f, "alice", "y\r\n", NULL), OK);
	assert_int_equal(count_messages(f, "alice"), 4);
	assert_int_equal(scans, 0);
}

/* Ours before and behind theirs, within a tick of the clock. */
static void
others_are_seen(void **state)
{
	struct fixture *f = *state;
	char name[256];

	assert_int_equal(append_text(f, "alice", "y\r\n", NULL), OK);
	write_text(fixture_path(f, NEW "/1.a"), "a\n");
	assert_int_equal(append_text(f, "alice", "y\r\n", NULL), OK);
	assert_int_equal(count_messages(f, "alice"), 6);
	assert_int_equal(append_text(f, "alice", "y\r\n", NULL), OK);
	assert_true(entry_at(fixture_path(f, NEW), 0, name));
	assert_int_equal(unlink(fixture_path(f, NEW "/%s", name)), 0);
	assert_int_equal(append_text(f, "alice", "y\r\n", NULL), OK);
	assert_int_equal(count_messages(f, "alice"), 7);
	delete_first(f);
	write_text(fixture_path(f, CUR "/2.b:2,S"), "b\n");
	assert_int_equal(count_messages(f, "alice"), 7);
	assert_true(scans > 0);
}

/* What they only put in is read alone, wherever they put it. */
static void
deliveries_of_others_cost_no_scan(void **state)
{
	struct fixture *f = *state;
	struct opened o;

	write_text(fixture_path(f, NEW "/1700000001.a"), "a\n");
	assert_int_equal(count_messages(f, "alice"), 4);
	/* By way of another name; a dot file is none. */
	write_text(fixture_path(f, NEW "/.b"), "b\n");
	assert_int_equal(rename(fixture_path(f, NEW "/.b"),
				 fixture_path(f, CUR "/1700000000.b:2,S")),
		0);
	assert_int_equal(append_text(f, "alice", "y\r\n", NULL), OK);
	write_text(fixture_path(f, "mail/alice/tmp/c"), "c\n");
	assert_int_equal(link(fixture_path(f, "mail/alice/tmp/c"),
				 fixture_path(f, NEW "/1700000002.c")),
		0);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, 7);
	assert_message(f, &o, 3, "a\r\n");
	assert_message(f, &o, 4, "y\r\n");
	assert_message(f, &o, 5, "b\r\n");
	assert_message(f, &o, 6, "c\r\n");
	close_mailbox(f, &o);
	assert_int_equal(scans, 0);
	fixture_reopen(f);
	assert_int_equal(count_messages(f, "alice"), 7);
}

/* A message that was followed is one that the index has. */
static void
followed_and_renamed(void **state)
{
	struct fixture *f = *state;
	char before[71], after[71];
	struct opened o;

	write_text(fixture_path(f, NEW "/1.a"), "a\n");
	o = open_mailbox(f, "alice");
	uidl_of(&o, 3, before);
	close_mailbox(f, &o);
	assert_int_equal(rename(fixture_path(f, NEW "/1.a"),
				 fixture_path(f, CUR "/1.a:2,S")),
		0);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, 4);
	uidl_of(&o, 3, after);
	assert_string_equal(before, after);
	assert_message(f, &o, 3, "a\r\n");
	close_mailbox(f, &o);
}

/* It had two names, and lost the one that was told of last. */
static void
came_and_went_under_another_name(void **state)
{
	struct fixture *f = *state;

	write_text(fixture_path(f, NEW "/1.a"), "a\n");
	assert_int_equal(link(fixture_path(f, NEW "/1.a"),
				 fixture_path(f, CUR "/1.a:2,")),
		0);
	assert_int_equal(unlink(fixture_path(f, CUR "/1.a:2,")), 0);
	assert_int_equal(count_messages(f, "alice"), 4);
	/* And one that was gone before anybody looked. */
	write_text(fixture_path(f, NEW "/2.b"), "b\n");
	assert_int_equal(unlink(fixture_path(f, NEW "/2.b")), 0);
	assert_int_equal(count_messages(f, "alice"), 4);
	write_text(fixture_path(f, NEW "/3.c"), "c\n");
	assert_int_equal(count_messages(f, "alice"), 5);
}

/* Deleted here, put back by them: another message. */
static void
followed_deleted_and_put_back(void **state)
{
	static const int doomed[] = {3, -1};
	struct fixture *f = *state;
	char before[71], after[71];
	struct opened o;

	write_text(fixture_path(f, NEW "/1.a"), "a\n");
	o = open_mailbox(f, "alice");
	uidl_of(&o, 3, before);
	assert_int_equal(delete_messages(f, &o, doomed), OK);
	close_mailbox(f, &o);
	write_text(fixture_path(f, NEW "/1.a"), "a\n");
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, 4);
	uidl_of(&o, 3, after);
	assert_string_not_equal(before, after);
	close_mailbox(f, &o);
}

/* So many that what inotify said of them is not kept. */
static void
many_of_others(void **state)
{
	struct fixture *f = *state;
	unsigned count = 0;

	for (; count < FOREIGN_MAXIMUM_OCTETS / 8; count++)
		write_text(fixture_path(f, NEW "/%u.z", count), "z\n");
	assert_int_equal(count_messages(f, "alice"), 3 + count);
	assert_true(scans > 0);
	scans = 0;
	/* Until there is no more room for their names, too. */
	for (unsigned i = 0; i < 2 * count; i++) {
		write_text(fixture_path(f, CUR "/%u.y", i), "y\n");
		if (i % 256 == 0)
			assert_int_equal(
				count_messages(f, "alice"), 4 + count + i);
	}
	assert_int_equal(count_messages(f, "alice"), 3 + 3 * count);
	assert_true(scans > 0);
}

/* Its own changes are long ago: a new process finds the index in order. */
static void
a_restart_costs_no_scan(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(append_text(f, "alice", "y\r\n", NULL), OK);
	write_text(fixture_path(f, NEW "/1.a"), "a\n");
	assert_int_equal(count_messages(f, "alice"), 5);
	make_old(fixture_path(f, NEW));
	make_old(fixture_path(f, CUR));
	assert_int_equal(count_messages(f, "alice"), 5);
	assert_int_equal(scans, 0);
	fixture_reopen(f);
	assert_int_equal(count_messages(f, "alice"), 5);
	assert_int_equal(scans, 0);
	/* What was put in meanwhile is seen. */
	fixture_stop(f);
	write_text(fixture_path(f, NEW "/2.b"), "b\n");
	fixture_start(f);
	assert_int_equal(count_messages(f, "alice"), 6);
}

static void
known_never_says_no_wrongly(void **state)
{
	struct known known;
	char name[16];
	uint32_t n = 0, errors = 0;

	assert_true(known_init(&known, 1000));
	do {
		snprintf(name, sizeof(name), "%u", n++);
	} while (known_add(&known, known_hash(bytes_of_string(name))));
	assert_true(n > 1500);
	for (uint32_t i = 0; i < n - 1; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_true(
			known_has(&known, known_hash(bytes_of_string(name))));
		snprintf(name, sizeof(name), "x%u", i);
		errors += known_has(&known, known_hash(bytes_of_string(name)));
	}
	assert_int_equal(errors, 0);
	known_release(&known);
	/* Nothing is known of what is not kept. */
	assert_true(known_has(&known, 1));
	assert_false(known_add(&known, 1));
}

/* Their change undoes ours by the very name: two events, one announced. */
static void
ours_undone_by_others(void **state)
{
	struct fixture *f = *state;
	char name[256], before[256];
	const char *path;

	assert_true(entry_at(fixture_path(f, NEW), 2, before));
	assert_int_equal(append_text(f, "alice", "y\r\n", NULL), OK);
	for (unsigned i = 0; entry_at(fixture_path(f, NEW), i, name); i++) {
		char text[8] = "";

		read_file(fixture_path(f, NEW "/%s", name), text, 7);
		if (text[0] == 'y')
			break;
	}
	path = fixture_path(f, NEW "/%s", name);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(count_messages(f, "alice"), 3);
}

/* Another folder in its place: restored from a backup, say. */
static void
a_replaced_folder(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rename(fixture_path(f, "mail/alice"),
				 fixture_path(f, "mail/old")),
		0);
	assert_int_equal(mkdir(fixture_path(f, "mail/alice"), 0700), 0);
	assert_int_equal(mkdir(fixture_path(f, NEW), 0700), 0);
	assert_int_equal(mkdir(fixture_path(f, CUR), 0700), 0);
	assert_int_equal(mkdir(fixture_path(f, "mail/alice/tmp"), 0700), 0);
	write_text(fixture_path(f, NEW "/1.a"), "a\n");
	assert_int_equal(count_messages(f, "alice"), 1);
	write_text(fixture_path(f, NEW "/2.a"), "a\n");
	assert_int_equal(count_messages(f, "alice"), 2);
}

static void
more_than_is_remembered(void **state)
{
	struct fixture *f = *state;
	struct listing nothing = LISTING_EMPTY;
	struct watch *watch = NULL;
	struct watches *watches = watches_new();
	ino_t inodes[2];
	struct stat status;
	int root = open(fixture_path(f, "mail/alice"), O_DIRECTORY);

	assert_non_null(watches);
	assert_int_equal(stat(fixture_path(f, NEW), &status), 0);
	inodes[0] = status.st_ino;
	assert_int_equal(stat(fixture_path(f, CUR), &status), 0);
	inodes[1] = status.st_ino;
	assert_int_equal(watch_look(watch, inodes), WATCH_DIRTY);
	watch_begin(&watch, watches, root);
	assert_int_equal(watch_look(watch, inodes), WATCH_DIRTY);
	watch_scanned(watch, &nothing);
	assert_int_equal(watch_look(watch, inodes), WATCH_CLEAN);
	for (unsigned i = 0; i < WATCH_EXPECTED_MAXIMUM; i++)
		watch_expect(watch, 0, CHANGE_GOES, "x");
	assert_int_equal(watch_look(watch, inodes), WATCH_CLEAN);
	watch_expect(watch, 0, CHANGE_GOES, "x");
	assert_int_equal(watch_look(watch, inodes), WATCH_DIRTY);
	watch_end(&watch);
	assert_int_equal(watch_look(watch, inodes), WATCH_DIRTY);
	watches_free(&watches);
	close(root);
}

/* Anything, in any order: the count is always the number of files. */
static void
at_random(void **state)
{
	struct fixture *f = *state;
	char name[256];
	unsigned made = 0;

	srand(7);
	for (int i = 0; i < 600; i++) {
		const char *directory =
			fixture_path(f, "%s", rand() % 2 ? NEW : CUR);

		switch (rand() % 6) {
		case 0:
			assert_int_equal(
				append_text(f, "alice", "y\r\n", NULL), OK);
			break;
		case 1:
			snprintf(name, sizeof(name), "%s/%u.z", directory,
				++made);
			write_text(name, "z\n");
			break;
		case 2:
			if (entry_at(directory, 0, name))
				unlink(fixture_path(f, "%s/%s",
					strrchr(directory, '/')[1] == 'n' ? NEW
									  : CUR,
					name));
			break;
		case 3:
			if (entry_at(fixture_path(f, NEW), 0, name))
				assert_int_equal(
					rename(fixture_path(f, NEW "/%s", name),
						fixture_path(f, CUR "/%s:2,S",
							name)),
					0);
			break;
		case 4:
			if (count_messages(f, "alice") > 0)
				delete_first(f);
			break;
		default:
			break;
		}
		assert_int_equal(count_messages(f, "alice"),
			count_entries(fixture_path(f, NEW)) +
				count_entries(fixture_path(f, CUR)));
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(own_changes_cost_no_scan),
		CASE(others_are_seen),
		CASE(deliveries_of_others_cost_no_scan),
		CASE(followed_and_renamed),
		CASE(came_and_went_under_another_name),
		CASE(followed_deleted_and_put_back),
		CASE(many_of_others),
		CASE(a_restart_costs_no_scan),
		CASE(known_never_says_no_wrongly),
		CASE(ours_undone_by_others),
		CASE(a_replaced_folder),
		CASE(more_than_is_remembered),
		CASE(at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
