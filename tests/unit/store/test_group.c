/* SPDX-License-Identifier: ISC */
/* Deliveries that wait for the disk together: how often it is synced, how many
   jobs that takes, and who makes the files. */
#include "fixture.h"

#include <fcntl.h>
#include <string.h>

#include "store/maildir/maildir.h"

#define TOGETHER 20

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
	fixture_close(*state);
	return 0;
}

static struct executor_job *waiting[TOGETHER * 2], *nested;
static unsigned first, last, syncs;
static bool is_elsewhere, wants_nested;

static void
queue(struct executor *executor, uint64_t key, struct executor_job *job)
{
	assert_true(last < TOGETHER * 2);
	waiting[last++] = job;
}

static void
step(void)
{
	struct executor_job *job = waiting[first++];

	job->work(job);
	job->done(job);
}

static void
drain(void)
{
	while (first < last) {
		struct executor_job *job = waiting[first++];

		if (first == last)
			first = last = 0;
		job->work(job);
		job->done(job);
	}
}

static void
ignore(struct store_call *call)
{
}

static int
count_sync(struct files *files, int descriptor)
{
	syncs++;
	return files_posix.sync_data(&files_posix, descriptor);
}

static int
stat_elsewhere(struct files *files, int descriptor, struct stat *out)
{
	int error = files_posix.stat(&files_posix, descriptor, out);

	out->st_dev += is_elsewhere;
	return error;
}

/* The next job works while this one does. */
static int
stat_with_another(
	struct files *files, int directory, const char *path, struct stat *out)
{
	if (wants_nested) {
		wants_nested = false;
		nested = waiting[first++];
		nested->work(nested);
	}
	return files_posix.stat_at(&files_posix, directory, path, out);
}

static struct store *
start_counting(struct fixture *f)
{
	static struct files counting;
	static struct executor later = {.run = queue};
	struct store_options options = {
		.kind = "maildir",
		.mail_root = open(fixture_path(f, "mail"), O_DIRECTORY),
		.mail_template = "%u",
		.state_root = open(fixture_path(f, "state"), O_DIRECTORY),
		.hostname = "host",
		.quota = f->quota,
		.journal_octets = 1,
		.executor = &later,
	};
	struct store *store;

	counting = files_posix;
	counting.sync = counting.sync_data = count_sync;
	counting.stat = stat_elsewhere;
	counting.stat_at = stat_with_another;
	assert_int_equal(maildir_store_new(&options, &counting, &store), OK);
	return store;
}

static void
one_sync_for_all_that_wait(void **state)
{
	struct fixture *f = *state;
	struct store_append_call calls[TOGETHER] = {0};
	struct store *store;

	/* The mailbox and the journal are there. */
	assert_int_equal(append_text(f, "alice", "x\r\n", NULL), OK);
	store = start_counting(f);
	for (unsigned i = 0; i < TOGETHER; i++) {
		calls[i].mailbox = "alice";
		calls[i].call.done = ignore;
		store->ops->append_begin(store, &calls[i]);
	}
	drain();
	for (unsigned i = 0; i < TOGETHER; i++) {
		calls[i].chunk = bytes_of_string("y\r\n");
		store->ops->append_write(store, &calls[i]);
	}
	drain();
	syncs = 0;
	for (unsigned i = 0; i < TOGETHER; i++)
		store->ops->append_commit(store, &calls[i]);
	drain();
	for (unsigned i = 0; i < TOGETHER; i++)
		assert_int_equal(calls[i].call.outcome, OK);
	/* Also with those that came while the first waited for its thread. */
	assert_int_equal(syncs, 1);
	assert_int_equal(
		count_entries(fixture_path(f, "mail/alice/new")), TOGETHER + 1);
	store->ops->free(&store);
	drain();
}

/* One message is on its way, and its mailbox known, so that begin needs no
   job. */
static struct store *
start_with_one(struct fixture *f, struct store_append_call *call)
{
	struct store *store = start_counting(f);

	for (unsigned i = 0; i < 2; i++) {
		*call = (struct store_append_call){
			.mailbox = "alice", .call.done = ignore};
		store->ops->append_begin(store, call);
		assert_int_equal(last == 0, i == 1);
		drain();
		call->chunk = bytes_of_string("y\r\n");
		store->ops->append_write(store, call);
		if (i == 0)
			store->ops->append_commit(store, call);
		drain();
	}
	return store;
}

static void
one_job_for_one(void **state)
{
	struct fixture *f = *state;
	struct store_append_call call;
	struct store *store = start_with_one(f, &call);

	store->ops->append_commit(store, &call);
	step();
	assert_int_equal(first, last);
	first = last = 0;
	assert_int_equal(call.call.outcome, OK);
	assert_int_equal(count_entries(fixture_path(f, "mail/alice/new")), 2);
	store->ops->free(&store);
	drain();
}

static void
few_jobs_for_many(void **state)
{
	struct fixture *f = *state;
	struct store_append_call calls[TOGETHER];
	struct store *store = start_with_one(f, &calls[0]);
	unsigned jobs = 0;

	for (unsigned i = 1; i < TOGETHER; i++) {
		calls[i] = (struct store_append_call){
			.mailbox = "alice", .call.done = ignore};
		store->ops->append_begin(store, &calls[i]);
	}
	for (unsigned i = 0; i < TOGETHER; i++)
		store->ops->append_commit(store, &calls[i]);
	for (; first < last; jobs++)
		step();
	first = last = 0;
	/* The group, and its files in two parts. */
	assert_int_equal(jobs, 3);
	for (unsigned i = 0; i < TOGETHER; i++)
		assert_int_equal(calls[i].call.outcome, OK);
	assert_int_equal(
		count_entries(fixture_path(f, "mail/alice/new")), TOGETHER + 1);
	store->ops->free(&store);
	drain();
}

static void
busy_mailbox_is_left_to_its_job(void **state)
{
	struct fixture *f = *state;
	struct store_append_call call;
	struct store *store = start_with_one(f, &call);
	struct store_stat_call other = {
		.mailbox = "alice", .call.done = ignore};

	store->ops->stat(store, &other);
	store->ops->append_commit(store, &call);
	wants_nested = true;
	step();
	assert_int_equal(count_entries(fixture_path(f, "mail/alice/new")), 1);
	nested->done(nested);
	drain();
	assert_int_equal(call.call.outcome, OK);
	assert_int_equal(count_entries(fixture_path(f, "mail/alice/new")), 2);
	store->ops->free(&store);
	drain();
}

/* The journal's sync does not reach it. */
static void
other_file_system_is_synced(void **state)
{
	struct fixture *f = *state;
	struct store_append_call call;
	struct store *store = start_with_one(f, &call);

	is_elsewhere = true;
	syncs = 0;
	store->ops->append_commit(store, &call);
	drain();
	is_elsewhere = false;
	assert_int_equal(call.call.outcome, OK);
	/* The journal, the file and its folder at least. */
	assert_true(syncs >= 3);
	store->ops->free(&store);
	drain();
}

/* Several at once do not pass it together. */
static void
quota_counts_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	struct store_append_call calls[TOGETHER] = {0};
	struct store *store;
	unsigned taken = 0;

	f->quota = (struct store_quota){.messages = 5, .soft_percent = 100};
	assert_int_equal(append_text(f, "alice", "x\r\n", NULL), OK);
	store = start_counting(f);
	for (unsigned i = 0; i < TOGETHER; i++) {
		calls[i].mailbox = "alice";
		calls[i].call.done = ignore;
		store->ops->append_begin(store, &calls[i]);
	}
	drain();
	for (unsigned i = 0; i < TOGETHER; i++)
		store->ops->append_commit(store, &calls[i]);
	drain();
	for (unsigned i = 0; i < TOGETHER; i++)
		taken += calls[i].call.outcome == OK;
	assert_int_equal(taken, 4);
	store->ops->free(&store);
	drain();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(one_sync_for_all_that_wait),
		CASE(one_job_for_one),
		CASE(few_jobs_for_many),
		CASE(busy_mailbox_is_left_to_its_job),
		CASE(other_file_system_is_synced),
		CASE(quota_counts_what_is_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
