/* SPDX-License-Identifier: ISC */
/*
 * A process is killed at every change it makes, another one goes on, and then
 * the power goes: what the second one promised is so, whatever the first one
 * had not synced. And what simulation found besides.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "disk.h"
#include "store/maildir/maildir.h"

#define CUTS_MAXIMUM 2000
#define NAME	     "1790000000.M1.elsewhere"

static uint64_t time_ns;

static uint64_t
now_ns(void)
{
	time_ns += 10000000;
	return time_ns;
}

static uint64_t
number(void)
{
	static uint64_t state;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return state;
}

static const struct disk_world world = {.now_ns = now_ns, .random = number};
static struct disk *disk;
static struct disk_process process;
static struct store *store;
/* The call of maildir_store_new that fails for want of room; 0: none. */
static unsigned start_fails_at;

static int
open_below(const char *name)
{
	return process.files.open(
		&process.files, AT_FDCWD, name, O_RDONLY | O_DIRECTORY, 0);
}

static void
start(uint32_t journal_octets, bool is_shared)
{
	struct store_options options = {
		.kind = "maildir",
		.mail_root = open_below("mail"),
		.mail_template = "%u",
		.state_root = open_below("state"),
		.is_shared = is_shared,
		.hostname = "host",
		.journal_octets = journal_octets,
		.executor = &executor_inline,
	};

	process.fails_at = start_fails_at;
	process.error = ENOSPC;
	assert_int_equal(
		maildir_store_new(&options, &process.files, &store), OK);
}

static void
make_disk(void)
{
	int root;

	time_ns = 1790000000ull * 1000000000;
	disk = disk_new(&world);
	disk_process_init(&process, disk);
	process.files.mkdir(&process.files, AT_FDCWD, "mail", 0700);
	process.files.mkdir(&process.files, AT_FDCWD, "state", 0700);
	root = open_below(".");
	process.files.sync(&process.files, root);
	process.files.close(&process.files, &root);
	disk_process_init(&process, disk);
}

static void
stop(void)
{
	store->ops->free(&store);
	assert_int_equal(process.open, 0);
	disk_process_init(&process, disk);
}

static void
ignore(struct store_call *call)
{
}

static enum outcome
deliver(const char *text)
{
	struct store_append_call call = {.mailbox = "alice",
		.call.done = ignore,
		.chunk = bytes_of_string(text)};

	store->ops->append_begin(store, &call);
	if (call.call.outcome != OK)
		return call.call.outcome;
	store->ops->append_write(store, &call);
	store->ops->append_commit(store, &call);
	return call.call.outcome;
}

/* How many there are; all are deleted when `deletes`, and the first one's UIDL
   goes to uidl. */
static unsigned
look(bool deletes, char uidl[UIDL_MAXIMUM_OCTETS + 1])
{
	struct store_open_call call = {.mailbox = "alice",
		.call.done = ignore,
		.snapshot.descriptor = -1};
	struct index_set deleted = INDEX_SET_EMPTY;
	struct store_commit_call commit = {
		.call.done = ignore, .deleted = &deleted};
	struct maildrop_message message;
	struct snapshot *snapshot = NULL;
	unsigned count;
	int fd;

	store->ops->open(store, &call);
	assert_int_equal(call.call.outcome, OK);
	fd = call.snapshot.descriptor;
	count = call.snapshot.count;
	call.snapshot.descriptor = disk_export(&process, fd);
	process.files.close(&process.files, &fd);
	assert_int_equal(snapshot_new(&call.snapshot, &snapshot), OK);
	if (uidl && count > 0) {
		const struct maildrop *maildrop = snapshot_maildrop(snapshot);

		assert_int_equal(maildrop->message(maildrop, 0, &message), OK);
		assert_true(bytes_to_string(
			message.uidl, uidl, UIDL_MAXIMUM_OCTETS + 1));
	}
	for (uint32_t i = 0; i < count && deletes; i++)
		assert_true(index_set_add(&deleted, i));
	commit.session = call.session;
	store->ops->commit(store, &commit);
	assert_int_equal(commit.call.outcome, OK);
	index_set_release(&deleted);
	snapshot_free(&snapshot);
	store->ops->release(store, &call.session);
	return count;
}

/* ---- killed, and then a power cut ---- */

/* False: it is not killed so late. */
static bool
kill_at(unsigned n, uint32_t journal_octets)
{
	bool was_killed;

	make_disk();
	process.dies_at = n;
	start(journal_octets, true);
	(void)deliver("X: first\r\n\r\n");
	store->ops->tend(store);
	store->ops->tend(store);
	was_killed = process.is_dead;
	stop();
	start(journal_octets, true);
	(void)look(true, NULL);
	assert_int_equal(deliver("X: second\r\n\r\n"), OK);
	process.is_dead = true;
	stop();
	disk_power_cut(disk, DISK_LOSES_ALL);
	start(journal_octets, true);
	assert_int_equal(look(false, NULL), 1);
	stop();
	disk_free(&disk);
	return was_killed;
}

static void
promises_outlive_who_was_killed(void **state)
{
	static const uint32_t journals[] = {0, 1};

	for (unsigned i = 0; i < 2; i++) {
		unsigned n = 1;

		while (n < CUTS_MAXIMUM && kill_at(n, journals[i]))
			n++;
		assert_in_range(n, 10, CUTS_MAXIMUM - 1);
	}
}

/* ---- mail of other programs ---- */

static void
put_file(const char *text)
{
	struct files *files = &process.files;
	int fd = files->open(files, AT_FDCWD, "mail/alice/new/" NAME,
		O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(
		files_write_all(files, fd, bytes_of_string(text), 0), 0);
	files->sync(files, fd);
	files->close(files, &fd);
	fd = open_below("mail/alice/new");
	files->sync(files, fd);
	files->close(files, &fd);
}

static void
sync_all(void)
{
	int root = open_below(".");

	process.files.sync_file_system(&process.files, root);
	process.files.close(&process.files, &root);
}

static void
a_name_comes_again_after_a_power_cut(void **state)
{
	char first[UIDL_MAXIMUM_OCTETS + 1], second[UIDL_MAXIMUM_OCTETS + 1];

	make_disk();
	start(0, true);
	assert_int_equal(look(false, NULL), 0);
	put_file("X: first\r\n\r\n");
	assert_int_equal(look(false, first), 1);
	sync_all();
	/* What the index learns of it is lost, not what the client was told. */
	assert_int_equal(look(true, NULL), 1);
	put_file("X: second\r\n\r\n");
	process.is_dead = true;
	stop();
	disk_power_cut(disk, DISK_LOSES_ALL);
	start(0, true);
	assert_int_equal(look(false, second), 1);
	assert_string_not_equal(first, second);
	stop();
	disk_free(&disk);
}

/* The n-th call of a login fails: false when it has not so many. */
static bool
fail_at(unsigned n, bool *out_was_left_out)
{
	struct store_open_call call = {.mailbox = "alice",
		.call.done = ignore,
		.snapshot.descriptor = -1};
	bool has_failed;

	make_disk();
	start(0, false);
	assert_int_equal(look(false, NULL), 0);
	stop();
	put_file("X: first\r\n\r\n");
	start(0, false);
	process.fails_at = n;
	process.error = EIO;
	store->ops->open(store, &call);
	has_failed = process.fails_at == 0;
	process.fails_at = 0;
	if (call.call.outcome == OK) {
		*out_was_left_out |= call.snapshot.count == 0;
		process.files.close(&process.files, &call.snapshot.descriptor);
		store->ops->release(store, &call.session);
	}
	assert_int_equal(look(false, NULL), 1);
	stop();
	disk_free(&disk);
	return has_failed;
}

static void
unreadable_mail_is_looked_for_again(void **state)
{
	bool was_left_out = false;
	unsigned n = 1;

	while (n < CUTS_MAXIMUM && fail_at(n, &was_left_out))
		n++;
	assert_in_range(n, 10, CUTS_MAXIMUM - 1);
	assert_true(was_left_out);
}

/* It is gone, and stays so, when QUIT was told that it would be. */
static void
another_program_was_faster_than_quit(void **state)
{
	struct store_open_call call = {.mailbox = "alice",
		.call.done = ignore,
		.snapshot.descriptor = -1};
	struct index_set deleted = INDEX_SET_EMPTY;
	struct store_commit_call commit = {
		.call.done = ignore, .deleted = &deleted};

	make_disk();
	start(0, true);
	assert_int_equal(look(false, NULL), 0);
	put_file("X: first\r\n\r\n");
	store->ops->open(store, &call);
	assert_int_equal(call.snapshot.count, 1);
	process.files.unlink(&process.files, AT_FDCWD, "mail/alice/new/" NAME);
	assert_true(index_set_add(&deleted, 0));
	commit.session = call.session;
	store->ops->commit(store, &commit);
	assert_int_equal(commit.call.outcome, OK);
	index_set_release(&deleted);
	process.files.close(&process.files, &call.snapshot.descriptor);
	store->ops->release(store, &call.session);
	process.is_dead = true;
	stop();
	disk_power_cut(disk, DISK_LOSES_ALL);
	start(0, true);
	assert_int_equal(look(false, NULL), 0);
	stop();
	disk_free(&disk);
}

/* ---- the delivery journal ---- */

static void
cut_the_power(enum disk_loss loss)
{
	process.is_dead = true;
	stop();
	disk_power_cut(disk, loss);
}

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

/* ---- a Maildir that is not there ---- */

static void
move(const char *from, const char *to)
{
	assert_int_equal(process.files.rename(
				 &process.files, AT_FDCWD, from, AT_FDCWD, to),
		0);
}

static bool
is_there(const char *path)
{
	struct stat status;

	return process.files.stat_at(&process.files, AT_FDCWD, path, &status) ==
	       0;
}

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
		cmocka_unit_test(promises_outlive_who_was_killed),
		cmocka_unit_test(a_name_comes_again_after_a_power_cut),
		cmocka_unit_test(unreadable_mail_is_looked_for_again),
		cmocka_unit_test(another_program_was_faster_than_quit),
		cmocka_unit_test(what_could_not_be_filed_is_filed_later),
		cmocka_unit_test(what_was_emptied_in_vain_is_emptied_again),
		cmocka_unit_test(journal_waits_for_what_is_not_mounted),
		cmocka_unit_test(new_maildir_that_is_lost_is_made_again),
		cmocka_unit_test(vanished_maildir_is_not_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
