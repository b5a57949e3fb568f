/* SPDX-License-Identifier: ISC */
/*
 * The power goes at every single change that the store makes to the disk,
 * during deliveries, several at once, and sessions that delete: every
 * acknowledged delivery is there, every acknowledged deletion is gone, nothing
 * is there twice or in part.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"
#include "store/maildir/maildir.h"
#include "store/mbox/mbox.h"

#define LETTERS	     16
#define LARGE_OCTETS 70000 /* too large for the journal */
#define CUTS_MAXIMUM 5000

static const char *kind;

enum fate { UNSENT, OFFERED, ACCEPTED, DELETING, DELETED };

static struct letter {
	const char *mailbox;
	enum fate fate;
	char uidl[71];
	size_t octets;
	unsigned char *text;
} letters[LETTERS];

/* ---- jobs that wait, so that deliveries meet in the journal ---- */

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
drain(void)
{
	while (first < last) {
		struct executor_job *job = waiting[first++];

		job->work(job);
		job->done(job);
	}
	first = last = 0;
}

static struct executor later = {.run = queue};

static void
ignore(struct store_call *call)
{
}

/* ---- a store on the disk ---- */

static uint64_t time_ns, next_random;

/* Long enough apart that every look at a folder is trusted. */
static uint64_t
now_ns(void)
{
	time_ns += 10000000;
	return time_ns;
}

static uint64_t
random_number(void)
{
	next_random = next_random * 6364136223846793005u + 1442695040888963407u;
	return next_random;
}

static const struct disk_world world = {
	.now_ns = now_ns, .random = random_number};

static int
open_below(struct files *files, const char *name)
{
	int fd = files->open(files, AT_FDCWD, name, O_RDONLY | O_DIRECTORY, 0);

	assert_true(fd >= 0);
	return fd;
}

static struct disk_process process;

static struct store *
start(void)
{
	struct files *files = &process.files;
	struct store_options options = {
		.kind = kind,
		.lock_wait_ms = 100,
		.mail_root = open_below(files, "mail"),
		.mail_template = "%u",
		.state_root = open_below(files, "state"),
		.is_shared = true,
		.hostname = "host",
		.journal_octets = 1,
		.executor = &later,
	};
	struct store *store = NULL;

	if (strcmp(kind, "mbox") == 0)
		assert_int_equal(mbox_store_new(&options, files, &store), OK);
	else
		assert_int_equal(
			maildir_store_new(&options, files, &store), OK);
	return store;
}

/* ---- what happens ---- */

static void
offer(struct store *store, unsigned from, unsigned to)
{
	struct store_append_call calls[LETTERS] = {0};

	for (unsigned i = from; i < to; i++) {
		calls[i].mailbox = letters[i].mailbox;
		calls[i].call.done = ignore;
		calls[i].call.outcome = ERR_GONE;
		store->ops->append_begin(store, &calls[i]);
	}
	drain();
	for (unsigned i = from; i < to; i++) {
		if (calls[i].call.outcome != OK)
			continue;
		calls[i].chunk = bytes_of(letters[i].text, letters[i].octets);
		store->ops->append_write(store, &calls[i]);
	}
	drain();
	for (unsigned i = from; i < to; i++) {
		if (!calls[i].append)
			continue;
		letters[i].fate = OFFERED;
		store->ops->append_commit(store, &calls[i]);
	}
	drain();
	for (unsigned i = from; i < to; i++)
		if (letters[i].fate == OFFERED && calls[i].call.outcome == OK) {
			letters[i].fate = ACCEPTED;
			strcpy(letters[i].uidl, calls[i].uidl);
		}
}

static struct store_session *
enter(struct store *store, const char *mailbox, struct snapshot **out)
{
	struct store_open_call call = {.mailbox = mailbox,
		.call.done = ignore,
		.snapshot.descriptor = -1};
	int fd;

	store->ops->open(store, &call);
	drain();
	if (call.call.outcome != OK)
		return NULL;
	fd = call.snapshot.descriptor;
	call.snapshot.descriptor = disk_export(&process, fd);
	process.files.close(&process.files, &fd);
	assert_int_equal(snapshot_new(&call.snapshot, out), OK);
	return call.session;
}

static void
leave(struct store *store, struct store_session **session,
	struct snapshot **snapshot)
{
	snapshot_free(snapshot);
	store->ops->release(store, session);
	drain();
}

static struct letter *
letter_of(const struct maildrop *maildrop, uint32_t index)
{
	char uidl[71] = "";
	struct maildrop_message message;

	assert_int_equal(maildrop->message(maildrop, index, &message), OK);
	assert_true(
		bytes_to_string(bytes_of(message.uidl.at, message.uidl.octets),
			uidl, sizeof(uidl)));
	for (unsigned i = 0; i < LETTERS; i++)
		if (!strcmp(letters[i].uidl, uidl))
			return &letters[i];
	return NULL;
}

/* Deletes what of the letters from..to - 1 is in the mailbox. */
static void
delete_letters(
	struct store *store, const char *mailbox, unsigned from, unsigned to)
{
	struct index_set deleted = INDEX_SET_EMPTY;
	struct store_commit_call commit = {
		.call.done = ignore, .deleted = &deleted};
	struct snapshot *snapshot = NULL;
	const struct maildrop *maildrop;

	commit.session = enter(store, mailbox, &snapshot);
	if (!commit.session)
		return;
	maildrop = snapshot_maildrop(snapshot);
	for (uint32_t i = 0; i < maildrop->count; i++) {
		struct letter *letter = letter_of(maildrop, i);

		if (letter < letters + from || letter >= letters + to)
			continue;
		letter->fate = DELETING;
		assert_true(index_set_add(&deleted, i));
	}
	store->ops->commit(store, &commit);
	drain();
	for (unsigned i = from; i < to; i++)
		if (letters[i].fate == DELETING && commit.call.outcome == OK)
			letters[i].fate = DELETED;
	index_set_release(&deleted);
	leave(store, &commit.session, &snapshot);
}

static void
run_story(void)
{
	struct store *store = start();

	offer(store, 0, 3);
	offer(store, 3, 5); /* the large one is among them */
	store->ops->tend(store);
	drain();
	offer(store, 5, 7);
	delete_letters(store, "alice", 0, 2);
	store->ops->tend(store);
	drain();
	offer(store, 7, 9);
	delete_letters(store, "alice", 5, 8);
	offer(store, 9, 10);
	store->ops->free(&store);
	drain();
	if (process.is_dead)
		return;
	/* The process is killed and starts again: it goes on. */
	store = start();
	offer(store, 10, 12);
	delete_letters(store, "bob", 2, 12);
	store->ops->tend(store);
	drain();
	store->ops->free(&store);
	drain();
}

static void
write_letters(void)
{
	for (unsigned i = 0; i < LETTERS; i++) {
		size_t octets = i == 4 ? LARGE_OCTETS : 30 + i;

		letters[i] = (struct letter){
			.mailbox = i % 3 == 2 || i == 11 ? "bob" : "alice",
			.octets = octets,
			.text = malloc(octets),
		};
		assert_non_null(letters[i].text);
		memset(letters[i].text, 'A' + (int)i, octets);
		memcpy(letters[i].text + octets - 2, "\r\n", 2);
	}
}

/* ---- what must be so afterwards ---- */

static size_t
stream_message(struct store *store, struct store_session *session,
	uint32_t index, unsigned char *to, size_t room)
{
	size_t done = 0;

	for (;;) {
		struct store_read_at_call read = {.call.done = ignore,
			.session = session,
			.index = index,
			.offset = done,
			.to = to + done,
			.room = room - done};

		store->ops->read_at(store, &read);
		drain();
		assert_int_equal(read.call.outcome, OK);
		if (read.octets == 0)
			return done;
		done += read.octets;
	}
}

/* As it came, but for the store's line end. */
static struct letter *
letter_of_octets(const unsigned char *octets, size_t length)
{
	struct letter *letter;

	assert_in_range(octets[0], 'A', 'A' + LETTERS - 1);
	letter = &letters[octets[0] - 'A'];
	if (strcmp(kind, "mbox") == 0) {
		assert_int_equal(length, letter->octets - 1);
		assert_int_equal(octets[length - 1], '\n');
	} else {
		assert_int_equal(length, letter->octets);
		assert_int_equal(octets[length - 2], '\r');
	}
	assert_memory_equal(octets, letter->text, letter->octets - 2);
	return letter;
}

static struct letter *
letter_read(struct store *store, struct store_session *session, uint32_t index)
{
	static unsigned char octets[LARGE_OCTETS + 1];
	struct store_read_call read = {.call.done = ignore,
		.session = session,
		.index = index,
		.descriptor = -1};

	store->ops->read(store, &read);
	drain();
	assert_int_equal(read.call.outcome, OK);
	assert_true(read.octets > 0 && read.octets <= LARGE_OCTETS);
	if (read.descriptor < 0) {
		assert_int_equal(stream_message(store, session, index, octets,
					 sizeof(octets)),
			read.octets);
	} else {
		assert_int_equal(files_read_all(&process.files, read.descriptor,
					 octets, LARGE_OCTETS + 1, 0),
			read.octets);
		process.files.close(&process.files, &read.descriptor);
	}
	return letter_of_octets(octets, (size_t)read.octets);
}

static void
look_into(struct store *store, const char *mailbox, bool seen[LETTERS])
{
	struct snapshot *snapshot = NULL;
	struct store_session *session = enter(store, mailbox, &snapshot);
	const struct maildrop *maildrop;

	assert_non_null(session);
	maildrop = snapshot_maildrop(snapshot);
	for (uint32_t i = 0; i < maildrop->count; i++) {
		struct letter *letter = letter_read(store, session, i);

		assert_string_equal(letter->mailbox, mailbox);
		assert_false(seen[letter - letters]);
		seen[letter - letters] = true;
		if (letter->uidl[0])
			assert_ptr_equal(letter_of(maildrop, i), letter);
	}
	leave(store, &session, &snapshot);
}

static void
judge(struct store *store)
{
	bool seen[LETTERS] = {false};
	int deleting = -1;

	look_into(store, "alice", seen);
	look_into(store, "bob", seen);
	for (unsigned i = 0; i < LETTERS; i++) {
		enum fate fate = letters[i].fate;

		if (fate == ACCEPTED)
			assert_true(seen[i]);
		if (fate == DELETED || fate == UNSENT)
			assert_false(seen[i]);
		if (fate == DELETING && deleting < 0)
			deleting = seen[i];
		if (fate == DELETING)
			assert_int_equal(seen[i], deleting);
	}
}

/* Twice: the second start finds what the first has made of it. What is left of
   a lock file may not say whose it was: it has to grow old. */
static void
start_again(struct disk *disk)
{
	time_ns += 600 * 1000000000ull;
	for (int round = 0; round < 2; round++) {
		struct store *store;

		disk_process_init(&process, disk);
		store = start();
		judge(store);
		store->ops->tend(store);
		drain();
		judge(store);
		store->ops->free(&store);
		assert_int_equal(process.open, 0);
	}
}

static struct disk *
make_disk(void)
{
	struct disk *disk;
	int root;

	time_ns = 1000000000ull * 1000000;
	next_random = 1;
	disk = disk_new(&world);
	disk_process_init(&process, disk);
	process.files.mkdir(&process.files, AT_FDCWD, "mail", 0700);
	process.files.mkdir(&process.files, AT_FDCWD, "state", 0700);
	root = open_below(&process.files, ".");
	process.files.sync(&process.files, root);
	process.files.close(&process.files, &root);
	disk_process_init(&process, disk);
	return disk;
}

/* The story is the same every time until the n-th change; false: it has not
   so many. */
static bool
cut(unsigned n, enum disk_loss loss)
{
	struct disk *disk = make_disk();
	bool was_cut;

	write_letters();
	process.dies_at = n;
	run_story();
	was_cut = process.is_dead;
	assert_int_equal(process.open, 0);
	if (loss < DISK_LOSSES) /* else it was killed */
		disk_power_cut(disk, loss);
	start_again(disk);
	disk_free(&disk);
	for (unsigned i = 0; i < LETTERS; i++)
		free(letters[i].text);
	return was_cut;
}

static void
at_every_change(void **state)
{
	unsigned n = 0;
	bool was_cut = true;

	while (was_cut && n < CUTS_MAXIMUM) {
		n++;
		for (enum disk_loss loss = 0; loss <= DISK_LOSSES; loss++)
			was_cut = cut(n, loss);
	}
	assert_in_range(n, 100, CUTS_MAXIMUM - 1);
	printf("%s: %u cut points, each with %d kinds of loss and with none\n",
		kind, n - 1, DISK_LOSSES);
}

/* ---- calls that fail ---- */

/* A process that lives on with what failed. */
static void
run_day(unsigned n)
{
	struct store *store = start();

	process.error = EIO;
	process.fails_at = n;
	process.is_forgetful = true;
	offer(store, 0, 3);
	store->ops->tend(store);
	drain();
	offer(store, 3, 7);
	delete_letters(store, "alice", 0, 2);
	for (int i = 0; i < 2; i++) {
		store->ops->tend(store);
		drain();
	}
	offer(store, 7, 10);
	for (int i = 0; i < 3; i++) {
		store->ops->tend(store);
		drain();
	}
	process.fails_at = 0;
	store->ops->free(&store);
	drain();
}

static bool
fail_at(unsigned n)
{
	struct disk *disk = make_disk();
	bool has_failed;

	write_letters();
	run_day(n);
	has_failed = process.failed > 0;
	assert_int_equal(process.open, 0);
	disk_power_cut(disk, DISK_LOSES_ALL);
	start_again(disk);
	disk_free(&disk);
	for (unsigned i = 0; i < LETTERS; i++)
		free(letters[i].text);
	return has_failed;
}

/* Each call fails once; what a sync that failed was to write never is, whatever
   a later one says. Then the power goes. */
static void
after_every_failure(void **state)
{
	unsigned n = 0;

	do {
		n++;
	} while (fail_at(n) && n < CUTS_MAXIMUM);
	assert_in_range(n, 100, CUTS_MAXIMUM - 1);
	printf("%s: %u calls that fail, each before a power cut\n", kind,
		n - 1);
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
		cmocka_unit_test_setup(at_every_change, on_maildir),
		cmocka_unit_test_setup(at_every_change, on_mbox),
		cmocka_unit_test_setup(after_every_failure, on_maildir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
