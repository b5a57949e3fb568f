/* SPDX-License-Identifier: ISC */
/*
 * The power goes at every single change that the store makes to the disk,
 * during deliveries, several at once, and sessions that delete: every
 * acknowledged delivery is there, every acknowledged deletion is gone, nothing
 * is there twice or in part.
 */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "losing_files.h"
#include "store/maildir/maildir.h"

#define LETTERS	     16
#define LARGE_OCTETS 70000 /* too large for the journal */
#define CUTS_MAXIMUM 5000

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

/* ---- a store on a directory ---- */

static int
open_below(const char *directory, const char *name)
{
	char path[600];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static struct store *
start(struct files *files, const char *directory)
{
	struct store_options options = {
		.kind = "maildir",
		.mail_root = open_below(directory, "mail"),
		.mail_template = "%u",
		.state_root = open_below(directory, "state"),
		.is_shared = true,
		.hostname = "host",
		.journal_octets = 1,
		.executor = &later,
	};
	struct store *store = NULL;

	assert_int_equal(maildir_store_new(&options, files, &store), OK);
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

	store->ops->open(store, &call);
	drain();
	if (call.call.outcome != OK)
		return NULL;
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
run_story(const char *directory)
{
	struct store *store = start(&losing_files, directory);

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
	/* The process is killed and starts again: it goes on. */
	store = start(&losing_files, directory);
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

static struct letter *
letter_read(struct store *store, struct store_session *session, uint32_t index)
{
	static unsigned char octets[LARGE_OCTETS + 1];
	struct store_read_call read = {.call.done = ignore,
		.session = session,
		.index = index,
		.descriptor = -1};
	struct letter *letter;

	store->ops->read(store, &read);
	drain();
	assert_int_equal(read.call.outcome, OK);
	assert_true(read.octets > 0 && read.octets <= LARGE_OCTETS);
	assert_int_equal(pread(read.descriptor, octets, LARGE_OCTETS + 1, 0),
		read.octets);
	close(read.descriptor);
	assert_in_range(octets[0], 'A', 'A' + LETTERS - 1);
	letter = &letters[octets[0] - 'A'];
	assert_int_equal(read.octets, letter->octets);
	assert_memory_equal(octets, letter->text, letter->octets);
	return letter;
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

static struct files after;
static char boot_path[600];

static int
open_after(struct files *files, int directory, const char *path, int flags,
	mode_t mode)
{
	bool is_boot = strstr(path, "boot_id") != NULL;

	return files_posix.open(&files_posix, directory,
		is_boot ? boot_path : path, flags, mode);
}

static int
stat_at_after(
	struct files *files, int directory, const char *path, struct stat *out)
{
	int error = files_posix.stat_at(&files_posix, directory, path, out);

	if (error == 0)
		out->st_ino = losing_files_inode(out->st_ino);
	return error;
}

/* The disk's time is not what this is about. */
static int
sync_after(struct files *files, int fd)
{
	return 0;
}

/* Twice: the second start finds what the first has made of it. */
static void
start_again(const char *from, enum loss loss)
{
	char directory[] = "/tmp/restante-power-XXXXXX";

	assert_non_null(mkdtemp(directory));
	losing_files_rebuild(loss, directory);
	snprintf(boot_path, sizeof(boot_path), "%s/boot.%d", from,
		loss == LOSS_NONE ? 1 : 2);
	after = files_posix;
	after.open = open_after;
	after.stat_at = stat_at_after;
	after.sync = after.sync_data = after.sync_file_system = sync_after;
	for (int round = 0; round < 2; round++) {
		struct store *store = start(&after, directory);

		judge(store);
		store->ops->tend(store);
		drain();
		judge(store);
		store->ops->free(&store);
	}
	remove_tree(directory);
}

static bool
cut(unsigned n)
{
	char directory[] = "/tmp/restante-power-XXXXXX";
	char path[600];
	bool was_lost;

	assert_non_null(mkdtemp(directory));
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory,
			i ? "mail" : "state");
		assert_int_equal(mkdir(path, 0700), 0);
	}
	write_letters();
	losing_files_begin(directory, n);
	losing_files_set_boot(2);
	losing_files_set_boot(1);
	run_story(directory);
	was_lost = losing_files_is_lost();
	for (enum loss loss = 0; loss < LOSSES; loss++)
		start_again(directory, loss);
	losing_files_end();
	for (unsigned i = 0; i < LETTERS; i++)
		free(letters[i].text);
	remove_tree(directory);
	return was_lost;
}

static void
at_every_change(void **state)
{
	unsigned n = 1;

	while (n < CUTS_MAXIMUM && cut(n))
		n++;
	assert_in_range(n, 100, CUTS_MAXIMUM - 1);
	printf("%u cut points, each with %d kinds of loss\n", n - 1, LOSSES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_every_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
