/* SPDX-License-Identifier: ISC */
/* A mailbox that was open before is opened again without opening a file, unless
   something has happened to it, whatever that was. */
#include "fixture.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW   "mail/alice/new"
#define CUR   "mail/alice/cur"
#define INDEX "state/index/alice/index"

static struct files counting;
static unsigned opens, looks;
static int are_open;

static int
count_open(struct files *files, int directory, const char *path, int flags,
	mode_t mode)
{
	int fd = files_posix.open(files, directory, path, flags, mode);

	opens++;
	are_open += fd >= 0;
	return fd;
}

static void
count_close(struct files *files, int *fd)
{
	are_open -= *fd >= 0;
	files_posix.close(files, fd);
}

static int
count_look(
	struct files *files, int directory, const char *path, struct stat *out)
{
	looks++;
	return files_posix.stat_at(files, directory, path, out);
}

static void
make_both_old(struct fixture *f)
{
	make_old(fixture_path(f, NEW));
	make_old(fixture_path(f, CUR));
}

static void
move(const struct fixture *f, const char *from, const char *to)
{
	assert_int_equal(
		rename(fixture_path(f, "%s", from), fixture_path(f, "%s", to)),
		0);
}

/* A mailbox with two messages, as a session left it a while ago. */
static int
set_up(void **state)
{
	static struct fixture fixture;
	struct fixture *f = &fixture;

	fixture_open(f, "maildir");
	*state = f;
	counting = files_posix;
	counting.open = count_open;
	counting.close = count_close;
	counting.stat_at = count_look;
	f->files = &counting;
	fixture_reopen(f);
	assert_int_equal(append_text(f, "alice", "a\r\n", NULL), OK);
	assert_int_equal(append_text(f, "alice", "b\r\n", NULL), OK);
	assert_int_equal(count_messages(f, "alice"), 2);
	make_both_old(f);
	assert_int_equal(count_messages(f, "alice"), 2);
	assert_int_equal(count_messages(f, "alice"), 2);
	opens = looks = 0;
	return 0;
}

static int
tear_down(void **state)
{
	fixture_close(*state);
	return 0;
}

static void
nothing_is_opened(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(count_messages(f, "alice"), 2);
	assert_int_equal(opens, 0);
	assert_int_equal(looks, 3);
}

/* The Maildir is opened when a message is asked for, or deleted. */
static void
it_is_a_session_like_any_other(void **state)
{
	struct fixture *f = *state;
	struct opened o = open_mailbox(f, "alice");

	assert_message(f, &o, 1, "b\r\n");
	close_mailbox(f, &o);
	o = open_mailbox(f, "alice");
	assert_int_equal(delete_messages(f, &o, (int[]){0, -1}), OK);
	close_mailbox(f, &o);
	assert_int_equal(count_entries(fixture_path(f, NEW)), 1);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, 1);
	assert_message(f, &o, 0, "b\r\n");
	close_mailbox(f, &o);
}

static void
deliveries_are_seen(void **state)
{
	struct fixture *f = *state;
	struct opened o;

	assert_int_equal(append_text(f, "alice", "c\r\n", NULL), OK);
	opens = 0;
	o = open_mailbox(f, "alice");
	assert_int_equal(opens, 0);
	assert_int_equal(o.maildrop->count, 3);
	assert_message(f, &o, 2, "c\r\n");
	close_mailbox(f, &o);
}

static void
mail_of_others_is_seen(void **state)
{
	struct fixture *f = *state;

	write_text(fixture_path(f, NEW "/1.a"), "a\n");
	assert_int_equal(count_messages(f, "alice"), 3);
	assert_int_equal(unlink(fixture_path(f, NEW "/1.a")), 0);
	assert_int_equal(count_messages(f, "alice"), 2);
}

/* By the same octets in another file; the old one is nobody's. */
static void
replace_index(struct fixture *f)
{
	static char octets[65536];
	size_t n = read_file(fixture_path(f, INDEX), octets, sizeof(octets));

	write_file(fixture_path(f, "state/aside"), octets, n);
	move(f, "state/aside", INDEX);
	opens = 0;
}

static void
another_index_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct opened o;

	assert_int_equal(unlink(fixture_path(f, INDEX)), 0);
	assert_int_equal(count_messages(f, "alice"), 2);
	assert_int_equal(access(fixture_path(f, INDEX), F_OK), 0);
	replace_index(f);
	assert_int_equal(count_messages(f, "alice"), 2);
	assert_true(opens > 0);
	replace_index(f);
	assert_int_equal(append_text(f, "alice", "c\r\n", NULL), OK);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, 3);
	assert_message(f, &o, 2, "c\r\n");
	close_mailbox(f, &o);
	move(f, "state/index/alice", "state/aside");
	assert_int_equal(count_messages(f, "alice"), 3);
	assert_int_equal(access(fixture_path(f, INDEX), F_OK), 0);
}

/* And is known by the time that the session ends, which has the old one. */
static void
another_index_during_a_session(void **state)
{
	struct fixture *f = *state;
	struct opened o = open_mailbox(f, "alice");

	replace_index(f);
	assert_int_equal(stat_mailbox(f, "alice").count, 2);
	close_mailbox(f, &o);
	opens = 0;
	assert_int_equal(count_messages(f, "alice"), 2);
	assert_true(opens > 0);
}

static void
mended_index_is_used(void **state)
{
	struct fixture *f = *state;
	struct store_mend_call mend = mend_mailbox(f, "alice", false);

	assert_int_equal(mend.call.outcome, OK);
	assert_true(mend.was_made_anew);
	assert_int_equal(count_messages(f, "alice"), 2);
}

static void
missing_maildir_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct opened o;

	move(f, "mail/alice", "mail/old");
	o = open_mailbox(f, "alice");
	assert_int_equal(o.outcome, ERR_TRY_LATER);
	move(f, "mail/old", "mail/alice");
	assert_int_equal(count_messages(f, "alice"), 2);
}

/* It is noticed too when it goes during a session. */
static void
maildir_goes_while_it_is_open(void **state)
{
	struct fixture *f = *state;
	struct opened o = open_mailbox(f, "alice");
	char text[8];
	enum outcome outcome;

	move(f, "mail/alice", "mail/old");
	assert_int_equal(
		read_message(f, &o, 0, text, sizeof(text), &outcome), -1);
	assert_int_equal(outcome, ERR_TRY_LATER);
	assert_int_equal(delete_messages(f, &o, (int[]){0, -1}), ERR_TRY_LATER);
	close_mailbox(f, &o);
	move(f, "mail/old", "mail/alice");
	assert_int_equal(count_messages(f, "alice"), 2);
}

/* An empty one that was beneath what was mounted: deletions are not carried out
   there, or they would be undone, and their UIDLs be used up. */
static void
another_maildir_while_it_is_open(void **state)
{
	struct fixture *f = *state;
	struct opened o = open_mailbox(f, "alice");
	char text[8];
	enum outcome outcome;

	move(f, "mail/alice", "mail/old");
	assert_int_equal(mkdir(fixture_path(f, "mail/alice"), 0700), 0);
	assert_int_equal(mkdir(fixture_path(f, NEW), 0700), 0);
	assert_int_equal(mkdir(fixture_path(f, CUR), 0700), 0);
	assert_int_equal(
		read_message(f, &o, 0, text, sizeof(text), &outcome), -1);
	assert_int_equal(outcome, ERR_TRY_LATER);
	assert_int_equal(delete_messages(f, &o, (int[]){0, -1}), ERR_TRY_LATER);
	close_mailbox(f, &o);
	remove_tree(fixture_path(f, "mail/alice"));
	move(f, "mail/old", "mail/alice");
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, 2);
	assert_message(f, &o, 0, "a\r\n");
	close_mailbox(f, &o);
}

static bool
is_nowhere_local(struct files *files, int descriptor)
{
	return false;
}

/* A look at an inode of another host may take as long as that host likes. */
static void
nobody_waits_for_another_host(void **state)
{
	struct fixture *f = *state;

	counting.is_local = is_nowhere_local;
	fixture_reopen(f);
	assert_int_equal(count_messages(f, "alice"), 2);
	opens = 0;
	assert_int_equal(count_messages(f, "alice"), 2);
	assert_true(opens > 0);
}

/* Where it is may become another host's disk at any time. */
static void
another_disk_is_noticed(void **state)
{
	struct fixture *f = *state;

	counting.is_local = is_nowhere_local;
	assert_int_equal(rename(fixture_path(f, NEW),
				 fixture_path(f, "mail/alice/aside")),
		0);
	assert_int_equal(mkdir(fixture_path(f, NEW), 0700), 0);
	make_both_old(f);
	assert_int_equal(count_messages(f, "alice"), 0);
	assert_int_equal(count_messages(f, "alice"), 0);
	opens = 0;
	assert_int_equal(count_messages(f, "alice"), 0);
	assert_true(opens > 0);
}

/* An eighth of the descriptors that there may be. */
static void
not_all_stay_open(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, few;
	char name[8];

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	fixture_reopen(f);
	are_open = 0;
	for (unsigned i = 0; i < 40; i++) {
		struct opened o;

		snprintf(name, sizeof(name), "u%u", i % 20);
		o = open_mailbox(f, name);
		assert_int_equal(o.outcome, OK);
		close_mailbox(f, &o);
		assert_in_range(are_open, 0, 8);
	}
	assert_int_equal(are_open, 8);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nothing_is_opened),
		CASE(it_is_a_session_like_any_other),
		CASE(deliveries_are_seen),
		CASE(mail_of_others_is_seen),
		CASE(another_index_is_noticed),
		CASE(another_index_during_a_session),
		CASE(mended_index_is_used),
		CASE(missing_maildir_is_noticed),
		CASE(maildir_goes_while_it_is_open),
		CASE(another_maildir_while_it_is_open),
		CASE(nobody_waits_for_another_host),
		CASE(another_disk_is_noticed),
		CASE(not_all_stay_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
