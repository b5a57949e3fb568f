/* SPDX-License-Identifier: ISC */
/* Operations that are started before earlier ones have finished. */
#include "fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOBS_MAXIMUM 64

static struct executor_job *waiting[JOBS_MAXIMUM];
static unsigned first, last;

static void
queue(struct executor *executor, uint64_t key, struct executor_job *job)
{
	assert_true(last < JOBS_MAXIMUM);
	waiting[last++] = job;
}

static void
run_waiting(void)
{
	while (first < last) {
		struct executor_job *job = waiting[first++];

		job->work(job);
		job->done(job);
	}
	first = last = 0;
}

static struct executor later = {.run = queue};
static unsigned answers;

static void
count_answer(struct store_call *call)
{
	answers++;
}

static struct store *
open_store(const struct fixture *f)
{
	struct store_options options = {
		.kind = "maildir",
		.mail_root = open(fixture_path(f, "mail"), O_DIRECTORY),
		.mail_template = "%u",
		.state_root = open(fixture_path(f, "state"), O_DIRECTORY),
		.is_shared = true,
		.hostname = "host",
		.executor = &later,
	};
	struct store *store;

	assert_int_equal(store_open(&options, &store), OK);
	return store;
}

static void
release_behind_calls_under_way(void **state)
{
	struct store_open_call one = {
		.mailbox = "alice", .call.done = count_answer};
	struct store_open_call two = one, three = one;
	struct store_read_call read = {
		.call.done = count_answer, .descriptor = -1};
	struct index_set deleted = INDEX_SET_EMPTY;
	struct store_commit_call commit = {
		.call.done = count_answer, .deleted = &deleted};
	struct fixture f;
	struct store *store;
	char text[4];

	fixture_open(&f, "maildir");
	assert_int_equal(append_text(&f, "alice", "x\r\n", NULL), OK);
	store = open_store(&f);
	answers = 0;
	store->ops->open(store, &one);
	store->ops->open(store, &two);
	assert_int_equal(answers, 1);
	assert_int_equal(two.call.outcome, ERR_BUSY);
	run_waiting();
	assert_int_equal(answers, 2);
	assert_int_equal(one.call.outcome, OK);
	close(one.snapshot.descriptor);
	read.session = commit.session = one.session;
	assert_true(index_set_add(&deleted, 0));
	store->ops->read(store, &read);
	store->ops->commit(store, &commit);
	store->ops->release(store, &one.session);
	assert_null(one.session);
	store->ops->open(store, &three);
	run_waiting();
	assert_int_equal(answers, 5);
	assert_int_equal(read.call.outcome, OK);
	assert_int_equal(pread(read.descriptor, text, 4, 0), 3);
	close(read.descriptor);
	assert_int_equal(commit.call.outcome, OK);
	assert_int_equal(three.call.outcome, OK);
	assert_int_equal(three.snapshot.count, 0);
	close(three.snapshot.descriptor);
	store->ops->release(store, &three.session);
	/* Freed when the last job under way has ended. */
	store->ops->free(&store);
	assert_null(store);
	run_waiting();
	index_set_release(&deleted);
	fixture_close(&f);
}

/* Whether it was answered at once. */
static bool
enter_and_leave(struct store *store)
{
	struct store_open_call call = {
		.mailbox = "alice", .call.done = count_answer};
	bool is_at_once;

	answers = 0;
	store->ops->open(store, &call);
	is_at_once = answers == 1;
	run_waiting();
	assert_int_equal(call.call.outcome, OK);
	assert_int_equal(call.snapshot.count, 1);
	close(call.snapshot.descriptor);
	store->ops->release(store, &call.session);
	/* Nothing of it was under way. */
	assert_int_equal(last, 0);
	return is_at_once;
}

/* What can be done here and now is not done before what waits. */
static void
nothing_is_overtaken(void **state)
{
	struct store_stat_call look = {
		.mailbox = "alice", .call.done = count_answer};
	struct fixture f;
	struct store *store;

	fixture_open(&f, "maildir");
	assert_int_equal(append_text(&f, "alice", "x\r\n", NULL), OK);
	make_old(fixture_path(&f, "mail/alice/new"));
	make_old(fixture_path(&f, "mail/alice/cur"));
	store = open_store(&f);
	assert_false(enter_and_leave(store));
	assert_true(enter_and_leave(store));
	store->ops->stat(store, &look);
	assert_false(enter_and_leave(store));
	assert_int_equal(look.count, 1);
	assert_true(enter_and_leave(store));
	store->ops->free(&store);
	fixture_close(&f);
}

static void
abort_behind_a_write(void **state)
{
	static unsigned char large[100000]; /* not kept in memory */
	struct store_append_call call = {.mailbox = "alice",
		.call.done = count_answer,
		.chunk = bytes_of(large, sizeof(large))};
	struct fixture f;
	struct store *store;

	fixture_open(&f, "maildir");
	store = open_store(&f);
	answers = 0;
	store->ops->append_begin(store, &call);
	assert_null(call.append);
	run_waiting();
	store->ops->append_write(store, &call);
	store->ops->append_abort(store, &call.append);
	assert_int_equal(answers, 1);
	run_waiting();
	assert_int_equal(answers, 2);
	assert_int_equal(count_entries(fixture_path(&f, "mail/alice/tmp")), 0);
	store->ops->free(&store);
	fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(release_behind_calls_under_way),
		cmocka_unit_test(nothing_is_overtaken),
		cmocka_unit_test(abort_behind_a_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
