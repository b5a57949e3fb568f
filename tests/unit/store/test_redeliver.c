/* SPDX-License-Identifier: ISC */
/*
 * What the delivery journal holds after a power cut comes to its Maildir, unless
 * it was deleted, and never to a Maildir that is not mounted.
 */
#include "on_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "store/maildir/names.h"

/* Of the messages; the index is younger, and knows them. */
static void
lose_entries(void)
{
	struct files *files = &process.files;

	assert_int_equal(files->rename(files, AT_FDCWD, "mail/alice/new",
				 AT_FDCWD, "mail/lost"),
		0);
	assert_int_equal(
		files->mkdir(files, AT_FDCWD, "mail/alice/new", 0700), 0);
}

/* The n-th call of the start after a power cut fails: nobody has deleted what
   cannot be filed then. */
static bool
file_later_than(unsigned n)
{
	bool has_failed;

	make_disk();
	start(1, true);
	assert_int_equal(deliver("X: kept\r\n\r\n"), OK);
	assert_int_equal(deliver("X: kept, too\r\n\r\n"), OK);
	assert_int_equal(look(false, NULL), 2);
	cut_the_power(DISK_LOSES_NOTHING);
	lose_entries();
	start_fails_at = n;
	start(1, true);
	has_failed = process.fails_at == 0;
	start_fails_at = process.fails_at = 0;
	(void)look(false, NULL);
	stop();
	start(1, true);
	assert_int_equal(look(false, NULL), 2);
	stop();
	disk_free(&disk);
	return has_failed;
}

static void
what_could_not_be_filed_is_filed_later(void **state)
{
	unsigned n = 1;

	while (n < CUTS_MAXIMUM && file_later_than(n))
		n++;
	assert_in_range(n, 10, CUTS_MAXIMUM - 1);
}

/* The n-th call of emptying the journal fails, and the system gives up what it
   was to write: who starts next reads it all the same. */
static bool
fail_to_empty_at(unsigned n)
{
	bool has_failed;

	make_disk();
	process.is_forgetful = true;
	start(1, true);
	assert_int_equal(deliver("X: deleted\r\n\r\n"), OK);
	process.fails_at = n;
	process.error = EIO;
	store->ops->tend(store);
	has_failed = process.fails_at == 0;
	stop();
	start(1, true);
	assert_int_equal(look(true, NULL), 1);
	sync_all();
	cut_the_power(DISK_LOSES_ALL);
	start(1, true);
	assert_int_equal(look(false, NULL), 0);
	stop();
	disk_free(&disk);
	return has_failed;
}

static void
what_was_emptied_in_vain_is_emptied_again(void **state)
{
	unsigned n = 1;

	while (n < CUTS_MAXIMUM && fail_to_empty_at(n))
		n++;
	assert_in_range(n, 2, CUTS_MAXIMUM - 1);
}

/* ---- what another program removed ---- */

static bool
note_name(void *context, const char *name)
{
	snprintf(context, NAME_MAXIMUM_OCTETS + 1, "%s", name);
	return true;
}

static void
write_to(const char *path, const char *text)
{
	struct files *files = &process.files;
	int fd = files->open(files, AT_FDCWD, path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(
		files_write_all(files, fd, bytes_of_string(text), 0), 0);
	files->close(files, &fd);
}

/* The removal was lost in a power cut, and of the octets all but `left`. */
static unsigned
come_again(const char *left, const char *directory, const char *flags)
{
	char name[NAME_MAXIMUM_OCTETS + 1] = "", path[512];
	struct files *files = &process.files;
	unsigned count;

	make_disk();
	start(1, true);
	assert_int_equal(deliver("X: removed\r\n\r\n"), OK);
	assert_int_equal(look(false, NULL), 1);
	files->list(files, AT_FDCWD, "mail/alice/new", note_name, name);
	snprintf(path, sizeof(path), "mail/alice/new/%s", name);
	assert_int_equal(files->unlink(files, AT_FDCWD, path), 0);
	assert_int_equal(look(false, NULL), 0);
	cut_the_power(DISK_LOSES_NOTHING);
	snprintf(path, sizeof(path), "mail/alice/%s/%s%s", directory, name,
		flags);
	write_to(path, left);
	start(1, true);
	count = look(false, NULL);
	stop();
	disk_free(&disk);
	return count;
}

static void
what_a_power_cut_left_of_removed_mail_goes(void **state)
{
	assert_int_equal(come_again("", "new", ""), 0);
	assert_int_equal(come_again("X: rem", "new", ""), 0);
	assert_int_equal(come_again("", "cur", ":2,S"), 0);
	assert_int_equal(come_again("??????????\r\n\r\n", "new", ""), 0);
	/* These are another program's. */
	assert_int_equal(come_again("X: removed\r\n\r\n", "new", ""), 1);
	assert_int_equal(come_again("X: removed\r\n\r\n+", "cur", ":2,"), 1);
}

/* ---- a Maildir that is not there ---- */

/* Two whose journal was emptied, and one that it holds. */
static void
fill_and_cut(void)
{
	make_disk();
	start(1, true);
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(deliver("X: kept\r\n\r\n"), OK);
		assert_int_equal(look(false, NULL), i);
		if (i == 2)
			store->ops->tend(store);
	}
	cut_the_power(DISK_LOSES_NOTHING);
}

static void
journal_waits_for_what_is_not_mounted(void **state)
{
	fill_and_cut();
	move("mail/alice", "mail/elsewhere");
	start(1, true);
	assert_false(is_there("mail/alice"));
	stop();
	move("mail/elsewhere", "mail/alice");
	move("mail/alice/new", "mail/lost");
	process.files.mkdir(&process.files, AT_FDCWD, "mail/alice/new", 0700);
	start(1, true);
	/* The third was in the journal still. */
	assert_int_equal(look(false, NULL), 1);
	stop();
	disk_free(&disk);
}

static void
new_maildir_that_is_lost_is_made_again(void **state)
{
	make_disk();
	start(1, true);
	assert_int_equal(deliver("X: kept\r\n\r\n"), OK);
	assert_int_equal(look(false, NULL), 1);
	cut_the_power(DISK_LOSES_NOTHING);
	move("mail/alice", "mail/lost");
	start(1, true);
	assert_int_equal(look(false, NULL), 1);
	stop();
	disk_free(&disk);
}

/* Whatever fails: that it had messages is not forgotten over it. */
static void
vanished_maildir_is_not_made(void **state)
{
	bool has_failed = true;
	unsigned n = 1;

	for (; n < CUTS_MAXIMUM && has_failed; n++) {
		make_disk();
		start(0, true);
		assert_int_equal(deliver("X: kept\r\n\r\n"), OK);
		assert_int_equal(look(false, NULL), 1);
		stop();
		move("mail/alice", "mail/elsewhere");
		start(0, true);
		process.fails_at = n;
		process.error = EMFILE;
		assert_int_not_equal(deliver("X: late\r\n\r\n"), OK);
		assert_false(is_there("mail/alice"));
		has_failed = process.fails_at == 0;
		stop();
		disk_free(&disk);
	}
	assert_in_range(n, 3, CUTS_MAXIMUM - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_could_not_be_filed_is_filed_later),
		cmocka_unit_test(what_was_emptied_in_vain_is_emptied_again),
		cmocka_unit_test(what_a_power_cut_left_of_removed_mail_goes),
		cmocka_unit_test(journal_waits_for_what_is_not_mounted),
		cmocka_unit_test(new_maildir_that_is_lost_is_made_again),
		cmocka_unit_test(vanished_maildir_is_not_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
