/* SPDX-License-Identifier: ISC */
/*
 * A process is killed at every change it makes, another one goes on, and then
 * the power goes: what the second one promised is so, whatever the first one
 * had not synced. And mail of other programs, which simulation had trouble with.
 */
#include "on_disk.h"

#include <errno.h>
#include <fcntl.h>

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

/* ---- refused ---- */

/* The n-th call of a delivery fails, and the power goes. */
static bool
refuse_at(unsigned n)
{
	enum outcome outcome;
	bool has_failed;

	make_disk();
	start(0, true);
	process.fails_at = n;
	process.error = ENOSPC;
	outcome = deliver("X: first\r\n\r\n");
	has_failed = process.fails_at == 0;
	process.fails_at = 0;
	cut_the_power(DISK_LOSES_ALL);
	start(0, true);
	assert_int_equal(look(false, NULL), outcome == OK);
	stop();
	disk_free(&disk);
	return has_failed;
}

static void
refused_mail_does_not_come_with_a_power_cut(void **state)
{
	unsigned n = 1;

	while (n < CUTS_MAXIMUM && refuse_at(n))
		n++;
	assert_in_range(n, 10, CUTS_MAXIMUM - 1);
}

/* ---- mail of other programs ---- */

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promises_outlive_who_was_killed),
		cmocka_unit_test(refused_mail_does_not_come_with_a_power_cut),
		cmocka_unit_test(a_name_comes_again_after_a_power_cut),
		cmocka_unit_test(unreadable_mail_is_looked_for_again),
		cmocka_unit_test(another_program_was_faster_than_quit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
