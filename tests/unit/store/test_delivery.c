/* SPDX-License-Identifier: ISC */
/* The delivery journal, and what deliveries leave behind. */
#include "fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faulty_files.h"
#include "store/maildir/delivery_log.h"

#define LETTER_OCTETS 20000
#define OWN	      "1700000000.R0123456789abcdefghjkmnpqrs."

static int
set_up(void **state)
{
	static struct fixture fixture;

	fixture_open(&fixture, "maildir");
	*state = &fixture;
	return 0;
}

static int
tear_down(void **state)
{
	faulty_files_fill(false);
	fixture_close(*state);
	return 0;
}

/* ---- records in the journal's files ---- */

static enum outcome
count_record(void *context, const struct delivery_record *record)
{
	++*(unsigned *)context;
	return OK;
}

static unsigned
records(struct fixture *f)
{
	unsigned count = 0;

	for (unsigned i = 0; i < DELIVERY_LOGS; i++) {
		struct delivery_log log = {.files = &files_posix,
			.state_root = open(fixture_path(f, "state"),
				O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			.number = i,
			.descriptor = -1};
		enum outcome outcome = delivery_log_open(&log, false, 0);

		assert_true(outcome == OK || outcome == ERR_GONE);
		if (outcome == OK)
			assert_int_equal(
				delivery_log_read(&log, count_record, &count),
				OK);
		delivery_log_close(&log);
		close(log.state_root);
	}
	return count;
}

static void
recorded_until_tended_to(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(append_text(f, "alice", "x\r\n", NULL), OK);
	assert_int_equal(append_text(f, "bob", "y\r\n", NULL), OK);
	assert_int_equal(records(f), 2);
	assert_false(f->store->ops->tend(f->store));
	assert_int_equal(records(f), 0);
	assert_int_equal(append_text(f, "bob", "z\r\n", NULL), OK);
	assert_int_equal(records(f), 1);
	/* A start of the same system has nothing to make again. */
	fixture_reopen(f);
	assert_int_equal(records(f), 0);
}

static void
refused_is_void(void **state)
{
	struct fixture *f = *state;

	f->files = &faulty_files;
	faulty_files_arm(0, 0, false);
	fixture_reopen(f);
	assert_int_equal(append_text(f, "alice", "x\r\n", NULL), OK);
	faulty_files_fill(true);
	assert_int_equal(append_text(f, "alice", "y\r\n", NULL), ERR_NO_SPACE);
	faulty_files_fill(false);
	assert_int_equal(records(f), 1);
	assert_int_equal(count_entries(fixture_path(f, "mail/alice/tmp")), 0);
	assert_int_equal(count_entries(fixture_path(f, "mail/alice/new")), 1);
}

static void
large_and_unwanted(void **state)
{
	struct fixture *f = *state;
	unsigned char *large = calloc(1, DELIVERY_MESSAGE_OCTETS + 1);

	assert_int_equal(append_octets(f, "alice", large,
				 DELIVERY_MESSAGE_OCTETS + 1, NULL),
		OK);
	assert_int_equal(records(f), 0);
	assert_int_equal(
		append_octets(f, "alice", large, DELIVERY_MESSAGE_OCTETS, NULL),
		OK);
	assert_int_equal(records(f), 1);
	free(large);
	f->journal_octets = 0;
	fixture_reopen(f);
	assert_int_equal(append_text(f, "alice", "x\r\n", NULL), OK);
	assert_int_equal(records(f), 0);
	assert_int_equal(count_entries(fixture_path(f, "mail/alice/new")), 3);
}

/* More than both files hold. */
static void
files_take_turns(void **state)
{
	struct fixture *f = *state;
	unsigned char *letter = malloc(LETTER_OCTETS);
	unsigned n = 5 * DELIVERY_LOG_MINIMUM / LETTER_OCTETS;
	struct opened o;

	memset(letter, 'x', LETTER_OCTETS);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(
			append_octets(f, "alice", letter, LETTER_OCTETS, NULL),
			OK);
	assert_true(records(f) < n);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, n);
	close_mailbox(f, &o);
	free(letter);
}

static void
damaged_is_set_aside(void **state)
{
	struct fixture *f = *state;
	int fd;

	assert_int_equal(append_text(f, "alice", "x\r\n", NULL), OK);
	fixture_stop(f);
	fd = open(fixture_path(f, "state/deliveries.0"), O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "damage", 6, 26), 6);
	close(fd);
	fixture_start(f);
	assert_int_equal(fixture_notices(), 1);
	assert_int_equal(
		access(fixture_path(f, "state/deliveries.0.damaged"), F_OK), 0);
	assert_int_equal(append_text(f, "alice", "y\r\n", NULL), OK);
	assert_int_equal(records(f), 1);
}

/* What was there may have changed by the time the message is safe. */
static void
no_maildir_any_more(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(append_text(f, "alice", "x\r\n", NULL), OK);
	remove_tree(fixture_path(f, "mail/alice"));
	write_text(fixture_path(f, "mail/alice"), "not a folder");
	assert_int_not_equal(append_text(f, "alice", "y\r\n", NULL), OK);
	assert_int_equal(records(f), 1);
	assert_int_equal(unlink(fixture_path(f, "mail/alice")), 0);
	/* As a file system that is not mounted: nothing is made anew. */
	assert_int_not_equal(append_text(f, "alice", "y\r\n", NULL), OK);
	assert_int_equal(mkdir(fixture_path(f, "mail/alice"), 0700), 0);
	assert_int_equal(append_text(f, "alice", "z\r\n", NULL), OK);
	assert_int_equal(count_entries(fixture_path(f, "mail/alice/new")), 1);
}

/* ---- quota ---- */

static void
quota_of_messages(void **state)
{
	struct fixture *f = *state;
	char name[256];

	f->quota = (struct store_quota){.messages = 4, .soft_percent = 50};
	fixture_reopen(f);
	assert_int_equal(append_text(f, "alice", "1\r\n", NULL), OK);
	assert_int_equal(append_text(f, "alice", "2\r\n", NULL), OK);
	assert_int_equal(
		append_text(f, "alice", "3\r\n", NULL), ERR_SOFT_QUOTA);
	write_text(fixture_path(f, "mail/alice/cur/1.a:2,"), "a\n");
	write_text(fixture_path(f, "mail/alice/cur/1.b:2,"), "b\n");
	assert_int_equal(
		append_text(f, "alice", "3\r\n", NULL), ERR_OVER_QUOTA);
	assert_int_equal(append_text(f, "bob", "1\r\n", NULL), OK);
	/* Others make room: it is seen although nobody logs in. */
	for (int i = 0; i < 3; i++) {
		const char *folder = i ? "cur" : "new";

		assert_true(entry_at(
			fixture_path(f, "mail/alice/%s", folder), 0, name));
		assert_int_equal(unlink(fixture_path(
					 f, "mail/alice/%s/%s", folder, name)),
			0);
	}
	assert_int_equal(append_text(f, "alice", "3\r\n", NULL), OK);
}

static void
quota_of_octets(void **state)
{
	struct fixture *f = *state;
	unsigned char letter[600] = "Subject: x\r\n";

	f->quota = (struct store_quota){.octets = 1000, .soft_percent = 100};
	fixture_reopen(f);
	assert_int_equal(append_octets(f, "alice", letter, 600, NULL), OK);
	assert_int_equal(
		append_octets(f, "alice", letter, 600, NULL), ERR_OVER_QUOTA);
	/* One octet more is sent than is stored: the last line's end. */
	assert_int_equal(append_octets(f, "alice", letter, 396, NULL), OK);
	assert_int_equal(
		append_text(f, "alice", "1\r\n", NULL), ERR_OVER_QUOTA);
	assert_int_equal(count_entries(fixture_path(f, "mail/alice/new")), 2);
	assert_int_equal(count_entries(fixture_path(f, "mail/alice/tmp")), 0);
}

/* ---- leftovers ---- */

static bool
is_left(struct fixture *f, const char *name)
{
	return access(fixture_path(f, "mail/alice/tmp/%s", name), F_OK) == 0;
}

static void
leftovers_are_swept(void **state)
{
	static const char *const names[] = {OWN "host_a_b.example",
		OWN "elsewhere", "1700000000.M1.new", "1700000000.M1.old"};
	struct fixture *f = *state;

	assert_int_equal(append_text(f, "alice", "x\r\n", NULL), OK);
	for (unsigned i = 0; i < 4; i++)
		write_text(fixture_path(f, "mail/alice/tmp/%s", names[i]), "x");
	make_old(fixture_path(f, "mail/alice/tmp/%s", names[3]));
	assert_int_equal(append_text(f, "alice", "x\r\n", NULL), OK);
	assert_int_equal(count_entries(fixture_path(f, "mail/alice/tmp")), 4);
	fixture_reopen(f);
	assert_int_equal(append_text(f, "alice", "x\r\n", NULL), OK);
	assert_false(is_left(f, names[0]));
	assert_true(is_left(f, names[1]));
	assert_true(is_left(f, names[2]));
	assert_false(is_left(f, names[3]));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(recorded_until_tended_to),
		CASE(refused_is_void),
		CASE(large_and_unwanted),
		CASE(files_take_turns),
		CASE(damaged_is_set_aside),
		CASE(no_maildir_any_more),
		CASE(quota_of_messages),
		CASE(quota_of_octets),
		CASE(leftovers_are_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
